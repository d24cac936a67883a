"""Conversion of the arrays and tensors of a caller to NumPy arrays."""

import sys
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError

__all__ = [
    "Array",
    "Floats",
    "SlicedRows",
    "as_matrix",
    "as_numpy",
    "as_rows",
    "as_tensor",
    "like",
    "read_rows",
    "require_finite",
]

Array: TypeAlias = npt.NDArray[Any]
Floats: TypeAlias = npt.NDArray[np.float64]

CLOSE = 16  # rows: reading up to this many unwanted rows is cheaper than reading another slice


def is_tensor(value: object) -> bool:
    """Return whether ``value`` is a torch tensor, without importing torch.

    A tensor can exist only if torch is already loaded.
    """
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def as_numpy(value: Any) -> Array:
    """Return ``value`` as a NumPy array of the same type, without a copy if possible."""
    if is_tensor(value):
        value = value.detach().cpu()
        # NumPy has no bfloat16; float32 holds it exactly.
        value = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    return np.asarray(value)


def as_tensor(value: Any) -> Any:
    """Return ``value`` as a torch tensor without gradient history, without a copy if possible."""
    import torch

    if is_tensor(value):
        return value.detach()
    # PyTorch does not accept arrays with negative strides.
    return torch.from_numpy(np.ascontiguousarray(value))


def like(reference: object, array: Array) -> Any:
    """Return ``array``, as a tensor on the device of ``reference`` if ``reference`` is a tensor."""
    if not is_tensor(reference):
        return array
    torch = sys.modules["torch"]
    return torch.from_numpy(np.ascontiguousarray(array)).to(reference.device)  # type: ignore[attr-defined]


def as_matrix(value: Any, what: str) -> Array:
    """Return ``value`` as a matrix of real numbers (rows are images), or raise FringeError."""
    matrix = as_numpy(value)
    if matrix.ndim != 2 or 0 in matrix.shape or matrix.dtype.kind not in "fiub":
        raise FringeError(
            f"{what}: expected numbers of shape (images, dimensions), "
            f"got shape {matrix.shape} of {matrix.dtype}"
        )
    return matrix


class SlicedRows:
    """Rows of an object that supports only contiguous slices, such as a matrix in a file.

    Parameters
    ----------
    value : object
        Has ``shape`` (n, D) and ``dtype``; a slice of its rows is an array.
    """

    def __init__(self, value: Any) -> None:
        self.value = value
        self.shape: tuple[int, ...] = tuple(value.shape)
        self.dtype = np.dtype(value.dtype)
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        """Return the number of images."""
        return self.shape[0]

    def __getitem__(self, at: "slice | Array") -> Array:
        """Return the rows at a slice, or at an array of indices in any order."""
        if isinstance(at, slice):
            return as_numpy(self.value[at])
        wanted, places = np.unique(np.asarray(at), return_inverse=True)
        # Rows that are close to each other are read as one slice.
        ends = np.flatnonzero(np.diff(wanted) > CLOSE)
        runs = np.split(wanted, ends + 1)
        rows = [as_numpy(self.value[int(r[0]) : int(r[-1]) + 1])[r - r[0]] for r in runs if len(r)]
        if not rows:
            return np.empty((0, self.shape[1]), self.dtype)
        read: Array = np.concatenate(rows)[places]
        return read


def as_rows(value: Any, what: str) -> Any:
    """Return features (n, D) as an object whose rows are read by slices or arrays of indices.

    A torch tensor stays a tensor. An object that supports only slices of rows, such as
    `fringe.features.FeatureMatrix`, is wrapped and not yet read. Any other value becomes a NumPy
    matrix.

    Raises
    ------
    FringeError
        If ``value`` is not a matrix of real numbers, or is empty.
    """
    if is_tensor(value):
        if value.ndim != 2 or 0 in value.shape or value.is_complex():
            raise FringeError(
                f"{what}: expected numbers of shape (images, dimensions), "
                f"got shape {tuple(value.shape)} of {value.dtype}"
            )
        return value.detach()
    sliced = not isinstance(value, np.ndarray | np.generic) and all(
        hasattr(value, name) for name in ("shape", "dtype", "__getitem__", "__len__")
    )
    if not sliced:
        return as_matrix(value, what)
    rows = SlicedRows(value)
    if rows.ndim != 2 or 0 in rows.shape or rows.dtype.kind not in "fiub":
        raise FringeError(
            f"{what}: expected numbers of shape (images, dimensions), "
            f"got shape {rows.shape} of {rows.dtype}"
        )
    return rows


def read_rows(rows: Any, at: "slice | Array", what: str, dtype: Any = np.float64) -> Array:
    """Return the rows ``at`` of the result of `as_rows`, as an array of ``dtype``.

    Raises
    ------
    FringeError
        If a row holds NaN or infinity.
    """
    block = as_numpy(rows[at]).astype(dtype, copy=False)
    if isinstance(at, slice):
        require_finite(block, what, at.start or 0)
    else:
        bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
        for row in bad[:1]:
            require_finite(block[row : row + 1], what, int(at[row]))
    return block


def require_finite(matrix: Array, what: str, first: int = 0) -> None:
    """Raise FringeError naming the first row of ``matrix`` that holds NaN or infinity."""
    if np.isfinite(matrix).all():
        return
    row = int(np.flatnonzero(~np.isfinite(matrix).reshape(len(matrix), -1).all(axis=1))[0])
    raise FringeError(
        f"{what}: row {first + row} holds NaN or infinity; find the image that gives it "
        "(a broken file, or a network in half precision) and extract the features again"
    )
