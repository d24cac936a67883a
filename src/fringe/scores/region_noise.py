"""Files of FID with noise inside and outside a region, and of a region's share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from fringe.scores.rows import Row, damaged, read_columns, write_columns
from fringe.sensitivity.noise import REGIONS

__all__ = [
    "REGION_NOISE_COLUMNS",
    "REGION_SHARE_COLUMNS",
    "REGION_TITLES",
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

REGION_TITLES = {
    "important": "important half",
    "unimportant": "unimportant half",
    "everywhere": "everywhere",
}
"""Display names of `fringe.sensitivity.noise.REGIONS`."""

REGION_SHARE_COLUMNS = ("dataset", "network", "share", "low", "high", "area", "n")


def write_region_noise(path: str | os.PathLike[str], rows: Sequence[Row], dataset: str) -> None:
    """Write the rows of one data set as CSV, columns `REGION_NOISE_COLUMNS`, at full precision."""
    write_columns(path, [{"dataset": dataset, **row} for row in rows], REGION_NOISE_COLUMNS)


def read_region_noise(paths: Iterable[str | os.PathLike[str]]) -> pd.DataFrame:
    """Return the rows of several files that `write_region_noise` wrote, at full precision.

    Raises
    ------
    DamagedFileError
        If a file is missing, is truncated or has another content.
    """
    frames = []
    for path in paths:
        frame = read_columns(path, REGION_NOISE_COLUMNS[:3], REGION_NOISE_COLUMNS[3:])
        if not np.isfinite(frame[list(REGION_NOISE_COLUMNS[3:])].to_numpy(float)).all():
            raise damaged(path, "a number is not finite")
        if not frame["region"].isin(REGIONS).all():
            raise damaged(path, f"a region is not one of {', '.join(REGIONS)}")
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def write_region_shares(path: str | os.PathLike[str], rows: Sequence[Row]) -> None:
    """Write rows as CSV, columns `REGION_SHARE_COLUMNS`, at full precision."""
    write_columns(path, rows, REGION_SHARE_COLUMNS)


def read_region_shares(paths: Iterable[str | os.PathLike[str]]) -> pd.DataFrame:
    """Return the rows of several files that `write_region_shares` wrote, at full precision.

    Raises
    ------
    DamagedFileError
        If a file is missing, is truncated or has another content.
    """
    frames = []
    for path in paths:
        frame = read_columns(path, REGION_SHARE_COLUMNS[:2], REGION_SHARE_COLUMNS[2:])
        if not (frame["area"].between(0, 1) & (frame["n"] >= 0)).all():
            raise damaged(path, "an area or a count is out of range")
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)
