"""Cost of the rules in rules/comparison.smk."""

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

PRICE = 20 * 2 * 256  # evaluations, products and axes of the weights behind a price


def _comparison(about: JobContext) -> tuple[Comparison, Dataset]:
    comparison = about.config.comparisons[about.wildcard("comparison")]
    return comparison, about.config.datasets[comparison.datasets[0]]


def _compare_control(about: JobContext) -> Work:
    """Moments, a map and two sums of influences for each generator; kernels of all pairs."""
    return products(about, _distances(about, 0.7, 8))


def _compare_main(about: JobContext) -> Work:
    """As `_compare_control`, plus two reweighted distances for each pair, and the price."""
    comparison, dataset = _comparison(about)
    n, dim = dataset.n_generated, about.dim
    price = n * min(dim, 256) * PRICE + 2 * n * dim**2 + 5 * dim**3
    prices = (len(comparison.datasets) - 1) * price
    return products(about, _distances(about, 1.3, 10.5) + prices)


def _distances(about: JobContext, products_of_images: float, products_of_matrices: float) -> float:
    """Return the multiply-adds of all distances in a network, as measured on one core.

    The work of a generator consists of products of its images and the real images (N, D) with
    matrices (D, D), of products of matrices (D, D), and of kernels in float32.
    """
    comparison, dataset = _comparison(about)
    images = dataset.n_real + dataset.n_generated
    moments = products_of_images * images * about.dim**2 + products_of_matrices * about.dim**3
    return len(comparison.datasets) * (moments + 0.2 * min(images, 8000) ** 2 * about.dim)


def _memory(about: JobContext) -> int:
    """Memory of the features of all images (some in float64), covariances, maps and kernels."""
    comparison, dataset = _comparison(about)
    images = dataset.n_real * 2 + dataset.n_generated * len(comparison.datasets)
    matrices = 8 * about.dim**2 * (12 + 2 * len(comparison.datasets))
    return int(2500 + (6 * about.dim * images + matrices >> 20))


def _measure_power(about: JobContext) -> Work:
    """Each distorted image is made and passes through the network once.

    There are two distances for each variant, with three sets of images, and four distances between
    halves of all images.
    """
    source, images = about.wildcard("source"), _distorted(about)
    count = about.sources[source]["count"]
    number = (images / 2 + count) * about.dim**2 + (2 * len(VARIANTS) + 5) * about.dim**3
    return distorting(about, source, images, number)


def _measure_power_memory(about: JobContext) -> int:
    """Memory of the network, and of the features of all distorted images afterwards."""
    source = about.wildcard("source")
    features = 3 * 4 * about.dim * _distorted(about) >> 20
    looking = looking_memory(about, source, makes_images=not rendered_and_kept(about, source))
    return features + max(looking, moments_memory(about.network))


def _distorted(about: JobContext) -> int:
    """Return the number of distorted images."""
    count = int(about.sources[about.wildcard("source")]["count"])
    return len(VARIANTS) * min(about.config.evaluation.power_images, count)


def _compared_classes(about: JobContext) -> Work:
    """Passes of two images of ten classes of two generators, and three Gaussians."""
    _, dataset = _comparison(about)
    images = 40
    moments = (dataset.n_real + 2 * dataset.n_generated) * about.dim**2 + 15 * about.dim**3
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
