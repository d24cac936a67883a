"""Read ZIP archives of all kinds within limits on memory and time.

An archive declares how many bytes each member unpacks to, but a few KiB can unpack to many GiB
regardless of this number. So members are unpacked in pieces, and a member that unpacks to more or
fewer bytes than its archive declares is refused.
"""

from __future__ import annotations

import bz2
import io
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO, cast

from fringe.errors import FringeError
from fringe.files.regular import open_regular

__all__ = [
    "DAMAGE",
    "PLAIN",
    "Archive",
    "data_offset",
    "open_member",
    "open_zip",
    "read_member",
    "refuse_link",
    "refuse_unreadable",
]

#: Errors that reading a damaged archive raises, besides ``OSError``.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)

#: Compression methods that expand a byte to at most about 1,000 bytes.
PLAIN = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})

#: Names of compression methods by number (PKWARE APPNOTE 4.4.5).
_METHODS = {
    1: "Shrink",
    6: "Implode",
    9: "Deflate64",
    12: "BZip2",
    14: "LZMA",
    20: "Zstandard",
    93: "Zstandard",
    95: "XZ",
    98: "PPMd",
}
_ZSTANDARD: int | None = getattr(zipfile, "ZIP_ZSTANDARD", None)  # from Python 3.14
_READ = PLAIN | {zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA} | {_ZSTANDARD} - {None}
_AES = 99
_ENCRYPTED = 1  # bit of the flags
_UTF8 = 1 << 11  # bit of the flags: the name is encoded in UTF-8
_UNIX = 3  # number of the system that wrote an entry

# An archive ends with a record of 22 bytes and a comment (APPNOTE 4.3.16). The largest archives
# have two other records before it.
_END, _LOCATOR, _DIRECTORY = b"PK\5\6", b"PK\6\7", b"PK\1\2"
_LONGEST_END = 22 + 0xFFFF
_MEMBER = struct.Struct("<4s5H3I2H")  # header of a member (APPNOTE 4.3.7)

MOST_DIRECTORY = 256 << 20  # bytes of the directory, about 80 for each member
_PACKED = 1 << 16  # bytes of a file that are read at a time
_PIECE = 1 << 20  # bytes that are unpacked at a time
_INFLATED = 1032  # maximum bytes that one byte of Deflate unpacks to


class Archive(zipfile.ZipFile):
    """An archive that is opened for reading, with a limit on the size of its directory.

    Parameters
    ----------
    file : Path or binary file
        An open file stays open when the archive is closed.
    most : int
        Maximum bytes of the directory; each byte takes up to ten bytes of memory.

    Raises
    ------
    OSError, or one of `DAMAGE`
        If the file cannot be read as an archive, its directory is larger, or its members share
        bytes, so that they would unpack to far more bytes than the archive contains.
    """

    _own: BinaryIO | None = None

    def __init__(self, file: Path | BinaryIO, most: int = MOST_DIRECTORY) -> None:
        """Read the directory."""
        self._own = open_regular(file) if isinstance(file, Path) else None
        try:
            super().__init__(cast("Any", _Bounded(self._own or cast("BinaryIO", file), most)))
            if not all(self.namelist()):
                raise zipfile.BadZipFile("one of its members has no name")
            _refuse_overlaps(self)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the archive, and the file if it was opened here."""
        super().close()
        if self._own is not None:
            self._own.close()


class _Bounded:
    """A file that is read at most ``most`` bytes at once; zipfile reads whole directories."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self.file, self.most = file, most
        self.name = file.name
        self.seek, self.tell = file.seek, file.tell
        self.seekable, self.fileno, self.close = file.seekable, file.fileno, file.close

    def read(self, size: int = -1) -> bytes:
        if size > self.most:
            raise zipfile.BadZipFile(f"its directory has more than {self.most >> 20} MiB")
        # Without a size, zipfile reads the end of an archive with the longest comment.
        return self.file.read(size if size >= 0 else _LONGEST_END + 1)


def open_zip(path: Path) -> Archive:
    """Open a file that must contain exactly one archive, for reading.

    Bytes before the archive, such as the program of a self-extracting archive, are allowed.

    Raises
    ------
    FringeError
        If the file contains another archive before it: only the last archive would be read.
    OSError, or one of `DAMAGE`
        As `Archive` does.
    """
    archive = Archive(path)
    try:
        begin = min((info.header_offset for info in archive.infolist()), default=archive.start_dir)
        if _ends_archive(archive, begin):
            raise FringeError(
                f"{path}: contains several ZIP archives, one after the other; split it into one "
                f"file for each archive (the last archive begins at byte {begin}), or make one "
                "archive of all files"
            )
    except BaseException:
        archive.close()
        raise
    return archive


