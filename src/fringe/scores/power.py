"""Files of the distances of distorted images in a network."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import pandas as pd

from fringe.scores.rows import Row, damaged, read_columns, write_columns
from fringe.sources.distorted import VARIANTS

__all__ = ["POWER_COLUMNS", "read_power", "write_power"]

_LABELS = ("source", "network", "distortion", "dose", "unit")
_NUMBERS = ("amount", "distance", "luck", "floor", "n", "n_floor", "resolution", "seed")

POWER_COLUMNS = (*_LABELS, *_NUMBERS)
"""One row for each distortion and dose, in the order of `fringe.sources.distorted.VARIANTS`.

``distance`` is the Fréchet distance between ``n`` real images and the same images distorted.
``luck`` is the part of ``distance`` that few images in many dimensions cause
(`fringe.comparison.measure_power`). ``floor`` is the distance between two sets of ``n_floor`` real
images each. ``resolution`` is the shorter side of the images in pixels.
"""


def write_power(path: str | os.PathLike[str], rows: Sequence[Row], source: str) -> None:
    """Write the rows of one source as CSV, columns `POWER_COLUMNS`, at full precision."""
    write_columns(path, [{"source": source, **row} for row in rows], POWER_COLUMNS)


def read_power(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Return the rows that `write_power` wrote, at full precision.

    Raises
    ------
    DamagedFileError
        If the file is missing, is truncated or has another content.
    """
    frame = read_columns(path, _LABELS, _NUMBERS)
    if [*zip(frame["distortion"], frame["dose"], strict=True)] != [*VARIANTS]:
        raise damaged(path, "its rows do not match all distortions and doses")
    numbers = frame[list(_NUMBERS)].to_numpy(float)
    if not np.isfinite(numbers).all() or (numbers < 0).any():
        raise damaged(path, "a number is negative or not finite")
    return frame
