"""Sentences on the part of FID that sampling weights remove, our weights and the released weights.

"Released weights" come from the optimization steps of the paper's released code.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fringe.scores.cells import Cell, change_spread, relative_change
from fringe.scores.convergence import PUBLISHED_PROGRESS
from fringe.scores.numbers import format_percent
from fringe.scores.titles import Titles, title_of

__all__ = ["null_space_clause", "released_remarks", "removal_ratio"]


class Ratio(NamedTuple):
    """A ratio and its standard deviation for one evaluation."""

    value: float
    std: float


def removal_ratio(optimal: Cell, released: Cell, random: Cell) -> Ratio:
    """Return the FID that optimal weights remove, divided by the FID that released steps remove.

    The ratio is (r - a) / (r - b), where r, a and b are the mean FID at random, with optimal
    weights and with released weights. Its standard deviation is propagated to first order from the
    standard deviations of independent draws. NaN if the released steps remove nothing.
    """
    removed = random.mean - released.mean
    if not removed > 0:
        return Ratio(math.nan, math.nan)
    ratio = (random.mean - optimal.mean) / removed
    std = math.hypot(optimal.std, ratio * released.std, (1 - ratio) * random.std)
    return Ratio(ratio, std / removed)


def null_space_clause(
    random: Cell,
    ours: Cell,
    released: Cell | None = None,
    printed: float = math.nan,
    differs: str | None = "",
) -> str:
    """Compare the part of FID that weights remove with published numbers; "" without such numbers.

    Parameters
    ----------
    random, ours, released : Cell
        FID of images drawn at random, with our weights, and with the weights of the released steps
        if these steps were run.
    printed : float
        The relative change that the paper prints; NaN if the paper prints none.
    differs : str, optional
        The deviations of the paper's protocol from the protocol of ``released``, or of ``ours`` if
        ``released`` is None. "" if the protocols agree; None if they differ and the deviations are
        listed elsewhere.
    """
    otherwise = "" if differs == "" else ", measured differently from ours"
    otherwise += f": {differs}" if differs else ""
    published = f"{format_percent(-printed).lstrip('+')}{otherwise}"
    if released is None:
        if math.isnan(printed):
            return ""
        share = _share(ours, random)
        return f"the weights here remove {share} of FID, the paper's weights {published}"
    clause = f"the optimal weights remove {_share(ours, random)} of FID, the released weights"
    paper = "" if math.isnan(printed) else f"the paper prints {published}"
    ratio = removal_ratio(ours, released, random)
    if math.isnan(ratio.value):
        rise = format_percent(relative_change(released.mean, random.mean)).rstrip("%")
        rise += f"{_spread(released, random)}%"
        return f"{clause} nothing ({'; '.join(filter(None, (rise, paper)))})"
    clause += f" {_share(released, random)}" + (f" ({paper})" if paper else "")
    spread = "" if math.isnan(ratio.std) else f" ± {ratio.std:.2f}"
    return f"{clause}: the null space is {ratio.value:.2f}{spread} times as large as they show"


def released_remarks(
    released: Mapping[str, Any], titles: Titles, datasets: Sequence[str] | None = None
) -> list[str]:
    """Return a sentence that compares the progress of a run's released steps with published runs.

    Parameters
    ----------
    released : mapping
        The result of `fringe.config.choices.released_steps`: ``steps``, ``learning_rate``, and
        ``candidates`` by data set.
    titles : mapping
        Display names of data sets.
    datasets : sequence of str, optional
        The data sets to name; all by default.
    """
    rate, steps = released["learning_rate"], released["steps"]
    progress = {
        name: rate * steps / count
        for name, count in released["candidates"].items()
        if datasets is None or name in datasets
    }
    each = ", ".join(
        f"{value:.2g} for {title_of(titles, name)}" for name, value in progress.items()
    )
    said = (
        f"Released steps: {steps:,} of step size {rate:g}. Step size times steps over candidates "
        f"is {each}, and {PUBLISHED_PROGRESS:g} in the published runs (100,000 steps, 250,000 "
        "candidates)"
    )
    if min(progress.values()) < 0.995 * PUBLISHED_PROGRESS:
        return [f"{said}: fewer or smaller steps remove less of FID than the published steps."]
    return [f"{said}: the steps went at least as far."]


def _share(after: Cell, random: Cell) -> str:
    share = format_percent(-relative_change(after.mean, random.mean)).lstrip("+")
    return f"{share.rstrip('%')}{_spread(after, random)}%"


def _spread(after: Cell, random: Cell) -> str:
    std = change_spread(after, random)
    return "" if math.isnan(std) else f" ± {100 * std:.1f}"
