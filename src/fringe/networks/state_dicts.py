"""Load state dicts into modules, with a common message for files that do not fit."""

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
    """Load the tensors of ``state`` into ``module``, and return ``module`` ready for inference.

    The module may have been built on the meta device, which avoids drawing random parameters that
    are not used. Its parameters become the float32 tensors of ``state``, on the CPU, without
    gradients.

    Parameters
    ----------
    module : nn.Module
        Its state dict defines the required names and shapes.
    state : mapping of str to Tensor
        Floating-point tensors of any precision with the names of ``module``, as `read_state`
        returns them: without the names of wrapper modules.
    path : Path
        The file of the tensors, for messages.
    network : str
        The name of the network, for messages.
    ignore : collection of str
        Beginnings of names in ``state`` that ``module`` does not need.

    Raises
    ------
    FringeError
        If a tensor is missing, has another shape, is not of floating-point numbers, holds NaN or
        infinity, or does not belong to ``module``. The message names the first such tensor, and
        some tensors of the file.
    """
    expected = module.state_dict()
    in_file = f"the file has {len(state)} tensors: {listed(state)}"
    tensors = {}
    for name, place in expected.items():
        if name.endswith(COUNTER):
            tensors[name] = torch.zeros_like(place, device="cpu")
            continue
        shape = tuple(place.shape)
        if name not in state:
            missing = f"tensor {name!r} is missing, expected of shape {shape}"
            prefix = _common_prefix(expected, state)
            if prefix is not None:
                raise FringeError(
                    f"{path}: not only the weights of network {network!r}: "
                    f"{missing}, but all tensors exist with the prefix {prefix!r}; save them "
                    f"without it: torch.save({{name.split({prefix!r}, 1)[1]: tensor "
                    f"for name, tensor in state.items() if {prefix!r} in name}}, 'weights.pth')"
                )
            _refuse(path, network, f"{missing}; {in_file}")
        found = state[name]
        if tuple(found.shape) != shape or not found.is_floating_point():
            kind = f"{found.dtype} of shape {tuple(found.shape)}"
            _refuse(path, network, f"tensor {name!r} is {kind}, expected floats of shape {shape}")
        tensors[name] = found.to("cpu", torch.float32)
        # The minimum and maximum of values with a NaN are NaN; 40 times as fast as a test of each.
        if not all(bound.isfinite() for bound in tensors[name].aminmax()):
            raise FringeError(
                f"{path}: tensor {name!r} of network {network!r} holds NaN or infinite values: the "
                "training diverged or the file is damaged; choose another file, or fetch it again"
            )
    for name in state:
        if name not in expected and not name.startswith((*ignore,)) and not name.endswith(COUNTER):
            _refuse(path, network, f"tensor {name!r} is unknown; {in_file}")
    module.load_state_dict(tensors, assign=True)
    return module.eval().requires_grad_(False)


def _common_prefix(expected: Collection[str], state: Collection[str]) -> str | None:
    """Return the prefix of all ``expected`` names in ``state``, if there is exactly one."""
    wanted = [name for name in expected if not name.endswith(COUNTER)]
    prefixes = [name[: -len(wanted[0])] for name in state if name.endswith(f".{wanted[0]}")]
    common = [prefix for prefix in prefixes if all(prefix + name in state for name in wanted)]
    return common[0] if len(common) == 1 else None


def _refuse(path: Path, network: str, found: str) -> NoReturn:
    raise FringeError(
        f"{path}: not the weights of network {network!r}: {found}; "
        "name the file that was published for this network"
    )
