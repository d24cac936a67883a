"""Cost of the rules in rules/page.smk."""

from __future__ import annotations

from dataclasses import replace

from fringe.config import choices
from fringe.costs import gpus
from fringe.costs.context import JobContext
from fringe.costs.memory import looking_memory, rendered_and_kept
from fringe.costs.rule_cost import RuleCost
from fringe.costs.work import Work, network_passes
from fringe.networks import network_info
from fringe.plan.explorers import view_of

__all__ = ["RULES"]

TRANSPORTS = 22  # products (D, D) for a model: a covariance, and maps in both directions


def _dataset(about: JobContext) -> Work:
    """Three models, influences of all candidates on two of them, and maps of half of the images."""
    view = view_of(about.config, "dataset", about.dataset_name)
    shown = choices.explained_datasets(about.config)
    maps = min(view.images, about.candidates) / 2 if about.dataset_name in shown else 0
    images = 4 * about.candidates + about.dataset.n_real
    return _work(about, about.generated, images, 3, maps)


def _comparison(about: JobContext) -> Work:
    """A model of each generator, influences on this, the first and the last model, and all maps."""
    comparison = about.config.comparisons[about.wildcard("comparison")]
    firsts = [about.config.datasets[made[0]] for made in comparison.trainings.values()]
    view = view_of(about.config, "comparison", about.wildcard("comparison"))
    n = firsts[0].n_generated
    maps = min(view.images, n) * len(firsts) if network_info(about.config.network).maps else 0
    images = (1.5 * len(firsts) + 4) * n + 1.5 * firsts[0].n_real
    return _work(about, firsts[0].generated, images, len(firsts), maps)


def _work(about: JobContext, source: str, images: float, models: int, maps: float) -> Work:
    """Return the work of ``images`` times D x D multiply-adds, of models, and of maps.

    The matrices are on the CPU, even if the network is on a GPU.
    """
    looking = network_passes(about, source, maps, passes=1.3)
    number = images * about.dim**2 + models * TRANSPORTS * about.dim**3
    seconds = looking.default + number / about.speed("products", "cpu")
    return replace(looking, units=number, default=seconds)


def _dataset_memory(about: JobContext) -> int:
    view = view_of(about.config, "dataset", about.dataset_name)
    return _memory(about, about.generated, 3, 1.5 * view.images) + (100 * about.candidates >> 20)


def _comparison_memory(about: JobContext) -> int:
    comparison = about.config.comparisons[about.wildcard("comparison")]
    view = view_of(about.config, "comparison", about.wildcard("comparison"))
    count = len(comparison.trainings)
    source = about.config.datasets[comparison.datasets[0]].generated
    return _memory(about, source, count, (count + 0.5) * view.images)


def _memory(about: JobContext, source: str, models: int, shown: float) -> int:
    """Memory of the network, of covariances and maps, and of the images that are shown.

    Shown images have features, thumbnails and a block of distances. The other images have only a
    block.
    """
    looking = looking_memory(about, source, makes_images=not rendered_and_kept(about, source))
    matrices = 8 * about.dim**2 * (10 + 4 * models) + 5 * 8 * 8192 * about.dim
    pixels = 6 * about.config.page.thumbnail**2
    return looking + int(shown * (20 * about.dim + pixels) + matrices + (100 << 20)) // (1 << 20)


def _looks(about: JobContext) -> bool:
    """Return whether the job makes a data set's images, or computes their maps."""
    explained = about.dataset_name in choices.explained_datasets(about.config)
    return explained or gpus.if_images_are_made(about)


RULES = {
    "explore_dataset": RuleCost(_dataset, _dataset_memory, _looks),
    "explore_comparison": RuleCost(_comparison, _comparison_memory, gpus.always),
    "write_index": RuleCost(),
}