def _ends_archive(archive: Archive, begin: int) -> bool:
    """Return whether another archive, followed only by its comment, ends before byte ``begin``."""
    start = max(0, begin - _LONGEST_END)
    before = _at(archive, start, begin - start)
    at = len(before)
    while (at := before.rfind(_END, 0, at)) >= 0:
        # Programs that unpack archives contain this signature too, but no directory before it.
        size = int.from_bytes(before[at + 12 : at + 16], "little")
        directory = _at(archive, max(0, start + at - size), len(_DIRECTORY))
        if directory == _DIRECTORY or before[max(0, at - 20) : at].startswith(_LOCATOR):
            return True
    return False


def _refuse_overlaps(archive: Archive) -> None:
    """Raise if two members share bytes of the file, or a member overlaps the directory."""
    free = 0  # the first byte after the previous members
    for info in sorted(archive.infolist(), key=attrgetter("header_offset")):
        if info.header_offset < free:
            raise zipfile.BadZipFile(f"{info.filename!r:.200} shares bytes with another member")
        free = info.header_offset + _MEMBER.size + info.compress_size
    if free > archive.start_dir:
        raise zipfile.BadZipFile("its members overlap its directory")


def refuse_unreadable(
    info: zipfile.ZipInfo, archive: str, methods: Collection[int | None] = _READ
) -> None:
    """Raise if a member cannot be read, because it is encrypted or has a rare compression method.

    Raises
    ------
    FringeError
        With the reason, and how to make a readable archive. Also if the stored bytes cannot unpack
        to the declared number of bytes.
    """
    label, method = f"{archive}!{info.filename}", info.compress_type
    if info.flag_bits & _ENCRYPTED or method == _AES:
        raise FringeError(
            f"{label}: is encrypted; unpack the archive with its password and make a plain ZIP"
        )
    if method not in methods:
        raise FringeError(
            f"{label}: is compressed with {_METHODS.get(method, 'a rare method')} (method "
            f"{method}), which cannot be read; make the archive again with Deflate or stored "
            "(7z a -tzip -mm=Deflate)"
        )
    most = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: _INFLATED}.get(method)
    if most is not None and info.file_size > most * info.compress_size:
        raise FringeError(
            f"{label}: declares {info.file_size} bytes, but its {info.compress_size} stored bytes "
            "cannot unpack to that many; fetch or make the archive again"
        )


def refuse_link(info: zipfile.ZipInfo, archive: str) -> None:
    """Raise if a member is a symbolic link, whose content is a path and not an image."""
    if info.create_system == _UNIX and stat.S_ISLNK(info.external_attr >> 16):
        raise FringeError(
            f"{archive}!{info.filename}: is a symbolic link; make the archive again with the "
            "files themselves (zip without -y)"
        )


def read_member(archive: Archive, info: zipfile.ZipInfo, most: int | None = None) -> bytes:
    """Return the unpacked content of a member.

    Parameters
    ----------
    archive : Archive
    info : ZipInfo
        One of the archive's members.
    most : int, optional
        Maximum number of bytes that the member may declare.

    Raises
    ------
    OSError, or one of `DAMAGE`
        If the member declares more than ``most`` bytes, unpacks to more or fewer bytes than it
        declares, has another checksum, or cannot be unpacked. The memory in use never exceeds the
        declared number of bytes.
    """
    if most is not None and info.file_size > most:
        raise zipfile.BadZipFile(f"declares {info.file_size} bytes, more than {most}")
    return b"".join(_pieces(archive, info))


def open_member(archive: Archive, info: zipfile.ZipInfo) -> io.BufferedReader:
    """Return the unpacked content of a member as a stream that can be read once.

    Raises
    ------
    OSError, or one of `DAMAGE`
        When the stream is read, as `read_member` does. The length and checksum are compared at the
        end of the stream, so a reader that knows the length must read one byte more.
    """
    return io.BufferedReader(_Stream(_pieces(archive, info)), _PIECE)


class _Stream(io.RawIOBase):
    """Pieces of bytes as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._rest = memoryview(b"")
        self._taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._taken += count
        return count

    def tell(self) -> int:
        return self._taken


def _pieces(archive: Archive, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the unpacked content of a member; raise at the first byte beyond its declared size."""
    left, checksum = info.file_size, 0
    for piece in _unpacked(info, _packed(archive, info)):
        left -= len(piece)
        if left < 0:
            raise zipfile.BadZipFile(
                f"{info.filename!r:.200} unpacks to more than the {info.file_size} bytes that it "
                "declares"
            )
        checksum = zlib.crc32(piece, checksum)
        yield piece
    if left:
        raise zipfile.BadZipFile(
            f"{info.filename!r:.200} unpacks to {info.file_size - left} bytes, not the "
            f"{info.file_size} bytes that it declares"
        )
    if checksum != info.CRC:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {info.filename!r:.200}")


