"""Rows of two optimizations side by side, the released one and ours, and what they come to."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fringe.errors import FringeError
from fringe.files.atomic import atomic_path
from fringe.scores.rows import Row

__all__ = [
    "CONVERGENCE_COLUMNS",
    "OURS",
    "PUBLISHED_PROGRESS",
    "REFERENCE",
    "Convergence",
    "compare_convergence",
    "format_loss",
    "write_convergence",
]

OURS, REFERENCE = "ours", "reference"

CONVERGENCE_COLUMNS = (
    "dataset",
    "network",
    "solver",
    "evaluation",
    "seconds",
    "objective",
    "lower_bound",
    "effective_sample_size",
    "candidates",
    "learning_rate",
    "timed_steps",
    "device",
    "threads",
    "merge_error",
)
"""One row per evaluation of one solver.

``solver``: "ours" or "reference"; ``seconds`` since the start, this evaluation included;
``lower_bound``: the best proven so far (ours). The reference's objective divides the covariance by
(sum w) - 1, ours by sum w; its seconds are those of one released step times the evaluation's
number, and ``timed_steps``, ``device`` and ``threads`` say how that step was timed. Where its steps
were merged, rows are missing and ``merge_error`` is the measured error of the objective.
"""

PUBLISHED_PROGRESS = 10 * 100_000 / 250_000
"""Step size x steps / candidates of the published runs: how far along gradient flow they went."""


@dataclass(frozen=True)
class Convergence:
    """What two optimizations of one data set came to.

    Attributes
    ----------
    candidates : int
    steps : int
        Evaluations of the reference that were measured.
    progress : float
        Step size x steps / candidates, see `PUBLISHED_PROGRESS`.
    reference_start, reference : float
        Its first loss, and its lowest.
    reference_step : int
        The evaluation that found the lowest.
    reference_seconds : float
        Until then.
    merge_error : float
        Largest error of the reference's losses that comes from merging its steps; 0 if none was.
    start, ours, lower_bound : float
        Our first objective, the lowest, and the best proven bound.
    ours_seconds : float
        Until ours was first at or below ``reference``; NaN if it never was.
    """

    candidates: int
    steps: int
    progress: float
    reference_start: float
    reference: float
    reference_step: int
    reference_seconds: float
    merge_error: float
    start: float
    ours: float
    lower_bound: float
    ours_seconds: float

    @property
    def removed_by_reference(self) -> float:
        """FID that the reference's weights removed, by its own loss."""
        return self.reference_start - self.reference

    @property
    def removed(self) -> float:
        """FID that our weights removed."""
        return self.start - self.ours

    @property
    def removable(self) -> float:
        """FID that no weights can remove more of."""
        return self.start - self.lower_bound


def compare_convergence(rows: pd.DataFrame, dataset: str) -> Convergence:
    """Return what the two optimizations of one data set came to.

    Parameters
    ----------
    rows : DataFrame
        With columns ``CONVERGENCE_COLUMNS``.

    Raises
    ------
    FringeError
        If a column or a solver's rows are missing, or an objective is not a finite number.
    """
    absent = [column for column in CONVERGENCE_COLUMNS if column not in rows.columns]
    if absent:
        raise FringeError(
            f"convergence: column {', '.join(absent)} is missing (found {', '.join(rows.columns)})"
            "; give the rows that measure_convergence writes"
        )
    ours, reference = (
        rows[(rows["dataset"] == dataset) & (rows["solver"] == solver)].sort_values("evaluation")
        for solver in (OURS, REFERENCE)
    )
    for solver, part in ((OURS, ours), (REFERENCE, reference)):
        if part.empty or not np.isfinite(part[["seconds", "objective"]].to_numpy(float)).all():
            raise FringeError(
                f"convergence: dataset {dataset!r}, solver {solver!r} has no row, or one whose "
                "seconds or objective is not finite; measure it again"
            )
    lowest = int(reference["objective"].to_numpy().argmin())
    level = float(reference["objective"].iloc[lowest])
    reached = ours[ours["objective"] <= level]
    candidates = int(reference["candidates"].iloc[0])
    steps = int(reference["evaluation"].max())
    return Convergence(
        candidates=candidates,
        steps=steps,
        progress=float(reference["learning_rate"].iloc[0]) * steps / candidates,
        reference_start=float(reference["objective"].iloc[0]),
        reference=level,
        reference_step=int(reference["evaluation"].iloc[lowest]),
        reference_seconds=float(reference["seconds"].iloc[lowest]),
        merge_error=float(reference["merge_error"].fillna(0).max()),
        start=float(ours["objective"].iloc[0]),
        ours=float(ours["objective"].min()),
        lower_bound=float(ours["lower_bound"].max()),
        ours_seconds=float(reached["seconds"].iloc[0]) if len(reached) else float("nan"),
    )


def format_loss(loss: float, *, down: bool = False) -> str:
    """Return a loss with three digits, or all those before the point.

    A bound is rounded ``down``: no more is claimed than is proven.
    """
    if loss <= 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(loss)))
    if down:
        # Within rounding of a digit it is that digit.
        loss = math.floor(loss * 10**decimals + 1e-9) / 10**decimals
    return f"{loss:,.{decimals}f}"


def write_convergence(
    path: str | os.PathLike[str], rows: Sequence[Row], labels: Mapping[str, str]
) -> None:
    """Write rows as CSV, the released ones first, each with the ``labels`` that all share.

    Columns are `CONVERGENCE_COLUMNS`; values keep all their digits.
    """
    frame = pd.DataFrame([{**labels, **row} for row in rows])
    for name in ("timed_steps", "threads"):
        frame[name] = frame[name].astype("Int64")  # whole numbers, and empty for ours
    with atomic_path(path) as partial:
        frame.to_csv(partial, index=False, float_format="%.17g")
