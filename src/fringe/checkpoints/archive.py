"""The zip files of `torch.save` and TorchScript: ``data.pkl`` and one stored member per storage."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from io import BufferedIOBase
from typing import Any, cast

from fringe.checkpoints.machine import run
from fringe.checkpoints.names import table
from fringe.checkpoints.stream import Budget, Refused, Stream
from fringe.checkpoints.tensors import Storage, storage_for

__all__ = ["member_names", "read_archive"]

MAX_PICKLE = 64 << 20  # bytes of data.pkl, which describes tensors and does not hold them
_PICKLE = re.compile(r"([^/]+/)data\.pkl")
_DAMAGE = (  # what zipfile raises, of a damaged file and of kinds of zip file that it cannot read
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


def member_names(file: BufferedIOBase) -> list[str]:
    """Return the names of the members of a zip file.

    Raises
    ------
    Refused
        If the file is damaged or of a kind that Python cannot read.
    """
    return _opened(file).namelist()


def read_archive(file: BufferedIOBase, size: int) -> Any:
    """Return the object of a zip file that torch.save or TorchScript wrote.

    Of TorchScript this is the Record of the outermost module. Its code, and the constants of the
    code, are not looked at.

    Raises
    ------
    Refused
        If the file is damaged or another kind of zip file.
    """
    budget = Budget.of_file(size)
    members = _Members(file)
    order = members.read("byteorder", 16) if "byteorder" in members else b"little"
    storages: dict[str, Storage] = {}

    def persistent(reference: Any) -> Storage:
        storage = storage_for(storages, budget, reference, 5)
        if not storage.filled:
            members.fill(f"data/{reference[2]}", storage, order != b"big")
        return storage

    data = members.read("data.pkl", MAX_PICKLE)
    stream = Stream(io.BytesIO(data), len(data))
    return run(stream, budget, table(budget, persistent))


class _Members:
    """The members of a zip file below its only folder, by name."""

    def __init__(self, file: BufferedIOBase) -> None:
        self.archive = _opened(file)
        infos = self.archive.infolist()
        roots = [match[1] for info in infos if (match := _PICKLE.fullmatch(info.filename))]
        if len(roots) != 1:
            raise Refused("is a zip file that neither torch.save nor TorchScript wrote")
        root = roots[0]
        self.infos = {
            info.filename.removeprefix(root): info
            for info in infos
            if info.filename.startswith(root)
        }

    def __contains__(self, name: str) -> bool:
        return name in self.infos

    def read(self, name: str, limit: int) -> bytes:
        """Return a small member, which may be compressed."""
        if self.infos[name].file_size > limit:
            raise Refused(f"has more than {limit} bytes in {name}")
        try:
            return self.archive.read(self.infos[name])
        except _DAMAGE as error:
            raise _damage(error) from None

    def fill(self, name: str, storage: Storage, little_endian: bool) -> None:
        """Read a member into ``storage``; it must be stored as it is, and of that length."""
        info = self.infos.get(name)
        if info is None:
            raise Refused("is damaged: the numbers of a tensor in it are missing")
        if info.compress_type != zipfile.ZIP_STORED:
            raise Refused("has compressed tensors, as neither torch.save nor TorchScript writes")
        if info.file_size != storage.memory.numel():
            raise Refused("is damaged: a storage has another length than its tensors say")
        try:
            with self.archive.open(info) as member:
                storage.fill(Stream(cast("Any", member), info.file_size), little_endian)
        except _DAMAGE as error:
            raise _damage(error) from None


def _opened(file: BufferedIOBase) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(cast("Any", file))
    except _DAMAGE as error:
        raise _damage(error) from None


def _damage(error: Exception) -> Refused:
    return Refused(f"is damaged or no plain zip file ({str(error)[:200]})")
