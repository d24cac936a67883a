"""Checkpoint files, read without executing anything in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedReader
from typing import TYPE_CHECKING, Any

from fringe.checkpoints.archive import check_members, read_archive
from fringe.checkpoints.kinds import Kind, tell_kind
from fringe.checkpoints.legacy import is_legacy, read_rest
from fringe.checkpoints.machine import run
from fringe.checkpoints.modules import script_tensors, state_of_module
from fringe.checkpoints.names import table
from fringe.checkpoints.record import Record
from fringe.checkpoints.stream import Budget, Refused, Stream
from fringe.checkpoints.tree import check_tree
from fringe.checkpoints.unwrap import state_of, without_wrappers
from fringe.errors import FringeError
from fringe.files.reasons import unreadable
from fringe.files.regular import LARGEST_CHECKPOINT, check_regular, open_regular
from fringe.files.stand_ins import refuse_stand_in

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["check_program", "flatten", "kind_of", "read_pickle", "read_state"]

_FETCH = "fetch the file again"
_OWN_PICKLE = f"{_FETCH}, or save your own again as a pickle of {{'G_ema': G}} and nothing else"
_OWN_STATE = f"{_FETCH}, or save your own again by torch.save(model.state_dict(), 'weights.pth')"
# What is said of a kind of file that cannot be read, and what to do.
_UNREAD: dict[Kind, tuple[str, str]] = {
    "gzip": ("is compressed by gzip", "unpack it (`gunzip`) and name the file that was in it"),
    "old pickle": (
        "is a pickle of protocol 0 or 1, as Python 2 writes them",
        "load it in Python and save it again with protocol=4",
    ),
    "zip": ("is a zip file that neither torch.save nor TorchScript wrote", "correct the path"),
    "graph": ("begins as a frozen graph of TensorFlow does", "correct the path"),
    "safetensors": ("is a safetensors file, not a pickle", "correct the path"),
    "torchscript": ("is a TorchScript program, not a pickle", "correct the path"),
    "other": ("is neither a torch.save, TorchScript, safetensors nor pickle file", _FETCH),
}


def kind_of(path: str | os.PathLike[str]) -> Kind:
    """Return the kind of a file, told from its bytes: its name says nothing.

    Returns
    -------
    str
        "safetensors"; "torchscript"; "torch", a zip file of `torch.save`; "zip", any other;
        "pickle" of protocol 2 or later, which `torch.save` wrote before PyTorch 1.6 too; "old
        pickle" of protocol 0 or 1; "gzip"; "graph", what may be a frozen graph of TensorFlow; or
        "other".

    Raises
    ------
    FringeError
        If the file cannot be read, or is a damaged zip file.
    """
    with _reading(path, _FETCH) as (file, size):
        return tell_kind(file, size)


def check_program(path: str | os.PathLike[str]) -> None:
    """Raise unless PyTorch can load a TorchScript archive without unpacking more than it declares.

    The program itself is not looked at.

    Raises
    ------
    FringeError
        If a member is compressed otherwise than PyTorch does it, has another length or checksum
        than the archive declares, or the compressed ones have more than 256 MiB.
    """
    with _reading(path, _FETCH) as (file, _):
        check_members(file)


def read_pickle(path: str | os.PathLike[str]) -> Any:
    """Return what a pickle holds, as plain values, tensors and records.

    Parameters
    ----------
    path : path-like
        A snapshot of StyleGAN2-ADA or Projected GAN, or one's own: a plain pickle of protocol 2 to
        5, or what `torch.save` wrote.

    Returns
    -------
    tree
        Of dict, list, tuple, set, str, bytes, numbers, None, tensors on the CPU, and an inert
        `Record` for everything that is not ours: objects, classes and functions, and keys of dicts
        that are not plain values. Objects that the file shares are shared; arrays of NumPy are a
        Record whose ``values`` are a tensor, its numbers are Python's.

    Raises
    ------
    FringeError
        If the file cannot be read, is of another format or damaged.
    """
    with _reading(path, _OWN_PICKLE) as (file, size):
        return _read_tree(file, size, tell_kind(file, size))


def read_state(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Return the tensors of a weight file by name.

    Parameters
    ----------
    path : path-like
        A state dict or module as `torch.save` writes it (zip file, or the format before PyTorch
        1.6), also as one entry of a dict (``state_dict``, ``model``, ``net``, ``ema``, ... or any
        other, if it is the only one); a TorchScript archive; or a safetensors file.

    Returns
    -------
    dict of str to torch.Tensor
        On the CPU, in the file's dtypes. Entries that are not tensors are left out. Names have no
        ``module.``, ``_orig_mod.``, ``model.``, ``net.`` or ``network.`` in front where all
        tensors of the file have it. Of TorchScript: every tensor attribute of every module by its
        dotted name, which are the parameters and buffers, and tensors that are plain attributes.

    Raises
    ------
    FringeError
        If the file cannot be read, is of another format, is damaged, holds no tensors or several
        networks, or has something in the place of a tensor that cannot be read.
    """
    with _reading(path, _OWN_STATE) as (file, size):
        kind = tell_kind(file, size)
        if kind == "safetensors":
            state = _read_safetensors(path)
        elif kind == "torchscript":
            state = _state_of_script(_read_tree(file, size, "torch"))
        else:
            state = state_of(_read_tree(file, size, kind))
        if not state:
            raise Refused("holds no tensors")
        return without_wrappers(state)


def flatten(record: Record, path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Return the parameters and buffers of a module's Record, named as in its state dict.

    Parameters
    ----------
    record : Record
        Of a module of PyTorch, from `read_pickle`.
    path : path-like
        The file, for the message.

    Returns
    -------
    dict of str to torch.Tensor
        In the order of ``torch.nn.Module.state_dict``; buffers that are not persistent are left
        out, as there.

    Raises
    ------
    FringeError
        If it is not a module, contains itself, or has something in the place of a tensor that
        cannot be read.
    """
    try:
        return state_of_module(record)
    except Refused as error:
        raise FringeError(f"{path}: its {record.title} {error}; {_OWN_PICKLE}") from None


@contextmanager
def _reading(path: str | os.PathLike[str], advice: str) -> Iterator[tuple[BufferedReader, int]]:
    """Open a file; name it in what goes wrong, with ``advice`` where the reason has none."""
    try:
        with open_regular(path, LARGEST_CHECKPOINT) as file:
            yield file, os.fstat(file.fileno()).st_size
    except Refused as error:
        refuse_stand_in(path)
        raise FringeError(f"{path}: {error}; {error.advice or advice}") from None
    except OSError as error:
        why = unreadable(error) or f"cannot be read ({error}); correct the path"
        raise FringeError(f"{path}: {why}") from error


def _read_tree(file: BufferedReader, size: int, kind: Kind) -> Any:
    """Return what a pickle or a file of torch.save holds."""
    if kind in _UNREAD:
        raise Refused(*_UNREAD[kind])
    if kind == "torch":
        tree = read_archive(file, size)
    else:
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

    check_regular(path)
    try:
        return load_file(path)
    except (SafetensorError, ValueError, KeyError) as error:
        raise Refused(f"is not a whole safetensors file ({str(error)[:200]})") from None


def _state_of_script(tree: Any) -> dict[str, Tensor]:
    if not isinstance(tree, Record):
        raise Refused(f"holds a {type(tree).__name__}, not a module of TorchScript")
    state = script_tensors(tree)
    if not state:
        raise Refused(f"holds no tensors, but a {tree.title}")
    return state
