"""The format of `torch.save` before zip files, which nested storages use too.

A file consists of five pickles and then the bytes of each storage. The pickles are a magic number,
the protocol, facts about the machine, the object with
``('storage', class, key, location, count, view)`` for each storage, and the list of storage keys.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

from fringe.checkpoints.machine import Global, Table, run
from fringe.checkpoints.record import Record
from fringe.checkpoints.stream import Budget, Refused, Stream
from fringe.checkpoints.tensors import STORAGE_MODULES, STORAGES, Storage, storage_for

__all__ = ["is_legacy", "read_nested", "read_rest"]

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001


def is_legacy(first: Any) -> bool:
    """Return whether the first pickle of a file is the magic number of this format."""
    return type(first) is int and first == MAGIC


def read_nested(data: bytes, budget: Budget) -> Storage:
    """Return the storage in the bytes of a pickled tensor, which may contain only a storage."""
    stream = Stream(io.BytesIO(data), len(data))
    if not is_legacy(run(stream, budget, bare_table())):
        raise Refused("has a nested storage that torch.save did not write")
    storage = read_rest(stream, budget, bare_table)
    if not isinstance(storage, Storage):
        raise Refused(f"has a {type(storage).__name__} in place of a nested storage")
    return storage


def bare_table(persistent: Callable[[Any], Any] | None = None) -> Table:
    """Return a table that contains only the classes of storages."""

    def find(module: str, name: str) -> Global:
        if module not in STORAGE_MODULES or name not in STORAGES:
            named = f"{module}.{name}"[:200]
            raise Refused(f"is damaged: it names {named!r} where only storages are allowed")
        return Global(module, name)

    def build(target: Any, state: Any) -> None:
        raise Refused(f"sets attributes of a {type(target).__name__}")

    return Table(find, build, persistent)


def read_rest(
    stream: Stream, budget: Budget, table: Callable[[Callable[[Any], Any]], Table]
) -> Any:
    """Return the object in a stream whose magic number has already been read.

    ``table`` makes the table of names from the function that resolves persistent ids.
    """
    protocol = run(stream, budget, bare_table())
    if type(protocol) is not int or protocol != PROTOCOL:
        raise Refused(f"was written by torch.save with a protocol other than {PROTOCOL}")
    machine = run(stream, budget, bare_table())
    little_endian = machine.get("little_endian", True) if type(machine) is dict else None
    if type(little_endian) is not bool:
        raise Refused("does not declare the byte order of its numbers")
    storages: dict[str, Storage] = {}

    def persistent(reference: Any) -> Storage | Record:
        if type(reference) is tuple and len(reference) == 4 and reference[0] == "module":
            module = reference[1]  # the class of a module; its source text stays in the file
            if isinstance(module, Record):
                return module
        storage = storage_for(storages, budget, reference, 6)
        if reference[5] is not None:
            raise Refused(
                "has a storage that is part of another storage; save it with a newer PyTorch"
            )
        return storage

    value = run(stream, budget, table(persistent))
    keys = run(stream, budget, bare_table())
    if type(keys) is not list or not all(type(key) is str for key in keys):
        raise Refused("is damaged: its list of storages is missing")
    for key in keys:
        storage = storages.get(key)
        if storage is None or storage.filled:
            raise Refused("is damaged: its list of storages differs from those of its tensors")
        if struct.unpack("<q", stream.take(8))[0] != storage.count:
            raise Refused("is damaged: a storage does not have the length that its tensors declare")
        storage.fill(stream, little_endian)
    if not all(storage.filled for storage in storages.values()):
        raise Refused("is damaged: the numbers of one of its tensors are missing")
    return value
