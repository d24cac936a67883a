"""The zip files of `torch.save` and TorchScript: ``data.pkl`` and one stored member per storage."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

from fringe.checkpoints.legacy import _storage_reference
from fringe.checkpoints.machine import Budget, Refused, Stream, run
from fringe.checkpoints.names import table
from fringe.checkpoints.tensors import Storage, allocate

__all__ = ["read_archive"]

MAX_PICKLE = 64 << 20  # bytes of data.pkl; it describes the tensors and does not hold them


def read_archive(path: Path, size: int) -> tuple[Any, bool]:
    """Return the object of a zip file, and whether it is TorchScript.

    Of TorchScript, the object is the Record of the outermost module. Its code is not looked at.
    """
    budget = Budget.of_file(size)
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: info for info in archive.infolist()}
        roots = [name[:-8] for name in members if re.fullmatch(r"[^/]+/data\.pkl", name)]
        if len(roots) != 1:
            raise Refused("is a zip file that neither torch.save nor TorchScript wrote")
        root = roots[0]
        torchscript = f"{root}constants.pkl" in members
        order = b"little"
        if f"{root}byteorder" in members:
            order = _small(archive, members[f"{root}byteorder"], 16)
        storages: dict[str, Storage] = {}

        def persistent(reference: Any) -> Storage:
            kind, key, count = _storage_reference(reference, 5)
            if key in storages:
                return storages[key]
            info = members.get(f"{root}data/{key}")
            if info is None:
                raise Refused("is damaged: the numbers of a tensor in it are missing")
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                raise Refused("has compressed tensors, as neither torch.save nor TorchScript write")
            storage = allocate(budget, kind, count)
            if storage.memory.numel() != info.file_size:
                raise Refused("is damaged: a storage has another length than its tensors say")
            with archive.open(info) as member:
                storage.fill(Stream(member, info.file_size), order != b"big")
            storages[key] = storage
            return storage

        data = _small(archive, members[f"{root}data.pkl"], MAX_PICKLE)
        stream = Stream(io.BytesIO(data), len(data))
        return run(stream, budget, table(budget, persistent, torchscript)), torchscript


def _small(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    if info.file_size > limit:
        raise Refused(
            f"has {info.file_size} bytes in its {info.filename[-40:]!r}, more than {limit}"
        )
    return archive.read(info)
