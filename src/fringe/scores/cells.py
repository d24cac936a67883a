"""Means and spreads of tidy score rows."""

import math
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fringe.errors import FringeError
from fringe.scores.numbers import error_note, format_value
from fringe.scores.rows import ERROR_COLUMNS

__all__ = [
    "Cell",
    "cell_of",
    "cells_note",
    "change_error",
    "change_spread",
    "datasets_of",
    "first_errors",
    "relative_change",
    "score_cell",
    "score_values",
    "sweep_size",
]


class Cell(NamedTuple):
    """The score of one combination over its repeats.

    ``std`` is the sample standard deviation (divisor repeats - 1), NaN for a single repeat.
    ``n_generated`` is the mean count if the count varies over repeats, as with Top-1 matching.
    ``standard_error`` and ``real_error`` are errors of a single evaluation, NaN if they are
    unknown (`fringe.scores.rows.ERROR_COLUMNS`).
    """

    mean: float
    std: float
    repeats: int
    n_real: int
    n_generated: int
    standard_error: float = math.nan
    real_error: float = math.nan

    def printed(self) -> str:
        """Return text such as "5.30 ± 0.04 (SE 0.07)"; unknown spreads and errors are omitted."""
        return format_value(self.mean, self.std, error=self.standard_error)


def datasets_of(scores: pd.DataFrame) -> list[str]:
    """Return the datasets in order of first appearance."""
    return [str(name) for name in dict.fromkeys(scores["dataset"])]


def sweep_size(scheme: str) -> tuple[Literal["top", "middle"], int] | None:
    """Return ("top" or "middle", N) for a scheme of a sweep such as ``top20``, otherwise None."""
    match = re.fullmatch(r"(top|middle)([1-9][0-9]*)", scheme)
    if match is None:
        return None
    return ("top" if match[1] == "top" else "middle"), int(match[2])


def score_cell(
    scores: pd.DataFrame,
    *,
    dataset: str,
    scheme: str,
    network: str,
    metric: str = "fid",
    space: str = "features",
    like: Cell | None = None,
    repeats: int | None = None,
) -> Cell:
    """Return the mean and standard deviation of one combination over its repeats.

    Parameters
    ----------
    scores : DataFrame
        Tidy rows, see ``SCORE_COLUMNS``.
    like : Cell, optional
        The cell that this cell will be compared with. FID depends on the number of images. If the
        combination was evaluated at several sizes, the rows with the same number of real images
        and the nearest number of generated images are used.
    repeats : int, optional
        Number of repeats to use, from the first; all by default.

    Raises
    ------
    FringeError
        If the combination is missing, is ambiguous, or has fewer repeats than requested.
    """
    rows = _rows_of(
        scores,
        {
            "dataset": dataset,
            "scheme": scheme,
            "network": network,
            "space": space,
            "metric": metric,
        },
        like,
        repeats,
    )
    return cell_of(rows)


def cell_of(rows: pd.DataFrame) -> Cell:
    """Return the cell of one combination; ``rows`` has one row for each repeat."""
    values = rows["value"].to_numpy(dtype=float)
    return Cell(
        mean=float(values.mean()),
        std=float(values.std(ddof=1)) if len(values) > 1 else float("nan"),
        repeats=len(values),
        n_real=int(rows["n_real"].iloc[0]),
        n_generated=round(float(rows["n_generated"].mean())),
        **first_errors(rows),
    )


def first_errors(rows: pd.DataFrame) -> dict[str, float]:
    """Return the standard error of one combination's rows, and its part from the real images.

    Both are taken from the first repeat that has errors; NaN if no repeat has errors.
    """
    found = dict.fromkeys(ERROR_COLUMNS, math.nan)
    if "standard_error" not in rows.columns:
        return found
    known = rows[rows["standard_error"].notna()].sort_values("repeat")
    return {name: float(known[name].iloc[0]) for name in found} if len(known) else found


