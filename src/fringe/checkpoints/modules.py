"""Convert the Records of modules to flat dicts of tensors with the names of a state dict."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fringe.checkpoints.record import Record
from fringe.checkpoints.stream import Budget, Refused

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["is_module", "script_tensors", "state_of_module"]

MAX_DEPTH = 100  # of nested modules

# Name and tensor, or name and submodule, of one module.
_Entries = list[tuple[str, Any]]


def is_module(value: Any) -> bool:
    """Return whether ``value`` is the record of a PyTorch module."""
    return isinstance(value, Record) and "_parameters" in value.state


def state_of_module(module: Record) -> dict[str, Tensor]:
    """Return parameters and persistent buffers in the order of ``torch.nn.Module.state_dict``.

    Raises
    ------
    Refused
        If ``module`` or a submodule is not a module, or a module contains itself.
    """

    def parts(module: Record) -> tuple[_Entries, _Entries]:
        tensors = _entries(module, "_parameters")
        transient = module.state.get("_non_persistent_buffers_set")
        transient = transient if isinstance(transient, (set, frozenset)) else ()
        tensors += [item for item in _entries(module, "_buffers") if item[0] not in transient]
        return tensors, _entries(module, "_modules")

    return _flat(module, parts)


def script_tensors(module: Record) -> dict[str, Tensor]:
    """Return all tensors of a TorchScript module and its submodules.

    TorchScript writes parameters, buffers, submodules and other attributes in the same way.

    Raises
    ------
    Refused
        If a module contains itself.
    """
    import torch

    def parts(module: Record) -> tuple[_Entries, _Entries]:
        items = module.state.items()
        tensors = [item for item in items if isinstance(item[1], torch.Tensor)]
        return tensors, [item for item in items if isinstance(item[1], Record)]

    return _flat(module, parts)


def _entries(module: Record, kind: str) -> _Entries:
    """Return the entries of one kind of a module, without those that are None."""
    entries = module.state.get(kind)
    if type(entries) is not dict or not all(type(name) is str for name in entries):
        raise Refused(f"has {module.title} in place of a module: it has no {kind}")
    return [item for item in entries.items() if item[1] is not None]


def _flat(root: Record, parts: Callable[[Record], tuple[_Entries, _Entries]]) -> dict[str, Tensor]:
    """Return the tensors of a module by dotted name: its own, then those of each submodule.

    A module that is used twice occurs twice, as in a state dict. A few bytes of a file can share
    modules so that they have endless names, or more names than fit into memory. So the lengths of
    the names and the steps of the search are counted.
    """
    import torch

    budget = Budget.of_file(0)
    state: dict[str, Tensor] = {}
    pending: list[tuple[str, Any, int]] = [("", root, 0)]
    while pending:
        prefix, module, depth = pending.pop()
        if not isinstance(module, Record):
            name = prefix[:200].rstrip(".")
            raise Refused(f"has {type(module).__name__} in place of module {name!r}")
        if depth > MAX_DEPTH:
            raise Refused("has modules that contain themselves or are nested too deeply")
        budget.step(sum(_size(value) for value in module.state.values()))
        tensors, modules = parts(module)
        budget.step(sum(len(prefix) + len(name) for name, _ in tensors + modules))
        for name, tensor in tensors:
            if not isinstance(tensor, torch.Tensor):
                kind = tensor.title if isinstance(tensor, Record) else type(tensor).__name__
                raise Refused(f"has {kind} in place of tensor {(prefix + name)[:200]!r}")
            state[prefix + name] = tensor
        pending += [(f"{prefix}{name}.", inner, depth + 1) for name, inner in reversed(modules)]
    return state


def _size(value: Any) -> int:
    return 1 + len(value) if type(value) is dict else 1
