"""Rows of two optimizations, the released algorithm and ours, and a summary of both."""

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

``solver`` is "ours" or "reference". ``seconds`` is the time from the start to the end of this
evaluation. ``lower_bound`` is the best proven bound so far (ours). The reference's objective
divides the covariance by (sum w) - 1, ours divides it by sum w. The reference's seconds are the
time of one released step times the number of the evaluation; ``timed_steps``, ``device`` and
``threads`` describe how the step was timed. If the reference's steps were merged, rows are missing,
and ``merge_error`` is the measured error of the objective.
"""

PUBLISHED_PROGRESS = 10 * 100_000 / 250_000
"""Step size x steps / candidates of the published runs: their progress along the gradient flow."""


@dataclass(frozen=True)
class Convergence:
    """The summary of two optimizations of one data set.

    Attributes
    ----------
    candidates : int
    steps : int
        Number of measured evaluations of the reference.
    progress : float
        Step size x steps / candidates, see `PUBLISHED_PROGRESS`.
    reference_start, reference : float
        The reference's first loss and lowest loss.
    reference_step : int
        The evaluation with the reference's lowest loss.
    reference_seconds : float
        Time until that evaluation.
    merge_error : float
        Largest error of the reference's losses that merging of steps causes; 0 if no steps were
        merged.
    start, ours, lower_bound : float
        Our first objective, our lowest objective, and the best proven bound.
    ours_seconds : float
        Time until our objective first reached ``reference``; NaN if it did not.
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
        """FID that the reference's weights removed, measured by the reference's loss."""
        return self.reference_start - self.reference

    @property
    def removed(self) -> float:
        """FID that our weights removed."""
        return self.start - self.ours

    @property
    def removable(self) -> float:
        """Proven upper bound of the FID that any weights can remove."""
        return self.start - self.lower_bound


def compare_convergence(rows: pd.DataFrame, dataset: str) -> Convergence:
    """Return the summary of the two optimizations of one data set.

    Parameters
    ----------
    rows : DataFrame
        Has the columns ``CONVERGENCE_COLUMNS``.

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
                f"convergence: dataset {dataset!r}, solver {solver!r} has no row, or a row whose "
                "seconds or objective is not finite; measure the convergence again"
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
    """Return a loss with three digits, or with all digits before the decimal point.

    A bound is rounded ``down``, so that the text does not claim more than is proven.
    """
    if loss <= 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(loss)))
    if down:
        # The small number corrects floating-point rounding just below a digit.
        loss = math.floor(loss * 10**decimals + 1e-9) / 10**decimals
    return f"{loss:,.{decimals}f}"


def write_convergence(
    path: str | os.PathLike[str], rows: Sequence[Row], labels: Mapping[str, str]
) -> None:
    """Write rows as CSV, each with the common ``labels``, at full precision.

    The columns are `CONVERGENCE_COLUMNS`.
    """
    frame = pd.DataFrame([{**labels, **row} for row in rows])
    for name in ("timed_steps", "threads"):
        frame[name] = frame[name].astype("Int64")  # whole numbers, and empty for ours
    with atomic_path(path) as partial:
        frame.to_csv(partial, index=False, float_format="%.17g")
