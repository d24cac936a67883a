"""Checkpoint files, read without executing anything in them."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fringe.checkpoints.archive import read_archive
from fringe.checkpoints.legacy import is_legacy, read_rest
from fringe.checkpoints.machine import run
from fringe.checkpoints.modules import script_tensors, state_of_module
from fringe.checkpoints.names import table
from fringe.checkpoints.record import Record
from fringe.checkpoints.stream import Budget, Refused, Stream
from fringe.checkpoints.tree import check_tree
from fringe.errors import FringeError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["flatten", "read_pickle", "read_state"]

_NESTED = "state_dict", "model"  # keys under which training scripts put a state dict


def read_pickle(path: str | os.PathLike[str]) -> Any:
    """Return what a network pickle holds, as plain values, tensors and records.

    Parameters
    ----------
    path : path-like
        A snapshot of StyleGAN2-ADA or Projected GAN: a plain pickle of protocol 2 to 5.

    Returns
    -------
    tree
        Of dict, list, tuple, set, str, bytes, numbers, None, tensors on the CPU, and a `Record`
        for every object of a class that is not ours. Objects that the file shares are shared;
        arrays of NumPy are a Record whose ``values`` are a tensor, its numbers are Python's.

    Raises
    ------
    FringeError
        If the file cannot be read, is no such pickle, is damaged, or refers to anything but the
        classes and functions that such a pickle needs.
    """
    with _reading(path) as (file, size):
        return _read_pickle(file, size)


def read_state(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Return the tensors of a weight file by name.

    Parameters
    ----------
    path : path-like
        A state dict as `torch.save` writes it (zip file, or the format before PyTorch 1.6), also
        below the key ``state_dict`` or ``model``; a TorchScript archive; or a safetensors file.

    Returns
    -------
    dict of str to torch.Tensor
        On the CPU, in the file's dtypes. Entries that are no tensors are left out. Of
        TorchScript: every tensor attribute of every module by its dotted name, which are the
        parameters and buffers, and tensors that are plain attributes.

    Raises
    ------
    FringeError
        If the file cannot be read, is of another format, is damaged, holds no tensors, or refers
        to anything but what such a file needs.
    """
    with _reading(path) as (file, size):
        start = file.read(9)
        file.seek(0)
        if start.startswith(b"PK"):
            tree, torchscript = read_archive(file, size)
            check_tree(tree)
            state = _state_of_script(tree) if torchscript else _state_of(tree)
        elif start.startswith(b"\x80"):
            state = _state_of(_read_pickle(file, size))
        elif start[8:] == b"{" and struct.unpack("<Q", start[:8])[0] <= size - 8:
            state = _read_safetensors(path)
        else:
            raise Refused("is neither a torch.save, TorchScript, safetensors nor pickle file")
        if not state:
            raise Refused("holds no tensors")
        return state


def flatten(record: Record) -> dict[str, Tensor]:
    """Return the parameters and buffers of a module's Record, named as in its state dict.

    Parameters
    ----------
    record : Record
        Of a module of PyTorch, from `read_pickle`.

    Returns
    -------
    dict of str to torch.Tensor
        In the order of ``torch.nn.Module.state_dict``; buffers that are not persistent are left
        out, as there.

    Raises
    ------
    FringeError
        If it is no module, or contains itself.
    """
    try:
        return state_of_module(record)
    except Refused as error:
        raise FringeError(f"{record!r} {error}; fetch the official file") from None


@contextmanager
def _reading(path: str | os.PathLike[str]) -> Iterator[tuple[BufferedReader, int]]:
    """Open a file, and name it and the mend in what goes wrong."""
    try:
        with Path(path).open("rb") as file:
            yield file, os.fstat(file.fileno()).st_size
    except Refused as error:
        raise FringeError(f"{path}: {error}; fetch the official file again") from None
    except OSError as error:
        raise FringeError(f"{path}: cannot be read ({error}); correct the path") from error


def _read_pickle(file: BufferedReader, size: int) -> Any:
    """Return what a pickle or a legacy torch.save file holds."""
    budget = Budget.of_file(size)
    stream = Stream(file, size)
    tree = run(stream, budget, table(budget))
    if is_legacy(tree):
        tree = read_rest(stream, budget, partial(table, budget))
    check_tree(tree)
    return tree


def _read_safetensors(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, ValueError, KeyError) as error:
        raise Refused(f"is no whole safetensors file ({str(error)[:200]})") from None


def _state_of(tree: Any) -> dict[str, Tensor]:
    """Return the tensors of a state dict, which may be one entry of a training script's dict."""
    import torch

    if isinstance(tree, dict):
        for key in _NESTED:
            if isinstance(tree.get(key), (dict, Record)):
                tree = tree[key]
                break
    if isinstance(tree, Record):
        return state_of_module(tree)
    if not isinstance(tree, dict):
        raise Refused(f"holds a {type(tree).__name__}, not a state dict")
    state = {name: value for name, value in tree.items() if isinstance(value, torch.Tensor)}
    if not all(isinstance(name, str) for name in state):
        raise Refused("has tensors whose names are no text")
    return state


def _state_of_script(tree: Any) -> dict[str, Tensor]:
    if not isinstance(tree, Record):
        raise Refused(f"holds a {type(tree).__name__}, not a module of TorchScript")
    return script_tensors(tree)
