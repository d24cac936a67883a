"""Check that the tensors of a checkpoint fit its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from torch import Tensor

from fringe.errors import FringeError

__all__ = ["checked", "plain"]

Value = TypeVar("Value", int, float)


def checked(
    state: Mapping[str, Tensor],
    layout: Mapping[str, tuple[int, ...]],
    path: Any,
    *,
    unused: tuple[str, ...] = (".resample_filter",),
) -> dict[str, Tensor]:
    """Return the tensors that ``layout`` names, as float32.

    Parameters
    ----------
    state, layout : mappings
        Names of tensors to the tensors, and names of tensors to the required shapes.
    path : path
        The file, for messages.
    unused : tuple of str
        Endings of the names of additional tensors that are allowed, because the forward pass does
        not need them.

    Raises
    ------
    FringeError
        If a tensor is missing, has another shape, is not of floating-point numbers, contains a NaN
        or infinity, or does not belong to the architecture.
    """
    for name, shape in layout.items():
        tensor = state.get(name)
        if tensor is None:
            raise FringeError(f"{path}: tensor {name} is missing; fetch or export the file again")
        if tuple(tensor.shape) != shape or not tensor.is_floating_point():
            raise FringeError(
                f"{path}: tensor {name} is {tensor.dtype} of shape {tuple(tensor.shape)}, but the "
                f"configuration needs floats of shape {shape}; fetch or export the file again"
            )
        if not tensor.isfinite().all():
            raise FringeError(
                f"{path}: tensor {name} holds NaN or infinite values: the training diverged or "
                "the file is damaged; choose another snapshot"
            )
    for name in state:
        if name not in layout and not name.endswith(unused):
            raise FringeError(
                f"{path}: unknown tensor {name}: a variant of the architecture that is not "
                "supported; export the generator as TorchScript instead"
            )
    return {name: state[name].float().contiguous() for name in layout}


def plain(attributes: Mapping[str, Any], name: str, kind: type[Value], path: Any) -> Value:
    """Return the number with this ``name`` among the attributes of a module.

    Raises
    ------
    FringeError
        If the attribute is missing, or is not a number of type ``kind``.
    """
    value = attributes.get(name)
    if kind is float and type(value) is int:
        value = float(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, kind):
        raise FringeError(
            f"{path}: attribute {name} is {value!r}, where {kind.__name__} was expected; "
            "fetch or export the file again"
        )
    return value
