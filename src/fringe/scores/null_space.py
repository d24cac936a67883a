"""How much of FID weights remove, and how much the released steps do: in a sentence each."""

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
    """Return how many times as much FID optimal weights remove as those of the released steps.

    (r - a) / (r - b) with the means r at random, a and b of both; its standard deviation is
    propagated to first order from those of independent draws. NaN if the released steps remove
    nothing.
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
    """Return by how much more of FID weights remove than published; "" if nothing compares.

    Parameters
    ----------
    random, ours, released : Cell
        FID of images drawn at random, with our weights, and with those of the released steps, if
        these were taken.
    printed : float
        The relative change that the paper prints; NaN if it prints none.
    differs : str, optional
        What the paper measured otherwise than ``released``, or without those than ``ours``; ""
        if protocols agree, None if they do not and it is said elsewhere what differs.
    """
    otherwise = "" if differs == "" else ", measured otherwise than ours"
    otherwise += f": {differs}" if differs else ""
    told = f"{format_percent(-printed).lstrip('+')}{otherwise}"
    if released is None:
        if math.isnan(printed):
            return ""
        return f"the weights here remove {_share(ours, random)} of FID, those of the paper {told}"
    clause = (
        f"the optimal weights remove {_share(ours, random)} of FID, those of the released steps"
    )
    paper = "" if math.isnan(printed) else f"the paper prints {told}"
    ratio = removal_ratio(ours, released, random)
    if math.isnan(ratio.value):
        rise = format_percent(relative_change(released.mean, random.mean)).rstrip("%")
        rise += f"{_spread(released, random)}%"
        return f"{clause} nothing ({'; '.join(filter(None, (rise, paper)))})"
    clause += f" {_share(released, random)}" + (f" ({paper})" if paper else "")
    spread = "" if math.isnan(ratio.std) else f" ± {ratio.std:.2f}"
    return f"{clause}: the null space is {ratio.value:.2f}{spread} times as large as those show"


def released_remarks(
    released: Mapping[str, Any], titles: Titles, datasets: Sequence[str] | None = None
) -> list[str]:
    """Return how far the released steps of a run went, next to the published ones, in a sentence.

    Parameters
    ----------
    released : mapping
        What `fringe.config.choices.released_steps` returns: ``steps``, ``learning_rate``, and
        ``candidates`` by data set.
    titles : mapping
        Display names of data sets.
    datasets : sequence of str, optional
        Those to name; all by default.
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
        return [f"{said}: fewer or smaller steps remove less of FID than the published ones."]
    return [f"{said}: the steps went at least as far."]


def _share(after: Cell, random: Cell) -> str:
    share = format_percent(-relative_change(after.mean, random.mean)).lstrip("+")
    return f"{share.rstrip('%')}{_spread(after, random)}%"


def _spread(after: Cell, random: Cell) -> str:
    std = change_spread(after, random)
    return "" if math.isnan(std) else f" ± {100 * std:.1f}"