def data_offset(archive: Archive, info: zipfile.ZipInfo) -> int:
    """Return the position of the stored bytes of a member in the file.

    Raises
    ------
    BadZipFile
        If the header of the member has another name or method than the directory, or the member is
        encrypted.
    """
    head = _at(archive, info.header_offset, _MEMBER.size)
    if len(head) < _MEMBER.size or not head.startswith(b"PK\3\4"):
        raise zipfile.BadZipFile(
            f"{info.filename!r:.200} is not at the position that the directory declares"
        )
    flags: int
    name_size: int
    extra: int
    _, _, flags, method, *_, name_size, extra = _MEMBER.unpack(head)
    name = _at(archive, info.header_offset + _MEMBER.size, name_size)
    title = name.decode("utf-8" if flags & _UTF8 else "cp437", "replace")
    if (title, method) != (info.orig_filename, info.compress_type):
        raise zipfile.BadZipFile(
            f"a member is named {info.orig_filename!r:.200} (method {info.compress_type}) in the "
            f"directory, but {title!r:.200} (method {method}) in its header"
        )
    if (flags | info.flag_bits) & _ENCRYPTED:
        raise zipfile.BadZipFile(f"{info.filename!r:.200} is encrypted")
    return info.header_offset + _MEMBER.size + name_size + extra


def _packed(archive: Archive, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the stored bytes of a member, still compressed."""
    at, left = data_offset(archive, info), info.compress_size
    while left:
        piece = _at(archive, at, min(left, _PIECE if info.compress_type == 0 else _PACKED))
        if not piece:
            raise EOFError(f"the file ends within {info.filename!r:.200}")
        yield piece
        at += len(piece)
        left -= len(piece)


def _at(archive: Archive, place: int, count: int) -> bytes:
    """Return bytes of the file, independently of the reads of other threads."""
    if archive.fp is None:
        raise ValueError("the archive was closed")
    return os.pread(archive.fp.fileno(), count, place)


def _unpacked(info: zipfile.ZipInfo, packed: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the unpacked bytes of a member, at most _PIECE at a time."""
    if info.compress_type == zipfile.ZIP_STORED:
        return packed
    if info.compress_type == zipfile.ZIP_DEFLATED:
        return _inflated(packed)
    if info.compress_type == zipfile.ZIP_BZIP2:
        return _decompressed(bz2.BZ2Decompressor(), packed)
    if info.compress_type == zipfile.ZIP_LZMA:
        return _unpacked_lzma(info, packed)
    if info.compress_type == _ZSTANDARD:
        return _decompressed(import_module("compression.zstd").ZstdDecompressor(), packed)
    raise NotImplementedError(f"compression method {info.compress_type}")


def _inflated(packed: Iterator[bytes]) -> Iterator[bytes]:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    for data in packed:
        full = False  # whether the decompressor may still have output
        while data or full:
            piece = inflate.decompress(data, _PIECE)
            yield piece
            data, full = inflate.unconsumed_tail, len(piece) == _PIECE
        if inflate.eof:
            return


def _decompressed(decompressor: Any, packed: Iterator[bytes]) -> Iterator[bytes]:
    for data in packed:
        yield decompressor.decompress(data, _PIECE)
        while not (decompressor.eof or decompressor.needs_input):
            yield decompressor.decompress(b"", _PIECE)
        if decompressor.eof:
            return


def _unpacked_lzma(info: zipfile.ZipInfo, packed: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack LZMA data, which begin with 4 bytes and the properties (APPNOTE 5.8.8)."""
    start = next(packed, b"")
    if len(start) < 9 or start[2:4] != b"\5\0" or start[4] >= 9 * 5 * 5:
        raise zipfile.BadZipFile(f"{info.filename!r:.200} has no properties of LZMA")
    filters = {
        "id": lzma.FILTER_LZMA1,
        "lc": start[4] % 9,
        "lp": start[4] // 9 % 5,
        "pb": start[4] // 45,
        # This memory is allocated at once, so limit it to the size that the member can use.
        "dict_size": min(int.from_bytes(start[5:9], "little"), max(info.file_size, 1 << 12)),
    }
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[filters])

    def rest() -> Iterator[bytes]:
        yield start[9:]
        yield from packed

    return _decompressed(decompressor, rest())
