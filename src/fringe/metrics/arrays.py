"""NumPy inside, whatever came from outside."""

import sys
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError

__all__ = ["Array", "Floats", "as_matrix", "as_numpy", "as_tensor", "like", "require_finite"]

Array: TypeAlias = npt.NDArray[Any]
Floats: TypeAlias = npt.NDArray[np.float64]


def is_tensor(value: object) -> bool:
    """Tell a torch tensor without importing torch: one can exist only if torch is loaded."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def as_numpy(value: Any) -> Array:
    """Return ``value`` as a NumPy array of its own type, without a copy where that is possible."""
    if is_tensor(value):
        value = value.detach().cpu()
        # NumPy has no bfloat16; float32 holds it exactly.
        value = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    return np.asarray(value)


def as_tensor(value: Any) -> Any:
    """Return ``value`` as a torch tensor without a history, not copied where that is possible."""
    import torch

    if is_tensor(value):
        return value.detach()
    # PyTorch takes no arrays that run backwards.
    return torch.from_numpy(np.ascontiguousarray(value))


def like(reference: object, array: Array) -> Any:
    """Return ``array`` as a torch tensor where ``reference`` is one (on its device), else as is."""
    if not is_tensor(reference):
        return array
    torch = sys.modules["torch"]
    return torch.from_numpy(np.ascontiguousarray(array)).to(reference.device)  # type: ignore[attr-defined]


def as_matrix(value: Any, what: str) -> Array:
    """Return ``value`` as a real-valued matrix (rows are images) or say what it is instead."""
    matrix = as_numpy(value)
    if matrix.ndim != 2 or 0 in matrix.shape or matrix.dtype.kind not in "fiub":
        raise FringeError(
            f"{what}: expected numbers of shape (images, dimensions), "
            f"got shape {matrix.shape} of {matrix.dtype}"
        )
    return matrix


def require_finite(matrix: Array, what: str, first: int = 0) -> None:
    """Raise FringeError naming the first row of ``matrix`` that holds NaN or infinity."""
    if np.isfinite(matrix).all():
        return
    row = int(np.flatnonzero(~np.isfinite(matrix).reshape(len(matrix), -1).all(axis=1))[0])
    raise FringeError(
        f"{what}: row {first + row} holds NaN or infinity; find the image that gives it "
        "(a broken file, or a network in half precision) and extract the features again"
    )
