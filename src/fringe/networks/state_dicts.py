"""State dicts into modules, with one message for a file that does not fit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NoReturn, TypeVar

import torch
from torch import Tensor, nn

from fringe.checkpoints import listed
from fringe.errors import FringeError

__all__ = ["fill"]

Module = TypeVar("Module", bound=nn.Module)

# A counter of training steps, which older files lack.
COUNTER = "num_batches_tracked"


def fill(
    module: Module,
    state: Mapping[str, Tensor],
    path: Path,
    network: str,
    *,
    ignore: Collection[str] = (),
) -> Module:
    """Give ``module`` the tensors of ``state``, and return it as a network that only infers.

    The module may have been built on the meta device, which saves drawing weights that are thrown
    away: its parameters become the float32 tensors of ``state``, on the CPU, without gradients.

    Parameters
    ----------
    module : nn.Module
        Names and shapes of its own state dict are what is expected.
    state : mapping of str to Tensor
        Floating-point tensors of any precision, under the names of ``module``, as `read_state`
        gives them: without what a training script wraps a network in.
    path : Path
        The file they come from, for the message.
    network : str
        The name of the network, for the message.
    ignore : collection of str
        Beginnings of names in ``state`` that ``module`` has no use for.

    Raises
    ------
    FringeError
        If a tensor is missing, has another shape or no floating-point type, holds NaN or infinity,
        or is not known to ``module``; the message names the first one, and some that are there.
    """
    expected = module.state_dict()
    there = f"the file has {len(state)} tensors: {listed(state)}"
    tensors = {}
    for name, place in expected.items():
        if name.endswith(COUNTER):
            tensors[name] = torch.zeros_like(place, device="cpu")
            continue
        shape = tuple(place.shape)
        if name not in state:
            missing = f"tensor {name!r} is missing, expected of shape {shape}"
            front = _in_front(expected, state)
            if front is not None:
                raise FringeError(
                    f"{path}: not the weights of network {network!r} and nothing else: "
                    f"{missing}, but all are there with {front!r} in front; save them by "
                    f"themselves: torch.save({{name.split({front!r}, 1)[1]: tensor "
                    f"for name, tensor in state.items() if {front!r} in name}}, 'weights.pth')"
                )
            _refuse(path, network, f"{missing}; {there}")
        found = state[name]
        if tuple(found.shape) != shape or not found.is_floating_point():
            kind = f"{found.dtype} of shape {tuple(found.shape)}"
            _refuse(path, network, f"tensor {name!r} is {kind}, expected floats of shape {shape}")
        tensors[name] = found.to("cpu", torch.float32)
        # NaN is the least and the largest of what holds it; 40 times as fast as a look at each.
        if not all(bound.isfinite() for bound in tensors[name].aminmax()):
            raise FringeError(
                f"{path}: tensor {name!r} of network {network!r} holds NaN or infinite values: the "
                "training diverged or the file is damaged; choose another file, or fetch it again"
            )
    for name in state:
        if name not in expected and not name.startswith((*ignore,)) and not name.endswith(COUNTER):
            _refuse(path, network, f"tensor {name!r} is unknown; {there}")
    module.load_state_dict(tensors, assign=True)
    return module.eval().requires_grad_(False)


def _in_front(expected: Collection[str], state: Collection[str]) -> str | None:
    """Return what is in front of all ``expected`` names in ``state``, if that is one text."""
    wanted = [name for name in expected if not name.endswith(COUNTER)]
    fronts = [name[: -len(wanted[0])] for name in state if name.endswith(f".{wanted[0]}")]
    whole = [front for front in fronts if all(front + name in state for name in wanted)]
    return whole[0] if len(whole) == 1 else None


def _refuse(path: Path, network: str, found: str) -> NoReturn:
    raise FringeError(
        f"{path}: not the weights of network {network!r}: {found}; "
        "name the file that was published for this network"
    )
