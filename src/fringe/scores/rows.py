"""Columns and files of tidy rows; each row has one distance."""

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
"""Additional columns of Fréchet distances; both are empty if the error is not known.

``standard_error`` is the standard error of the value (see `fringe.evaluation.sampling_error`).
``real_error`` is its part from the real images. If only ``real_error`` is empty, the error covers
only the generated images. The first of repeated draws has an error. Rows of earlier versions do not
have these columns.
"""


def check_scores(scores: pd.DataFrame, columns: tuple[str, ...] = SCORE_COLUMNS) -> pd.DataFrame:
    """Return ``scores`` unchanged if it has all columns and only finite values.

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
        raise FringeError("scores: no rows; evaluate at least one data set")
    bad = scores[~np.isfinite(scores["value"].to_numpy(dtype=float))]
    if len(bad):
        row = bad.iloc[0]
        where = ", ".join(f"{name} {row[name]}" for name in columns if name != "value")
        raise FringeError(f"scores: value {row['value']} is not finite ({where}); evaluate again")
    return scores


def read_rows(path: str | os.PathLike[str], **options: Any) -> pd.DataFrame:
    """Return the rows of a CSV file; ``options`` are passed to `pandas.read_csv`.

    Raises
    ------
    DamagedFileError
        If the file is missing, ends within a row or is not CSV.
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
    """Return the error for a result file that is missing or damaged."""
    message = f"{path}: missing or damaged ({str(reason).strip()}); delete it and run again"
    return DamagedFileError(f"{message} to create it", path)


Row = dict[str, Any]


def write_scores(
    path: str | os.PathLike[str], rows: Sequence[Row], labels: Mapping[str, str], seed: int
) -> None:
    """Write tidy rows as CSV: the common ``labels``, the columns of each row, and the seed.

    Values are written at full precision, so reading them returns the same numbers.
    """
    frame = pd.DataFrame([{**labels, **row, "seed": seed} for row in rows])
    with atomic_path(path) as partial:
        frame.to_csv(partial, index=False, float_format="%.17g")


def read_scores(paths: Iterable[str | os.PathLike[str]]) -> pd.DataFrame:
    """Return the rows of several files that `write_scores` wrote.

    Raises
    ------
    DamagedFileError
        If a file is missing, ends within a row or is not CSV.
    """
    return pd.concat([read_rows(path) for path in paths], ignore_index=True)


def write_columns(
    path: str | os.PathLike[str], rows: Sequence[Row], columns: Sequence[str]
) -> None:
    """Write some columns of rows as CSV, at full precision."""
    frame = pd.DataFrame(list(rows))[list(columns)]
    with atomic_path(path) as partial:
        frame.to_csv(partial, index=False, float_format="%.17g")


def read_columns(
    path: str | os.PathLike[str], labels: Sequence[str], numbers: Sequence[str]
) -> pd.DataFrame:
    """Return the text columns and number columns of a CSV file, at full precision.

    An empty number is NaN.

    Raises
    ------
    DamagedFileError
        If the file is missing, is truncated or has another content.
    """
    try:
        # Read as text, so that numbers keep their precision and a data set may have the name NA.
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
    """Return the number in a cell; NaN for an empty cell."""
    digits = str(text)
    return int(digits) if digits.isdecimal() else float(digits or "nan")
