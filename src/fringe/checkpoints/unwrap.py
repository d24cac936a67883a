"""From what a training script saved to the one state dict in it."""

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

# What the keys of weights are made of: state_dict, model_state_dict, net, model_ema, teacher, ...
_WORDS = {"dict", "ema", "model", "module", "net", "network", "params", "state", "weights"}
_WORDS |= {"avg", "student", "swa", "teacher"}
# Modules that hold a network and nothing else: parallel training, torch.compile, and the attribute
# of a script's own module.
_WRAPPERS = "module.", "_orig_mod.", "model.", "net.", "network."
_MAX_WRAPPERS = 4  # in one another
# Where PyTorch has its functions and classes of tensors.
_TENSORS = "torch", "torch._utils", "torch._tensor", "torch.nn.parameter"
_AVERAGED = "n_averaged"  # a counter that torch.optim.swa_utils.AveragedModel has beside its module


def state_of(tree: Any) -> dict[str, Tensor]:
    """Return the tensors of the one state dict or module in ``tree``, by their names in the file.

    It is ``tree`` itself or an entry of it: one that is called as weights are (``state_dict``,
    ``model``, ``net``, ``ema``, ...), or the only one that holds tensors by name.

    Raises
    ------
    Refused
        If there is none, or more than one: the message names them.
    """
    import torch

    state = _chosen(tree)
    if is_module(state):
        return state_of_module(state)
    if not isinstance(state, dict):
        kind = state.title if isinstance(state, Record) else f"a {type(state).__name__}"
        raise Refused(f"holds {kind}, not a state dict")
    tensors = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
    if not all(isinstance(name, str) for name in tensors):
        raise Refused("has tensors whose names are not text")
    for name, value in state.items():
        if isinstance(value, Record) and value.module in _TENSORS:
            raise Refused(f"has {value.title} where tensor {name!r:.200} is due")
    if not tensors:
        raise Refused(f"holds no tensors, but {_described(state)}")
    return tensors


def without_wrappers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return ``state`` with the names that the network has inside its wrappers.

    The first part of the names is left out if it is that of a wrapper, and all tensors have it.
    """
    state = dict(state)
    for _ in range(_MAX_WRAPPERS):
        names = [name for name in state if name != _AVERAGED]
        wrapper = next((one for one in _WRAPPERS if names and names[0].startswith(one)), None)
        if wrapper is None or not all(name.startswith(wrapper) for name in names):
            break
        state = {name.removeprefix(wrapper): state[name] for name in names}
    return state


def listed(names: Iterable[Any], limit: int = 5) -> str:
    """Return the first of ``names`` in quotes, and how many others there are."""
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
    holds: dict[int, bool] = {}  # a file may name the same dict without end
    found = []
    for key, value in tree.items():
        if id(value) not in holds:
            holds[id(value)] = is_module(value) or _has_tensors(value)
        if holds[id(value)] and isinstance(key, str):
            found.append(key)
    weights = [key for key in found if set(re.split(r"[^a-z]+", key.lower())) <= _WORDS]
    if not weights and not any(isinstance(value, torch.Tensor) for value in tree.values()):
        weights = found
    if len({id(tree[key]) for key in weights}) > 1:
        raise Refused(
            f"holds {len(weights)} networks: {listed(weights)}",
            "save the one that you mean by itself, such as "
            f"torch.save(torch.load(path)[{weights[-1]!r:.80}], 'weights.pth')",
        )
    return tree[weights[0]] if weights else tree


def _has_tensors(value: Any) -> bool:
    import torch

    return isinstance(value, dict) and any(
        isinstance(name, str) and isinstance(one, torch.Tensor) for name, one in value.items()
    )


def _described(tree: Mapping[Any, Any]) -> str:
    """Return what entries a dict has, with the names of what is not ours."""
    entries = [
        f"{_quoted(key)} ({value.title})" if isinstance(value, Record) else _quoted(key)
        for key, value in list(tree.items())[:8]
    ]
    more = f" and {len(tree) - 8} more" if len(tree) > 8 else ""
    return f"{', '.join(entries)}{more}" if entries else "an empty dict"
