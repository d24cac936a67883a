"""Cost of the rules in rules/evaluation.smk."""

from __future__ import annotations

from fringe.config import choices
from fringe.costs.context import JobContext
from fringe.costs.memory import draws_memory, moments_memory, pairs_memory
from fringe.costs.rule_cost import RuleCost
from fringe.costs.work import Work, error_products, products
from fringe.networks import network_info
from fringe.plan.exhibits import GRID_SCHEMES

__all__ = ["RULES", "asked_products"]


def _score_scheme(about: JobContext) -> Work:
    """FID of each draw, and the standard error of the first draw if it is measured."""
    scheme = about.wildcard("scheme")
    repeats = choices.repeats(about.config, scheme)
    generated = about.dataset.n_generated
    number = repeats * (generated * about.dim**2 + about.dim**3)
    if choices.has_error(scheme):
        number += error_products(about.dim, about.dataset.n_real + generated)
    return products(about, number)


def _score_scheme_memory(about: JobContext) -> int:
    return moments_memory(about.network)


def _score_floor(about: JobContext) -> Work:
    """Distances of half of the real images and of the same number per scheme, with errors."""
    distances = 1 + len(GRID_SCHEMES)
    half = about.dataset.n_real / 2
    each = half * about.dim**2 + error_products(about.dim, round(2 * half))
    return products(about, distances * each)


def _score_floor_memory(about: JobContext) -> int:
    return moments_memory(about.network, covariances=3)


def _score_precision_recall(about: JobContext) -> Work:
    """All pairs of images in float32, which is four times as fast as float64."""
    network = _precision_recall_network(about)
    number = about.config.evaluation.repeats.recall * about.pairs
    return products(about, number * network_info(network).feature_dim / 4, group=network)


def _score_precision_recall_memory(about: JobContext) -> int:
    return pairs_memory(about, _precision_recall_network(about))


def _precision_recall_network(about: JobContext) -> str:
    return about.config.evaluation.precision_recall.network


def asked_products(
    *, dim: int, real: int, generated: int, classes: int, kid: tuple[int, int]
) -> dict[str, float]:
    """Return the multiply-adds of one draw by metric; 0 if another metric includes them.

    Most metrics use all pairs of images in float32, which is four times as fast as float64. ``kid``
    is the number of subsets and the number of images in each subset.
    """
    pairs = real * generated * dim / 4
    n = generated
    return {
        "kid": 3 * kid[0] * kid[1] ** 2 * dim / 4,
        "cmmd": 4 * pairs,
        "mind": 1000 * n * dim,
        "inception_score": n * dim * classes,
        "precision": 3 * pairs,
        "recall": 0.0,
        "density": 3 * pairs,
        "coverage": 0.0,
        "vendi": n * dim**2 + dim**3,
        "authenticity": 3 * pairs,
        "memorization": 3 * (real + n) * 64 * (real + n) / 4,
        "new_modes": 4 * (real + n) * 2048**2,
        "lost_modes": 0.0,
    }


def _score_asked(about: JobContext) -> Work:
    """The requested metrics of each draw."""
    evaluation = about.config.evaluation
    numbers = asked_products(
        dim=about.dim,
        real=about.dataset.n_real,
        generated=about.dataset.n_generated,
        classes=about.classes,
        kid=(evaluation.kid_subsets, evaluation.kid_subset_size),
    )
    wanted = choices.asked_of_draws(about.config, about.network)
    number = evaluation.repeats.metrics * sum(numbers[metric] for metric in wanted)
    return products(about, number, group=about.network)


def _score_asked_memory(about: JobContext) -> int:
    return 2 * pairs_memory(about, about.network)


def _score_kernels(about: JobContext) -> Work:
    """Pairs of images in subsets, and all pairs if requested.

    The pairs are in float32, which is four times as fast as float64.
    """
    evaluation = about.config.evaluation
    real, generated = about.dataset.n_real, about.dataset.n_generated
    subsets = 3 * evaluation.kid_subsets * evaluation.kid_subset_size**2
    draws = evaluation.repeats.table3
    # All pairs are computed if there are fewer of them than pairs in subsets.
    pairs: float = draws * min(subsets, (real + generated) ** 2)
    if evaluation.kid_exact:  # common pairs of several draws are computed once
        drawn = min(about.candidates, draws * generated)
        pairs += (real**2 + min(drawn**2, draws * generated**2)) / 2 + real * drawn
    return products(about, pairs * about.dim / 4)


def _score_sizes(about: JobContext) -> Work:
    """FID and extrapolated FID of each size, with a standard error for each size."""
    real = about.sources[about.dataset.real]["count"]
    sizes = choices.resolve_sizes(about.dataset.sizes, real, about.candidates)
    images = sum(real + 4 * generated for real, generated in sizes)
    number = about.config.evaluation.repeats.sizes * images * about.dim**2
    return products(about, number + sum(error_products(about.dim, sum(pair)) for pair in sizes))


def _score_sizes_memory(about: JobContext) -> int:
    return moments_memory(about.network, covariances=3)


def _score_snapshots(about: JobContext) -> Work:
    """FID of each snapshot, and its standard error."""
    images = about.dataset.n_real + about.dataset.n_generated
    each = about.dim**3 + error_products(about.dim, images)
    return products(about, len(about.dataset.snapshots) * each)


def _score_snapshots_memory(about: JobContext) -> int:
    return moments_memory(about.network, covariances=len(about.dataset.snapshots))


def _measure_checks(about: JobContext) -> Work:
    """15 draws in each network, each of the usual number of distinct images."""
    networks = max(1, len(_networks_of_distances(about)))
    images = about.candidates + 15 * about.dataset.n_generated
    return products(about, networks * (images * about.dim**2 + 16 * about.dim**3))


def _measure_checks_memory(about: JobContext) -> int:
    networks = [about.config.network, *_networks_of_distances(about)]
    return max(moments_memory(network, covariances=3) for network in networks)


def _networks_of_distances(about: JobContext) -> list[str]:
    checks = about.dataset.checks
    return [*((checks and checks.distances) or {})]


RULES = {
    "score_scheme": RuleCost(_score_scheme, _score_scheme_memory),
    "score_asked": RuleCost(_score_asked, _score_asked_memory),
    "score_floor": RuleCost(_score_floor, _score_floor_memory),
    "score_precision_recall": RuleCost(_score_precision_recall, _score_precision_recall_memory),
    "score_kernels": RuleCost(_score_kernels, draws_memory),
    "score_sizes": RuleCost(_score_sizes, _score_sizes_memory),
    "score_snapshots": RuleCost(_score_snapshots, _score_snapshots_memory),
    "measure_checks": RuleCost(_measure_checks, _measure_checks_memory),
}
