"""Rules of rules/comparison.smk."""

from __future__ import annotations

from dataclasses import replace

from fringe.config.datasets import Comparison, Dataset
from fringe.costs import gpus
from fringe.costs.context import JobContext
from fringe.costs.memory import looking_memory, moments_memory, rendered_and_kept
from fringe.costs.rule_cost import RuleCost
from fringe.costs.work import Work, distorting, network_passes, products
from fringe.sources.distorted import VARIANTS

__all__ = ["RULES"]

PRICE = 60 * 2 * 256  # evaluations, products and axes of the weights behind a price


def _comparison(about: JobContext) -> tuple[Comparison, Dataset]:
    comparison = about.config.comparisons[about.wildcard("comparison")]
    return comparison, about.config.datasets[comparison.datasets[0]]


def _compare_control(about: JobContext) -> Work:
    """Moments, a map and two sums of influences of each generator; kernels of all pairs."""
    comparison, dataset = _comparison(about)
    images = dataset.n_real + dataset.n_generated
    number = len(comparison.datasets)
    pairs = number * min(images, 8000) ** 2
    moments = number * (4 * images * about.dim**2 + 25 * about.dim**3)
    return products(about, moments + pairs * about.dim)


def _compare_main(about: JobContext) -> Work:
    """Also two reweighted distances for each pair, and the price."""
    comparison, dataset = _comparison(about)
    images = dataset.n_real + dataset.n_generated
    number = len(comparison.datasets)
    pairs = number * min(images, 8000) ** 2
    price = (number - 1) * dataset.n_generated * min(about.dim, 256) * PRICE
    moments = number * (16 * images * about.dim**2 + 100 * about.dim**3)
    return products(about, moments + pairs * about.dim + price)


def _memory(about: JobContext) -> int:
    """Features of all images, some in float64; covariances and maps; blocks of kernels."""
    comparison, dataset = _comparison(about)
    images = dataset.n_real * 2 + dataset.n_generated * len(comparison.datasets)
    matrices = 8 * about.dim**2 * (12 + 2 * len(comparison.datasets))
    return int(2500 + (6 * about.dim * images + matrices >> 20))


def _measure_power(about: JobContext) -> Work:
    """Each distorted image is made and passes through the network once.

    Two distances for each variant, of three sets of images, and four between halves of all images.
    """
    source, images = about.wildcard("source"), _distorted(about)
    count = about.sources[source]["count"]
    number = (3 * images + 4 * count) * about.dim**2 + (7 * len(VARIANTS) + 16) * about.dim**3
    return distorting(about, source, images, number)


def _measure_power_memory(about: JobContext) -> int:
    """Memory of the network, and afterwards of the features of all distorted images."""
    source = about.wildcard("source")
    features = 3 * 4 * about.dim * _distorted(about) >> 20
    looking = looking_memory(about, source, makes_images=not rendered_and_kept(about, source))
    return features + max(looking, moments_memory(about.network))


def _distorted(about: JobContext) -> int:
    """Return the number of distorted images."""
    count = int(about.sources[about.wildcard("source")]["count"])
    return len(VARIANTS) * min(about.config.evaluation.power_images, count)


def _compared_classes(about: JobContext) -> Work:
    """Two images of ten classes of two generators pass through the network; three Gaussians."""
    _, dataset = _comparison(about)
    images = 40
    moments = (dataset.n_real + 2 * dataset.n_generated) * about.dim**2 + 40 * about.dim**3
    looking = network_passes(about, dataset.generated, images, passes=1.3)
    return replace(looking, default=looking.default + products(about, moments).default)


def _compared_classes_memory(about: JobContext) -> int:
    """Memory of the network, and of covariances and maps."""
    _, dataset = _comparison(about)
    makes = not rendered_and_kept(about, dataset.generated)
    looking = looking_memory(about, dataset.generated, makes_images=makes)
    return looking + (8 * about.dim**2 * 12 >> 20)


RULES = {
    "compare_main": RuleCost(_compare_main, _memory),
    "compare_control": RuleCost(_compare_control, _memory),
    "measure_power": RuleCost(_measure_power, _measure_power_memory, gpus.always),
    "figure_compared_classes": RuleCost(_compared_classes, _compared_classes_memory, gpus.always),
    "judge_comparison": RuleCost(),
    "comparisons": RuleCost(),
}
