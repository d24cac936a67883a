"""Rows of FID with noise inside and outside a region, and of a region's share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from fringe.errors import DamagedFileError
from fringe.files.atomic import atomic_path
from fringe.scores.rows import Row, damaged, read_rows
from fringe.sensitivity.noise import REGIONS

__all__ = [
    "REGION_NOISE_COLUMNS",
    "REGION_SHARE_COLUMNS",
    "read_region_noise",
    "read_region_shares",
    "write_region_noise",
    "write_region_shares",
]

REGION_NOISE_COLUMNS = (
    "dataset",
    "network",
    "region",
    "scale",
    "value",
    "n_real",
    "n_generated",
    "seed",
)

REGION_SHARE_COLUMNS = ("dataset", "network", "share", "low", "high", "area", "n")


def write_region_noise(path: str | os.PathLike[str], rows: Sequence[Row], dataset: str) -> None:
    """Write rows of one data set as CSV, columns `REGION_NOISE_COLUMNS`; values keep all digits."""
    _write(path, [{"dataset": dataset, **row} for row in rows], REGION_NOISE_COLUMNS)


def read_region_noise(paths: Iterable[str | os.PathLike[str]]) -> pd.DataFrame:
    """Return the rows of several files that `write_region_noise` wrote, to the last digit.

    Raises
    ------
    DamagedFileError
        If a file is missing, is cut short or holds something else.
    """
    frames = []
    for path in paths:
        frame = _read(path, REGION_NOISE_COLUMNS[:3], REGION_NOISE_COLUMNS[3:])
        if not np.isfinite(frame[list(REGION_NOISE_COLUMNS[3:])].to_numpy(float)).all():
            raise damaged(path, "a number is not finite")
        if not frame["region"].isin(REGIONS).all():
            raise damaged(path, f"a region is none of {', '.join(REGIONS)}")
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def write_region_shares(path: str | os.PathLike[str], rows: Sequence[Row]) -> None:
    """Write rows as CSV, columns `REGION_SHARE_COLUMNS`; values keep all digits."""
    _write(path, rows, REGION_SHARE_COLUMNS)


def read_region_shares(paths: Iterable[str | os.PathLike[str]]) -> pd.DataFrame:
    """Return the rows of several files that `write_region_shares` wrote, to the last digit.

    Raises
    ------
    DamagedFileError
        If a file is missing, is cut short or holds something else.
    """
    frames = []
    for path in paths:
        frame = _read(path, REGION_SHARE_COLUMNS[:2], REGION_SHARE_COLUMNS[2:])
        if not (frame["area"].between(0, 1) & (frame["n"] >= 0)).all():
            raise damaged(path, "an area or a count is out of range")
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _write(path: str | os.PathLike[str], rows: Sequence[Row], columns: Sequence[str]) -> None:
    frame = pd.DataFrame(list(rows))[list(columns)]
    with atomic_path(path) as partial:
        frame.to_csv(partial, index=False, float_format="%.17g")


def _read(
    path: str | os.PathLike[str], labels: Sequence[str], numbers: Sequence[str]
) -> pd.DataFrame:
    """Return the columns of text and of numbers of a CSV file; an empty number is NaN."""
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
