"""Tidy rows: one distance each; their columns, and their files."""

import os
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd

from fringe.errors import DamagedFileError, FringeError
from fringe.files.atomic import atomic_path
from fringe.files.regular import LARGEST_TEXT, read_regular

__all__ = [
    "ERROR_COLUMNS",
    "SCORE_COLUMNS",
    "Row",
    "check_scores",
    "damaged",
    "read_columns",
    "read_rows",
    "read_scores",
    "write_columns",
    "write_scores",
]

SCORE_COLUMNS = (
    "dataset",
    "scheme",
    "network",
    "space",
    "metric",
    "repeat",
    "value",
    "n_real",
    "n_generated",
    "seed",
)

ERROR_COLUMNS = ("standard_error", "real_error")
"""Columns that rows of Fréchet distances have as well, both empty where no error is known.

``standard_error`` is that of the value, which `fringe.evaluation.sampling_error` explains;
``real_error`` is the part of the real images. If only ``real_error`` is empty, the error is that of
the generated images only. Of repeated draws the first has an error. Rows of earlier versions lack
these columns.
"""


def check_scores(scores: pd.DataFrame, columns: tuple[str, ...] = SCORE_COLUMNS) -> pd.DataFrame:
    """Return ``scores`` unchanged if it has the columns and only finite values.

    Raises
    ------
    FringeError
        If a column is missing, there is no row, or a value is not a finite number.
    """
    absent = [column for column in columns if column not in scores.columns]
    if absent:
        raise FringeError(
            f"scores: column {', '.join(absent)} is missing (found {', '.join(scores.columns)}); "
            "give the tidy rows that the evaluation writes"
        )
    if scores.empty:
        raise FringeError("scores: no row; evaluate at least one dataset")
    bad = scores[~np.isfinite(scores["value"].to_numpy(dtype=float))]
    if len(bad):
        row = bad.iloc[0]
        where = ", ".join(f"{name} {row[name]}" for name in columns if name != "value")
        raise FringeError(f"scores: value {row['value']} is not finite ({where}); evaluate again")
    return scores


def read_rows(path: str | os.PathLike[str], **options: Any) -> pd.DataFrame:
    """Return the rows of a CSV file; ``options`` are those of `pandas.read_csv`.

    Raises
    ------
    DamagedFileError
        If it is missing, ends within a row or is not CSV.
    """
    try:
        content = read_regular(path, LARGEST_TEXT)
        frame: pd.DataFrame = pd.read_csv(BytesIO(content), **options)
        if not content.endswith(b"\n"):
            raise ValueError("it ends within a row")
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise damaged(path, error) from error
    return frame


def damaged(path: str | os.PathLike[str], reason: object) -> DamagedFileError:
    """Return what is to be said of a file that cannot be used."""
    told = f"{path}: missing or damaged ({str(reason).strip()})"
    return DamagedFileError(f"{told}; delete it and run again, which makes it", path)


Row = dict[str, Any]


def write_scores(
    path: str | os.PathLike[str], rows: Sequence[Row], labels: Mapping[str, str], seed: int
) -> None:
    """Write tidy rows as CSV: the ``labels`` all share, the row's own, and the seed.

    Values keep all their digits, so that reading them back gives the same numbers.
    """
    frame = pd.DataFrame([{**labels, **row, "seed": seed} for row in rows])
    with atomic_path(path) as partial:
        frame.to_csv(partial, index=False, float_format="%.17g")


def read_scores(paths: Iterable[str | os.PathLike[str]]) -> pd.DataFrame:
    """Return the rows of several files that `write_scores` wrote.

    Raises
    ------
    DamagedFileError
        If one is missing, ends within a row or is not CSV.
    """
    return pd.concat([read_rows(path) for path in paths], ignore_index=True)


def write_columns(
    path: str | os.PathLike[str], rows: Sequence[Row], columns: Sequence[str]
) -> None:
    """Write some columns of rows as CSV; values keep all their digits."""
    frame = pd.DataFrame(list(rows))[list(columns)]
    with atomic_path(path) as partial:
        frame.to_csv(partial, index=False, float_format="%.17g")


def read_columns(
    path: str | os.PathLike[str], labels: Sequence[str], numbers: Sequence[str]
) -> pd.DataFrame:
    """Return the columns of text and of numbers of a CSV file, to the last digit.

    An empty number is NaN.

    Raises
    ------
    DamagedFileError
        If the file is missing, is cut short or holds something else.
    """
    try:
        # As text: numbers then keep all their digits, and a data set may be called NA.
        frame = read_rows(path, dtype=str, keep_default_na=False)
        absent = [name for name in (*labels, *numbers) if name not in frame.columns]
        if absent:
            raise ValueError(f"column {', '.join(absent)} is missing")
        if frame.empty:
            raise ValueError("no row")
        values = {name: pd.Series([_number(text) for text in frame[name]]) for name in numbers}
    except DamagedFileError:
        raise
    except ValueError as error:
        raise damaged(path, error) from error
    return frame[[*labels, *numbers]].assign(**values)


def _number(text: object) -> int | float:
    """Return what the text of a cell says; a cell that is cut off is NaN itself."""
    digits = str(text)
    return int(digits) if digits.isdecimal() else float(digits or "nan")
