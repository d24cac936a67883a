"""The zip files of `torch.save` and TorchScript: ``data.pkl`` and one stored member per storage."""

from __future__ import annotations

import io
import re
import zipfile
from io import BufferedIOBase
from typing import Any, BinaryIO, cast

from fringe.checkpoints.machine import run
from fringe.checkpoints.names import table
from fringe.checkpoints.stream import Budget, Refused, Stream
from fringe.checkpoints.tensors import Storage, storage_for
from fringe.files.zipfiles import DAMAGE, PLAIN, Archive, open_member, read_member

__all__ = ["check_members", "member_names", "read_archive"]

MAX_PICKLE = 64 << 20  # bytes of data.pkl, which describes tensors and does not contain them
MAX_COMPRESSED = 256 << 20  # bytes of a program's unpacked members: code, not numbers
MAX_DIRECTORY = 16 << 20  # bytes; about 80 for each tensor
_PICKLE = re.compile(r"([^/]+/)data\.pkl")


def member_names(file: BufferedIOBase) -> list[str]:
    """Return the names of the members of a zip file.

    Raises
    ------
    Refused
        If the file is damaged or Python cannot read it.
    """
    return _opened(file).namelist()


def check_members(file: BufferedIOBase) -> None:
    """Raise unless all members of a TorchScript archive can be unpacked within bounds.

    PyTorch compresses code with Deflate, and trusts the sizes that the archive declares.

    Raises
    ------
    Refused
        If a member is compressed with another method than Deflate, if the length or checksum of a
        compressed member differs from the one that the archive declares, or if the compressed
        members unpack to more than 256 MiB.
    """
    archive = _opened(file)
    left = MAX_COMPRESSED
    for info in archive.infolist():
        _check_method(info)
        if info.compress_type != zipfile.ZIP_STORED:
            left -= info.file_size
            if left < 0:
                raise Refused(f"has more than {MAX_COMPRESSED >> 20} MiB in compressed members")
            try:
                read_member(archive, info)
            except DAMAGE as error:
                raise _damage(error) from None
        elif info.file_size != info.compress_size:
            raise Refused(f"is damaged: {info.filename!r:.200} does not have its declared length")


def read_archive(file: BufferedIOBase, size: int) -> Any:
    """Return the object in a zip file that torch.save or TorchScript wrote.

    For TorchScript, the object is the Record of the outermost module. The program's code and the
    constants of the code are not read.

    Raises
    ------
    Refused
        If the file is damaged or is another kind of zip file.
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
    """The members of a zip file by their names below its only folder."""

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
        info = self.infos[name]
        _check_method(info)
        if info.file_size > limit:
            raise Refused(f"has more than {limit} bytes in {name}")
        try:
            return read_member(self.archive, info)
        except DAMAGE as error:
            raise _damage(error) from None

    def fill(self, name: str, storage: Storage, little_endian: bool) -> None:
        """Read a member into ``storage``; the member must be uncompressed and as long as it."""
        info = self.infos.get(name)
        if info is None:
            raise Refused("is damaged: the numbers of one of its tensors are missing")
        if info.compress_type != zipfile.ZIP_STORED:
            raise Refused("has compressed tensors, which torch.save and TorchScript never write")
        if info.file_size != storage.memory.numel():
            raise Refused("is damaged: a storage does not have the length that its tensors declare")
        try:
            with open_member(self.archive, info) as member:
                storage.fill(Stream(member, info.file_size), little_endian)
                member.read(1)  # the end of the stream: compares length and checksum
        except DAMAGE as error:
            raise _damage(error) from None


def _opened(file: BufferedIOBase) -> Archive:
    try:
        return Archive(cast("BinaryIO", file), MAX_DIRECTORY)
    except DAMAGE as error:
        raise _damage(error) from None


def _check_method(info: zipfile.ZipInfo) -> None:
    if info.compress_type not in PLAIN:
        raise Refused(
            f"has a member that is neither stored nor compressed with Deflate "
            f"({info.filename!r:.200}), which torch.save and TorchScript never write"
        )


def _damage(error: Exception) -> Refused:
    return Refused(f"is damaged or not a plain zip file ({str(error)[:200]})")
