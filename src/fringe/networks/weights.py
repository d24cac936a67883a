"""Weight files: only the registered ones, and never unpickled blindly."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from fringe.errors import FringeError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["load_state"]


def load_state(path: Path, sha256: str, network: str) -> dict[str, Tensor]:
    """Return the state dict in ``path``, on the CPU, if the file is the registered one.

    Raises
    ------
    FringeError
        If the file cannot be read, or its SHA-256 is not ``sha256``.
    """
    import torch

    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FringeError(
            f"{path}: the weights of network {network!r} cannot be read ({error}); "
            "install them again or name a local copy"
        ) from error
    if found != sha256:
        raise FringeError(
            f"{path}: not the weights of network {network!r}: SHA-256 is {found}, "
            f"expected {sha256}; fetch the file again or correct the path"
        )
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state
