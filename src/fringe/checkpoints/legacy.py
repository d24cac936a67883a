"""The format of `torch.save` before it wrote zip files; nested storages have it too.

Five pickles one after another, then the bytes of each storage: magic number, protocol, facts about
the machine, the object itself with ``('storage', class, key, location, count, view)`` for each
storage, and the list of storage keys.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from fringe.checkpoints.machine import Budget, Refused, Stream, Table, run
from fringe.checkpoints.tensors import Storage, allocate

__all__ = ["MAGIC", "read_legacy", "read_storages"]

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001


def read_legacy(stream: Stream, budget: Budget, table: Callable[..., Table]) -> Any:
    """Return the object that a legacy stream holds.

    ``table(budget, persistent)`` gives what names stand for.
    """
    plain = table(budget)
    magic = run(stream, budget, plain)
    if type(magic) is not int or magic != MAGIC:
        raise Refused("has something else where the magic number of torch.save is due")
    return read_storages(stream, budget, table)


def read_storages(stream: Stream, budget: Budget, table: Callable[..., Table]) -> Any:
    """Return the object of a legacy stream whose magic number has been read."""
    plain = table(budget)
    if run(stream, budget, plain) != PROTOCOL:
        raise Refused(f"was written by torch.save with another protocol than {PROTOCOL}")
    machine = run(stream, budget, plain)
    little_endian = machine.get("little_endian", True) if type(machine) is dict else None
    if type(little_endian) is not bool:
        raise Refused("does not say how its numbers were written")
    storages: dict[str, Storage] = {}

    def persistent(reference: Any) -> Storage:
        kind, key, count = _storage_reference(reference, 6)
        if reference[5] is not None:
            raise Refused("has a storage that is part of another; save it with a newer PyTorch")
        if key not in storages:
            storages[key] = allocate(budget, kind, count)
        return storages[key]

    value = run(stream, budget, table(budget, persistent))
    keys = run(stream, budget, plain)
    if type(keys) is not list or not all(type(key) is str for key in keys):
        raise Refused("is damaged: it has no list of storages")
    for key in keys:
        storage = storages.get(key)
        if storage is None or storage.filled:
            raise Refused("is damaged: its list of storages has others than its tensors")
        if struct.unpack("<q", stream.take(8))[0] != storage.count:
            raise Refused("is damaged: a storage has another length than its tensors say")
        storage.fill(stream, little_endian)
    if not all(storage.filled for storage in storages.values()):
        raise Refused("is damaged: the numbers of a tensor in it are missing")
    return value


def _storage_reference(reference: Any, length: int) -> tuple[Any, str, Any]:
    """Return class, key and count of the persistent id of a storage."""
    if type(reference) is not tuple or not reference or reference[0] != "storage":
        raise Refused("refers to something outside that is no storage")
    if len(reference) < length or type(reference[2]) is not str:
        raise Refused("is damaged: a storage in it has no key")
    return reference[1], reference[2], reference[4]
