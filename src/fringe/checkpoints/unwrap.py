"""Find the state dict in the file of a training script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fringe.checkpoints.modules import is_module, state_of_module
from fringe.checkpoints.record import Record
from fringe.checkpoints.stream import Refused

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["listed", "state_of", "without_wrappers"]

# Words in the keys of state dicts: state_dict, model_state_dict, net, model_ema, teacher, ...
_WORDS = {"dict", "ema", "model", "module", "net", "network", "params", "state", "weights"}
_WORDS |= {"avg", "student", "swa", "teacher"}
# Modules that contain only a network: of parallel training, torch.compile, and training scripts.
_WRAPPERS = "module.", "_orig_mod.", "model.", "net.", "network."
_MAX_WRAPPERS = 4  # nested
# Modules in which PyTorch defines its functions and classes of tensors.
_TENSORS = "torch", "torch._utils", "torch._tensor", "torch.nn.parameter"
_AVERAGED = "n_averaged"  # a counter of torch.optim.swa_utils.AveragedModel, next to its module


def state_of(tree: Any) -> dict[str, Tensor]:
    """Return the tensors of the only state dict or module in ``tree`` by their names in the file.

    The state dict is ``tree`` itself or one of its entries: an entry with a usual name
    (``state_dict``, ``model``, ``net``, ``ema``, ...), or the only entry that contains tensors by
    name.

    Raises
    ------
    Refused
        If there is no state dict, or several; the message lists them.
    """
    import torch

    state = _chosen(tree)
    if is_module(state):
        return state_of_module(state)
    if not isinstance(state, dict):
        kind = state.title if isinstance(state, Record) else f"a {type(state).__name__}"
        raise Refused(f"contains {kind}, not a state dict")
    tensors = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
    if not all(isinstance(name, str) for name in tensors):
        raise Refused("has tensors whose names are not text")
    for name, value in state.items():
        if isinstance(value, Record) and value.module in _TENSORS:
            raise Refused(f"has {value.title} in place of tensor {name!r:.200}")
    if not tensors:
        raise Refused(f"contains no tensors, but {_described(state)}")
    return tensors


def without_wrappers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return ``state`` without the names of wrapper modules.

    The first part of the names is removed if it is the name of a wrapper and all names share it.
    """
    state = dict(state)
    for _ in range(_MAX_WRAPPERS):
        names = [name for name in state if name != _AVERAGED]
        wrapper = next((w for w in _WRAPPERS if names and names[0].startswith(w)), None)
        if wrapper is None or not all(name.startswith(wrapper) for name in names):
            break
        state = {name.removeprefix(wrapper): state[name] for name in names}
    return state


def listed(names: Iterable[Any], limit: int = 5) -> str:
    """Return the first of ``names`` in quotes, and the number of the others."""
    names = list(names)
    shown = ", ".join(map(_quoted, names[:limit]))
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


def _quoted(key: Any) -> str:
    return key.title if isinstance(key, Record) else f"{key!r:.80}"


def _chosen(tree: Any) -> Any:
    """Return the entry of ``tree`` that is the state dict, or ``tree`` itself."""
    import torch

    if not isinstance(tree, dict):
        return tree
    holds: dict[int, bool] = {}  # by identity: a file may name the same dict any number of times
    found = []
    for key, value in tree.items():
        if id(value) not in holds:
            holds[id(value)] = is_module(value) or _has_tensors(value)
        if holds[id(value)] and isinstance(key, str):
            found.append(key)
    states = [key for key in found if set(re.split(r"[^a-z]+", key.lower())) <= _WORDS]
    if not states and not any(isinstance(value, torch.Tensor) for value in tree.values()):
        states = found
    if len({id(tree[key]) for key in states}) > 1:
        raise Refused(
            f"contains {len(states)} networks: {listed(states)}",
            "save the network that you mean in a separate file, for example with "
            f"torch.save(torch.load(path)[{states[-1]!r:.80}], 'weights.pth')",
        )
    return tree[states[0]] if states else tree


def _has_tensors(value: Any) -> bool:
    import torch

    return isinstance(value, dict) and any(
        isinstance(name, str) and isinstance(item, torch.Tensor) for name, item in value.items()
    )


def _described(tree: Mapping[Any, Any]) -> str:
    """Return the entries of a dict, with the class names of those that are records."""
    entries = [
        f"{_quoted(key)} ({value.title})" if isinstance(value, Record) else _quoted(key)
        for key, value in list(tree.items())[:8]
    ]
    more = f" and {len(tree) - 8} more" if len(tree) > 8 else ""
    return f"{', '.join(entries)}{more}" if entries else "an empty dict"
