"""Builders of archives whose declarations differ from their content."""

import bz2
import io
import lzma
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

STORED, DEFLATED, BZIP2, LZMA = 0, 8, 12, 14
BOMB = 64 << 20  # unpacked size of the bombs in bytes; a test may use half of it


@cache
def zeros(method: int, size: int = BOMB) -> bytes:
    """Return compressed zeros in the form of a ZIP member."""
    if method == DEFLATED:
        return _all_of(zlib.compressobj(1, wbits=-15), size)
    if method == BZIP2:
        return _all_of(bz2.BZ2Compressor(), size)
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "preset": 0}]
    packed = _all_of(lzma.LZMACompressor(lzma.FORMAT_RAW, filters=filters), size)
    return b"\x09\x04\5\0\x5d" + struct.pack("<I", 1 << 16) + packed


def _all_of(compressor: Any, size: int) -> bytes:
    block = bytes(1 << 20)
    parts = [compressor.compress(block) for _ in range(size >> 20)]
    return b"".join([*parts, compressor.flush()])


@dataclass(frozen=True)
class Member:
    """A member of a ZIP, and its entry in the archive's directory."""

    name: str
    packed: bytes
    size: int  # that it declares
    checksum: int = 0
    method: int = STORED
    flags: int = 0
    local_name: str | None = None  # that stands before it, if it is another one
    local_method: int | None = None
    at: int | None = None  # where it lies, if the archive says another place

    @classmethod
    def of(cls, name: str, content: bytes, method: int = STORED) -> "Member":
        """Return a member with a correct entry."""
        pack: Callable[[bytes], bytes] = {
            STORED: bytes,
            DEFLATED: lambda data: zlib.compress(data, wbits=-15),
            BZIP2: bz2.compress,
        }[method]
        return cls(name, pack(content), len(content), zlib.crc32(content), method)

    def declaring(self, size: int) -> "Member":
        """Return the member with a wrong unpacked size."""
        return replace(self, size=size)


def assembled(members: Iterable[Member]) -> bytes:
    """Return a ZIP archive, entry by entry."""
    body, directory = io.BytesIO(), io.BytesIO()
    count = 0
    for member in members:
        count += 1
        at = body.tell() if member.at is None else member.at
        if member.at is None:
            name = (member.local_name or member.name).encode()
            method = member.method if member.local_method is None else member.local_method
            sizes = len(member.packed), member.size
            head = (20, member.flags, method, 0, 33, member.checksum, *sizes, len(name), 0)
            body.write(struct.pack("<4s5H3I2H", b"PK\3\4", *head) + name + member.packed)
        name = member.name.encode()
        entry = (20, 20, member.flags, member.method, 0, 33, member.checksum, len(member.packed))
        entry += (member.size, len(name), 0, 0, 0, 0, 0, at)
        directory.write(struct.pack("<4s6H3I5H2I", b"PK\1\2", *entry) + name)
    listed = directory.getvalue()
    end = (0, 0, count & 0xFFFF, count & 0xFFFF, len(listed), body.tell(), 0)
    return body.getvalue() + listed + struct.pack("<4s4H2IH", b"PK\5\6", *end)


def many_entries(path: Path, size: int) -> Path:
    """Write an archive that is only a directory: ``size`` bytes, a hole in the file."""
    large = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, size, 0)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, size, 1)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    with path.open("wb") as file:
        file.truncate(size)
        file.seek(size)
        file.write(large + locator + end)
    return path


def npy(shape: object = (2, 8, 8, 3), descr: object = "|u1", fortran: object = False) -> bytes:
    """Return the header of an array as NumPy writes it, with any values."""
    return npy_of(repr({"descr": descr, "fortran_order": fortran, "shape": shape}))


def npy_of(text: str, version: tuple[int, int] = (1, 0), length: int | None = None) -> bytes:
    """Return the header of an array with any text."""
    head = text.encode("latin-1") + b"\n"
    lengths = struct.pack(
        "<H" if version == (1, 0) else "<I", len(head) if length is None else length
    )
    return b"\x93NUMPY" + bytes(version) + lengths + head


def npz(path: Path, method: int = STORED, **arrays: bytes | np.ndarray) -> Path:
    """Write an NPZ file whose arrays may be any bytes."""
    members = []
    for name, array in arrays.items():
        if not isinstance(array, bytes):
            stream = io.BytesIO()
            np.save(stream, array)
            array = stream.getvalue()
        members.append(Member.of(f"{name}.npy", array, method))
    path.write_bytes(assembled(members))
    return path


def head(
    name: bytes = b"a.png", size: int | bytes = 0, kind: bytes = b"0", **fields: bytes
) -> bytes:
    """Return the header of a tar member; ``at124=b"..."`` is the raw value of a field."""
    block = bytearray(512)
    numbers = size if isinstance(size, bytes) else b"%011o\0" % size
    magic = fields.pop("magic", b"ustar\0" + b"00")
    for at, field in (0, name), (100, b"0000644\0"), (124, numbers), (156, kind), (257, magic):
        block[at : at + len(field)] = field
    for at, field in fields.items():
        block[int(at[2:]) : int(at[2:]) + len(field)] = field
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def attributes(content: bytes, kind: bytes = b"x", size: int | None = None) -> bytes:
    """Return attributes (PAX) for the next member of a tar, or with "g" for all members."""
    return head(b"pax", len(content) if size is None else size, kind) + padded(content)


def record(key: str, value: str) -> bytes:
    """Return one attribute."""
    length = len(f" {key}={value}\n")
    whole = next(n for n in range(length, length + 9) if n == length + len(str(n)))
    return f"{whole} {key}={value}\n".encode()


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


TAR_END = bytes(1024)