def cells_note(cells: Iterable[Cell]) -> str:
    """Return a sentence on what the standard errors of printed cells cover; "" without errors."""
    known = [cell for cell in cells if not math.isnan(cell.standard_error)]
    if not known:
        return ""
    repeated = any(cell.repeats > 1 for cell in known)
    return error_note((cell.real_error for cell in known), repeated=repeated)


def score_values(
    scores: pd.DataFrame,
    *,
    dataset: str,
    scheme: str,
    network: str,
    metric: str,
    repeats: int | None = None,
) -> NDArray[np.float64]:
    """Return the values (repeats,) that `score_cell` averages, in the order of the repeats."""
    asked = {
        "dataset": dataset,
        "scheme": scheme,
        "network": network,
        "space": "features",
        "metric": metric,
    }
    return _rows_of(scores, asked, None, repeats)["value"].to_numpy(dtype=float)


def _rows_of(
    scores: pd.DataFrame, asked: dict[str, str], like: Cell | None, repeats: int | None
) -> pd.DataFrame:
    """Return one row for each repeat of one combination, in order; see `score_cell`."""
    name = ", ".join(f"{key} {value!r}" for key, value in asked.items())
    kept = np.ones(len(scores), dtype=bool)
    for key, value in asked.items():
        left = kept & (scores[key] == value).to_numpy(dtype=bool)
        if not left.any():
            found = ", ".join(sorted(map(str, scores[key][kept].unique()))) or "none"
            raise FringeError(
                f"scores: no row for {name}: {key} {value!r} is missing (found {found}); "
                f"evaluate this {key}, or remove it from the table or figure"
            )
        kept = left
    rows = scores[kept]
    if like is not None:
        pairs = zip(rows["n_real"], rows["n_generated"], strict=True)
        sizes = sorted({(int(a), int(b)) for a, b in pairs})
        rows = rows[rows["n_real"] == like.n_real]
        if rows.empty:
            raise FringeError(
                f"scores: {name} was evaluated with {' and '.join(f'{a}+{b}' for a, b in sizes)} "
                "(real + generated) images, but the number to compare it with was evaluated with "
                f"{like.n_real} real images; FID depends on the number of images, so evaluate "
                "both with the same real images"
            )
        if rows["repeat"].duplicated().any():
            counts = sorted({int(count) for count in rows["n_generated"]})
            nearest = min(counts, key=lambda count: abs(count - like.n_generated))
            rows = rows[rows["n_generated"] == nearest]
    rows = rows.drop_duplicates(["repeat", "value", "n_real", "n_generated"])
    if rows["repeat"].duplicated().any() or rows["n_real"].nunique() > 1:
        raise FringeError(
            f"scores: {name} has more than one value for a repeat; give only one evaluation"
        )
    rows = rows.sort_values("repeat")
    if repeats is not None:
        if len(rows) < repeats:
            raise FringeError(
                f"scores: {name} has {len(rows)} repeats, but {repeats} are needed; evaluate more "
                "repeats"
            )
        rows = rows.iloc[:repeats]
    return rows


def relative_change(value: float, reference: float) -> float:
    """Return value / reference - 1; NaN if the reference is not positive (KID may be negative)."""
    return value / reference - 1 if reference > 0 else float("nan")


def change_spread(after: Cell, before: Cell) -> float:
    """Return the standard deviation of a relative change, for one evaluation of each cell.

    First-order propagation for the ratio of independent draws; NaN with a single repeat.
    """
    return _ratio_error(after, before, after.std, before.std)


def change_error(after: Cell, before: Cell) -> float:
    """Return the standard error of a relative change of one evaluation; NaN if it is unknown.

    First-order propagation for the ratio of independent distances. Both distances have the same
    real images and candidates, whose luck moves both in the same direction. Therefore the error is
    too large rather than too small.
    """
    return _ratio_error(after, before, after.standard_error, before.standard_error)


def _ratio_error(after: Cell, before: Cell, above: float, below: float) -> float:
    """Return the error of a ratio of two means, given the error of each mean."""
    if not before.mean > 0:
        return float("nan")
    return math.hypot(above, after.mean / before.mean * below) / before.mean
