"""Read the header of an array in NumPy's format (.npy), before its values are read."""

from __future__ import annotations

import math
import warnings
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy

__all__ = ["Header", "read_header"]

_LONGEST = 1 << 31  # in each direction
_DIMENSIONS = 64  # the maximum of NumPy


class Header(NamedTuple):
    """Shape, data type and order of the values of an array.

    Attributes
    ----------
    shape : tuple of int
        Not negative.
    fortran_order : bool
        Whether the first index varies fastest.
    dtype : numpy.dtype
    """

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """Number of bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(stream: IO[bytes]) -> Header:
    """Read the header at the beginning of an array.

    Raises
    ------
    ValueError
        If the header is damaged, has a version that arrays of plain numbers never need, or has an
        impossible shape.
    """
    version = npy.read_magic(stream)
    if version != (1, 0):  # in later versions, a header may have 4 GiB
        raise ValueError(f".npy version {version}, which plain numbers never need")
    try:
        with warnings.catch_warnings(action="ignore"):
            shape, fortran_order, dtype = npy.read_array_header_1_0(stream)
    except (OSError, EOFError):
        raise
    except Exception as error:
        # NumPy evaluates the text of the header, which can raise many kinds of errors.
        reason = str(error).partition(": <ast.")[0] or type(error).__name__
        raise ValueError(f"a damaged header of an array: {reason[:200]}") from error
    if len(shape) > _DIMENSIONS or not all(0 <= length < _LONGEST for length in shape):
        raise ValueError(f"an array of shape {str(shape)[:200]}, which is impossible")
    return Header(tuple(map(int, shape)), fortran_order, dtype)
