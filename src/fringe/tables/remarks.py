"""Sentences on Tables 2 and 3, one for each data set."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fringe.scores.cells import (
    Cell,
    change_spread,
    datasets_of,
    relative_change,
    score_cell,
    score_values,
)
from fringe.scores.null_space import null_space_clause
from fringe.scores.numbers import format_percent
from fringe.scores.titles import Titles, gamma_title, title_of

__all__ = ["GAMMA_MARGIN", "gamma_remarks", "null_space_remarks"]

GAMMA_MARGIN = 0.05
"""Largest difference between relative changes at two gammas that behave alike.

It is 5 percentage points. The value is ours: the paper says that all gammas behave alike, but gives
numbers for one gamma only.
"""

_ONE = "± is one standard deviation of a single evaluation."


def null_space_remarks(table: pd.DataFrame) -> list[str]:
    """Return `null_space_clause` as a sentence for each data set of ``table``, from `table2`."""
    sentences = []
    main = table[table["main"] & (table["metric"] == "fid")]
    for _, part in main.groupby("dataset", sort=False):
        rows = {str(row["scheme"]): row for _, row in part.iterrows()}
        cells = {scheme: Cell(*row[list(Cell._fields)]) for scheme, row in rows.items()}
        published = rows.get("prelogits-released", rows["prelogits"])
        clause = null_space_clause(
            cells["random"],
            cells["prelogits"],
            cells.get("prelogits-released"),
            float(published["paper_change"]),
            None if published["paper_differs"] else "",
        )
        if clause:
            sentences.append(f"{rows['prelogits']['title']}: {clause}.")
    known = main[main["scheme"] == "prelogits"]["std"].notna().any()
    if sentences and known:
        sentences[-1] += f" {_ONE}"
    return sentences


class _Change(NamedTuple):
    """The change of a kernel distance at one gamma, with the values for its standard error."""

    title: str
    value: float
    std: float
    after: NDArray[np.float64]  # by repeat, in units of the mean at random
    before: NDArray[np.float64]  # by repeat, in the same units, times 1 + value


def gamma_remarks(
    scores: pd.DataFrame,
    titles: Titles,
    main: str,
    *,
    schemes: Sequence[str] = ("prelogits",),
    repeats: int | None = None,
) -> list[str]:
    """Return a sentence for each data set and scheme on whether all gammas behave alike.

    The sentence lists the relative change from randomly drawn images at each gamma, with its
    standard deviation. It judges the two gammas whose changes are furthest apart. The standard
    error of their difference is propagated from the repeats; in a repeat, all gammas share their
    draws. The gammas behave alike if the difference plus two standard errors is at most
    `GAMMA_MARGIN`. They do not behave alike if the difference minus two standard errors is larger.
    Otherwise the result is undecided.

    Parameters
    ----------
    scores : DataFrame
        Tidy rows, with metrics such as "rbf_kid@0.125".
    schemes : sequence of str
        Each is compared with random.
    repeats : int, optional
        How many repeats to use, from the first; all by default.

    Raises
    ------
    FringeError
        If a score is missing; the message names the combination.
    """
    metrics = sorted(
        {str(metric) for metric in scores["metric"] if str(metric).startswith("rbf_kid@")},
        key=lambda metric: float(metric.partition("@")[2]),
    )
    if len(metrics) < 2:
        return []
    sentences = []
    for dataset in datasets_of(scores):
        for scheme in schemes:
            changes = [
                change
                for metric in metrics
                if (change := _change(scores, dataset, scheme, main, metric, repeats))
            ]
            name = title_of(titles, dataset)
            if "prelogits-released" in schemes:
                kind = "released steps" if scheme == "prelogits-released" else "optimal weights"
                name = f"{name}, {kind}"
            sentences.append(_alike(name, changes, len(metrics)))
    sentences.append(
        "The rule is ours: alike means that the largest difference between two γ, plus twice its "
        f"standard error, is at most {100 * GAMMA_MARGIN:g} percentage points. {_ONE}"
    )
    return sentences


def _change(
    scores: pd.DataFrame, dataset: str, scheme: str, main: str, metric: str, repeats: int | None
) -> _Change | None:
    """Return the change at one gamma; None if the distance at random is not positive."""
    selected: dict[str, Any] = {
        "dataset": dataset,
        "network": main,
        "metric": metric,
        "repeats": repeats,
    }
    cells = [score_cell(scores, scheme=name, **selected) for name in (scheme, "random")]
    after, before = (score_values(scores, scheme=name, **selected) for name in (scheme, "random"))
    value = relative_change(cells[0].mean, cells[1].mean)
    if math.isnan(value):
        return None
    return _Change(
        gamma_title(metric),
        value,
        change_spread(*cells),
        after / cells[1].mean,
        (1 + value) * before / cells[1].mean,
    )


def _alike(name: str, changes: Sequence[_Change], count: int) -> str:
    """Return the sentence on one data set and scheme."""
    if len(changes) < 2:
        return (
            f"{name}: RBF-KID of images drawn at random is not positive at {count - len(changes)} "
            f"of {count} γ, so changes cannot be compared."
        )
    listed = ", ".join(f"{_percent(one)} (γ = {one.title})" for one in changes)
    one, other = max(combinations(changes, 2), key=lambda pair: abs(pair[0].value - pair[1].value))
    difference = abs(one.value - other.value)
    error = math.sqrt(
        sum(
            float((mine - theirs).var(ddof=1)) / len(mine) if len(mine) > 1 else math.nan
            for mine, theirs in ((one.after, other.after), (one.before, other.before))
        )
    )
    judged = _judged(difference, error, len(changes))
    undefined = f" (undefined at {count - len(changes)} more)" if len(changes) < count else ""
    return (
        f"{name}: RBF-KID changes by {listed}. The largest difference, between γ = {one.title} and "
        f"{other.title}, is {_points(difference, error)}: {judged}{undefined}."
    )


def _judged(difference: float, error: float, count: int) -> str:
    number = {2: "both", 7: "all seven"}.get(count, f"all {count}")
    if math.isnan(error):
        within = "within" if difference <= GAMMA_MARGIN else "outside"
        return f"{within} the margin, but its error is unknown with a single evaluation"
    if difference + 2 * error <= GAMMA_MARGIN:
        return f"{number} behave alike"
    if difference - 2 * error > GAMMA_MARGIN:
        return "they do not behave alike"
    return f"the scores are too noisy to decide whether {number} behave alike"


def _points(difference: float, error: float) -> str:
    spread = "" if math.isnan(error) else f" ± {100 * error:.1f} (standard error)"
    return f"{100 * difference:.1f}{spread} percentage points"


def _percent(change: _Change) -> str:
    spread = "" if math.isnan(change.std) else f" ± {100 * change.std:.1f}"
    return f"{format_percent(change.value).rstrip('%')}{spread}%"
