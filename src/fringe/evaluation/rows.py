"""Reading files of rows, which may be damaged where an earlier version of Fringe wrote them."""

import os
from io import BytesIO
from typing import Any

import pandas as pd

from fringe.errors import DamagedFileError
from fringe.regular import LARGEST_TEXT, read_regular

__all__ = ["damaged", "read_rows"]


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
