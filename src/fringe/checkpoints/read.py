"""Read checkpoint files without executing anything in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedReader
from typing import TYPE_CHECKING, Any

from fringe.checkpoints.archive import check_members, read_archive
from fringe.checkpoints.kinds import Kind, detect_kind
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
_OWN_PICKLE = f"{_FETCH}, or save your own network again as a pickle of only {{'G_ema': G}}"
_OWN_STATE = (
    f"{_FETCH}, or save your own network again with torch.save(model.state_dict(), 'weights.pth')"
)
# For each kind of file that cannot be read: the reason and the advice.
_UNREAD: dict[Kind, tuple[str, str]] = {
    "gzip": ("is compressed with gzip", "unpack it (`gunzip`) and name the unpacked file"),
    "old pickle": (
        "is a pickle of protocol 0 or 1, as Python 2 writes them",
        "load it in Python and save it again with protocol=4",
    ),
    "zip": ("is a zip file that neither torch.save nor TorchScript wrote", "correct the path"),
    "graph": ("begins like a frozen graph of TensorFlow", "correct the path"),
    "safetensors": ("is a safetensors file, not a pickle", "correct the path"),
    "torchscript": ("is a TorchScript program, not a pickle", "correct the path"),
    "other": ("is not a torch.save, TorchScript, safetensors or pickle file", _FETCH),
}


def kind_of(path: str | os.PathLike[str]) -> Kind:
    """Return the kind of a file, detected from its bytes; the name of the file is ignored.

    Returns
    -------
    str
        "safetensors"; "torchscript"; "torch" for a zip file of `torch.save`; "zip" for any other
        zip file; "pickle" of protocol 2 or later, which `torch.save` wrote before PyTorch 1.6;
        "old pickle" of protocol 0 or 1; "gzip"; "graph" for a file that may be a frozen graph of
        TensorFlow; or "other".

    Raises
    ------
    FringeError
        If the file cannot be read, or is a damaged zip file.
    """
    with _reading(path, _FETCH) as (file, size):
        return detect_kind(file, size)


def check_program(path: str | os.PathLike[str]) -> None:
    """Raise unless a TorchScript archive unpacks to the sizes that it declares.

    The program in the archive is not examined.

    Raises
    ------
    FringeError
        If a member is compressed with a method that PyTorch does not use, if its length or
        checksum differs from the declared one, or if the compressed members unpack to more than
        256 MiB.
    """
    with _reading(path, _FETCH) as (file, _):
        check_members(file)


def read_pickle(path: str | os.PathLike[str]) -> Any:
    """Return the content of a pickle as plain values, tensors and records.

    Parameters
    ----------
    path : path-like
        A snapshot of StyleGAN2-ADA or Projected GAN, or any other plain pickle of protocol 2 to 5
        or file of `torch.save`.

    Returns
    -------
    tree
        A tree of dict, list, tuple, set, str, bytes, numbers, None, tensors on the CPU and inert
        records. A `Record` replaces every other object, class and function, and every key of a
        dict that is not a plain value. Objects that are shared in the file are shared in the tree.
        A NumPy array becomes a Record whose ``values`` is a tensor. A NumPy scalar becomes a number
        of Python.

    Raises
    ------
    FringeError
        If the file cannot be read, has another format or is damaged.
    """
    with _reading(path, _OWN_PICKLE) as (file, size):
        return _read_tree(file, size, detect_kind(file, size))


def read_state(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Return the tensors of a weight file by name.

    Parameters
    ----------
    path : path-like
        A safetensors file, a TorchScript archive, or a file of `torch.save` (zip file, or the
        format before PyTorch 1.6). A file of `torch.save` contains a state dict or a module, either
        directly or as an entry of a dict (``state_dict``, ``model``, ``net``, ``ema``, ..., or any
        other key if the entry is the only one with tensors).

    Returns
    -------
    dict of str to torch.Tensor
        On the CPU, in the file's dtypes. Entries that are not tensors are left out. A prefix
        ``module.``, ``_orig_mod.``, ``model.``, ``net.`` or ``network.`` that all names share is
        removed. For TorchScript, the dict contains every tensor attribute of every module by its
        dotted name: the parameters, the buffers and the tensors that are plain attributes.

    Raises
    ------
    FringeError
        If the file cannot be read, has another format, is damaged, contains no tensors or several
        networks, or has an unreadable object in place of a tensor.
    """
    with _reading(path, _OWN_STATE) as (file, size):
        kind = detect_kind(file, size)
        if kind == "safetensors":
            state = _read_safetensors(path)
        elif kind == "torchscript":
            state = _state_of_script(_read_tree(file, size, "torch"))
        else:
            state = state_of(_read_tree(file, size, kind))
        if not state:
            raise Refused("contains no tensors")
        return without_wrappers(state)


def flatten(record: Record, path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Return the parameters and buffers of a module's Record, named as in its state dict.

    Parameters
    ----------
    record : Record
        A PyTorch module from `read_pickle`.
    path : path-like
        The file, for messages.

    Returns
    -------
    dict of str to torch.Tensor
        In the order of ``torch.nn.Module.state_dict``, and like it without the buffers that are not
        persistent.

    Raises
    ------
    FringeError
        If the record is not a module, contains itself, or has an unreadable object in place of a
        tensor.
    """
    try:
        return state_of_module(record)
    except Refused as error:
        raise FringeError(f"{path}: its {record.title} {error}; {_OWN_PICKLE}") from None


@contextmanager
def _reading(path: str | os.PathLike[str], advice: str) -> Iterator[tuple[BufferedReader, int]]:
    """Open a file, and name it in errors, with ``advice`` if the error itself has no advice."""
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
    """Return the content of a pickle or a file of torch.save."""
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
        raise Refused(f"is not a complete safetensors file ({str(error)[:200]})") from None


def _state_of_script(tree: Any) -> dict[str, Tensor]:
    if not isinstance(tree, Record):
        raise Refused(f"contains a {type(tree).__name__}, not a module of TorchScript")
    state = script_tensors(tree)
    if not state:
        raise Refused(f"contains no tensors, but a {tree.title}")
    return state
