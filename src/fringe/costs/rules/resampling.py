"""Cost of the rules in rules/resampling.smk."""

from __future__ import annotations

from fringe.config import choices
from fringe.costs import gpus
from fringe.costs.context import JobContext
from fringe.costs.memory import looking_memory, optimization_memory, rank_memory, released_memory
from fringe.costs.rates import RELEASED_EVALUATIONS, SHORT_PLACES
from fringe.costs.rule_cost import RuleCost
from fringe.costs.work import Work, network_passes, products

__all__ = ["RULES"]


def _optimize_weights(about: JobContext) -> Work:
    scheme = about.wildcard("scheme")
    if scheme in choices.released_schemes(about.config):
        return _released_steps(about)
    return _evaluations(about, about.classes if scheme == "logits" else about.dim)


def _optimize_sweep(about: JobContext) -> Work:
    """One optimization in logits for each output."""
    return _evaluations(about, about.classes, len(about.job.outputs))


def _evaluations(about: JobContext, width: int, optimizations: int = 1) -> Work:
    """Evaluations of the objective over all candidates with ``width`` features."""
    evaluations = about.config.optimization.evaluations * optimizations
    number = evaluations * 2 * about.candidates * width**2
    return products(about, number, 16 * about.candidates * optimizations)


def _released_steps(about: JobContext) -> Work:
    """Blocks of at most 500 merged steps with three evaluations each, and three draws per check."""
    steps, dim = about.config.optimization.released.steps, about.dim
    evaluations = min(steps, RELEASED_EVALUATIONS + 3 * steps // 500)
    draws = 3 * (2 + steps // 500) * (about.dataset.n_generated * dim**2 + dim**3)
    number = evaluations * 2 * about.candidates * dim**2 + draws
    return products(about, number, 16 * about.candidates, f"{about.network_in_files} released")


def _optimize_sweep_memory(about: JobContext) -> int:
    return optimization_memory(about) + rank_memory(about)


def _extend_matched(about: JobContext) -> Work:
    """The largest number of images that matching may use. It stops earlier if every bin is full."""
    limit = choices.matching_limit(about.config, about.dataset_name, about.candidates)
    return network_passes(about, about.generated, limit - about.candidates, kept=False)


def _extract_matched(about: JobContext) -> Work:
    images = SHORT_PLACES * about.dataset.n_generated
    size = 4 * (about.dim + about.classes) * images
    return network_passes(about, about.generated, images, size, kept=False)


def _matched_memory(about: JobContext) -> int:
    return looking_memory(about, about.generated, makes_images=True)


def _measure_convergence(about: JobContext) -> Work:
    """Steps, unless the weights of the released algorithm already contain them.

    Four steps are timed as the released code takes them. They cost as much as about 60 steps here.
    """
    released = choices.released_schemes(about.config)
    steps = 0 if released else about.config.convergence.steps
    return products(about, (steps + 60) * 2 * about.candidates * about.dim**2)


RULES = {
    "optimize_weights": RuleCost(_optimize_weights, optimization_memory, gpus.always),
    "optimize_sweep": RuleCost(_optimize_sweep, _optimize_sweep_memory, gpus.always),
    "draw_random": RuleCost(),
    "draw_random_filled": RuleCost(),
    "extend_matched": RuleCost(_extend_matched, _matched_memory, gpus.always),
    "extract_matched": RuleCost(_extract_matched, _matched_memory, gpus.always),
    "draw_matched": RuleCost(),
    "draw_weighted": RuleCost(),
    "measure_convergence": RuleCost(_measure_convergence, released_memory, gpus.always),
}
