"""ZIP archives of all kinds: opening them whole, reading within bounds, and what is refused.

An archive says of each member how many bytes it unpacks to, and a few KiB can unpack to many GiB
whatever it says. So members are unpacked in pieces, and a member that has one byte more than its
archive declares, or one less, is refused.
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

#: What reading damaged archives raises, besides ``OSError``.
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

#: Methods of compression of which a byte becomes no more than some 1,000.
PLAIN = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})

#: Methods of compression (PKWARE APPNOTE 4.4.5) by number, where they have a name.
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
_UTF8 = 1 << 11  # bit of the flags: how the name is encoded
_UNIX = 3  # the system that wrote an entry

# An archive ends in a record of 22 bytes and a comment (APPNOTE 4.3.16), the largest of them in
# two others before it.
_END, _LOCATOR, _DIRECTORY = b"PK\5\6", b"PK\6\7", b"PK\1\2"
_LONGEST_END = 22 + 0xFFFF
_MEMBER = struct.Struct("<4s5H3I2H")  # what lies before a member (APPNOTE 4.3.7)

MOST_DIRECTORY = 256 << 20  # bytes of the directory, some 80 of each member
_PACKED = 1 << 16  # bytes of a file that are read at a time
_PIECE = 1 << 20  # bytes that are unpacked at a time
_INFLATED = 1032  # bytes that one of Deflate can become


class Archive(zipfile.ZipFile):
    """An archive that is opened to be read, and whose directory is of a size that can be held.

    Parameters
    ----------
    file : Path or binary file
        An opened file stays open when the archive is closed.
    most : int
        Bytes of the directory, of which each becomes up to ten in memory.

    Raises
    ------
    OSError, or one of `DAMAGE`
        If the file cannot be read as an archive, has a larger directory, or members of it share
        bytes, so that they would unpack to far more than the archive holds.
    """

    _own: BinaryIO | None = None

    def __init__(self, file: Path | BinaryIO, most: int = MOST_DIRECTORY) -> None:
        """Read the directory."""
        self._own = open_regular(file) if isinstance(file, Path) else None
        try:
            super().__init__(cast("Any", _Bounded(self._own or cast("BinaryIO", file), most)))
            if not all(self.namelist()):
                raise zipfile.BadZipFile("a member of it has no name")
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
    """A file of which no more is read at once than ``most``: zipfile reads a directory whole."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self.file, self.most = file, most
        self.name = file.name
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable
        self.fileno, self.close = file.fileno, file.close

    def read(self, size: int = -1) -> bytes:
        if size > self.most:
            raise zipfile.BadZipFile(f"its directory has more than {self.most >> 20} MiB")
        # Without a size zipfile reads the end of an archive and the longest comment.
        return self.file.read(size if size >= 0 else _LONGEST_END + 1)


def open_zip(path: Path) -> Archive:
    """Open an archive to be read, which must be one and no more.

    Bytes before it, such as the program of one that unpacks itself, do not matter.

    Raises
    ------
    FringeError
        If another archive lies before it in the file: only the last one would be read.
    OSError, or one of `DAMAGE`
        As `Archive` does.
    """
    archive = Archive(path)
    try:
        begin = min((info.header_offset for info in archive.infolist()), default=archive.start_dir)
        if _ends_archive(archive, begin):
            raise FringeError(
                f"{path}: holds several ZIP archives, one behind the other; give each a file of "
                f"its own (the last one begins at byte {begin}), or make one archive of all files"
            )
    except BaseException:
        archive.close()
        raise
    return archive


def _ends_archive(archive: Archive, begin: int) -> bool:
    """Tell whether an archive ends before byte ``begin``, as far before as its comment is long."""
    start = max(0, begin - _LONGEST_END)
    before = _at(archive, start, begin - start)
    at = len(before)
    while (at := before.rfind(_END, 0, at)) >= 0:
        # Programs that unpack archives hold this signature, too, but no directory before it.
        size = int.from_bytes(before[at + 12 : at + 16], "little")
        directory = _at(archive, max(0, start + at - size), len(_DIRECTORY))
        if directory == _DIRECTORY or before[max(0, at - 20) : at].startswith(_LOCATOR):
            return True
    return False


def _refuse_overlaps(archive: Archive) -> None:
    """Raise if two members share bytes of the file, or one reaches into the directory."""
    free = 0  # the first byte behind the members before
    for info in sorted(archive.infolist(), key=attrgetter("header_offset")):
        if info.header_offset < free:
            raise zipfile.BadZipFile(f"{info.filename!r:.200} shares bytes with another member")
        free = info.header_offset + _MEMBER.size + info.compress_size
    if free > archive.start_dir:
        raise zipfile.BadZipFile("its members reach into its directory")


def refuse_unreadable(
    info: zipfile.ZipInfo, archive: str, methods: Collection[int | None] = _READ
) -> None:
    """Raise if a member cannot be read: if it is encrypted, or compressed in a rare way.

    Raises
    ------
    FringeError
        Saying which, and how to make an archive that can be read; also if what is stored cannot
        become as many bytes as are declared.
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
            f"{label}: declares {info.file_size} bytes, and the {info.compress_size} bytes that "
            "are stored of it cannot become as many; fetch or make the archive again"
        )


def refuse_link(info: zipfile.ZipInfo, archive: str) -> None:
    """Raise if a member is a symbolic link, whose content is a path and no image."""
    if info.create_system == _UNIX and stat.S_ISLNK(info.external_attr >> 16):
        raise FringeError(
            f"{archive}!{info.filename}: is a symbolic link; make the archive again with the "
            "files themselves (zip without -y)"
        )


def read_member(archive: Archive, info: zipfile.ZipInfo, most: int | None = None) -> bytes:
    """Return what a member unpacks to.

    Parameters
    ----------
    archive : Archive
    info : ZipInfo
        One of its members.
    most : int, optional
        Bytes that it may declare.

    Raises
    ------
    OSError, or one of `DAMAGE`
        If it declares more than ``most``, unpacks to more or fewer bytes than it declares, has
        another checksum, or cannot be unpacked. What it declares is all that is ever held.
    """
    if most is not None and info.file_size > most:
        raise zipfile.BadZipFile(f"declares {info.file_size} bytes, more than {most}")
    return b"".join(_pieces(archive, info))


def open_member(archive: Archive, info: zipfile.ZipInfo) -> io.BufferedReader:
    """Return what a member unpacks to, as a stream that is read once from its beginning.

    Raises
    ------
    OSError, or one of `DAMAGE`
        When it is read: as `read_member` does. Its length and checksum are compared where the
        stream ends, so a reader that knows the length reads one byte more.
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
    """Yield what a member unpacks to; raise at the first byte that it should not have."""
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
            f"{info.file_size} that it declares"
        )
    if checksum != info.CRC:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {info.filename!r:.200}")


def data_offset(archive: Archive, info: zipfile.ZipInfo) -> int:
    """Return where in the file the bytes of a member begin.

    Raises
    ------
    BadZipFile
        If what lies before them is of another name or method than the directory says, or
        encrypted.
    """
    head = _at(archive, info.header_offset, _MEMBER.size)
    if len(head) < _MEMBER.size or not head.startswith(b"PK\3\4"):
        raise zipfile.BadZipFile(f"{info.filename!r:.200} is not where the directory says")
    flags: int
    name_size: int
    extra: int
    _, _, flags, method, *_, name_size, extra = _MEMBER.unpack(head)
    name = _at(archive, info.header_offset + _MEMBER.size, name_size)
    told = name.decode("utf-8" if flags & _UTF8 else "cp437", "replace")
    if (told, method) != (info.orig_filename, info.compress_type):
        raise zipfile.BadZipFile(
            f"the directory calls a member {info.orig_filename!r:.200} (method "
            f"{info.compress_type}), which itself says {told!r:.200} (method {method})"
        )
    if (flags | info.flag_bits) & _ENCRYPTED:
        raise zipfile.BadZipFile(f"{info.filename!r:.200} is encrypted")
    return info.header_offset + _MEMBER.size + name_size + extra


def _packed(archive: Archive, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the bytes of a member as they are stored."""
    at, left = data_offset(archive, info), info.compress_size
    while left:
        piece = _at(archive, at, min(left, _PIECE if info.compress_type == 0 else _PACKED))
        if not piece:
            raise EOFError(f"the file ends within {info.filename!r:.200}")
        yield piece
        at += len(piece)
        left -= len(piece)


def _at(archive: Archive, place: int, count: int) -> bytes:
    """Return bytes of the file, whatever other threads read of it."""
    if archive.fp is None:
        raise ValueError("the archive was closed")
    return os.pread(archive.fp.fileno(), count, place)


def _unpacked(info: zipfile.ZipInfo, packed: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what the bytes of a member become, at most _PIECE at a time."""
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
    raise NotImplementedError(f"method of compression {info.compress_type}")


def _inflated(packed: Iterator[bytes]) -> Iterator[bytes]:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    for data in packed:
        full = False  # whether there may be more of what was given already
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
    """Unpack LZMA, which has 4 bytes and its properties before it (APPNOTE 5.8.8)."""
    start = next(packed, b"")
    if len(start) < 9 or start[2:4] != b"\5\0" or start[4] >= 9 * 5 * 5:
        raise zipfile.BadZipFile(f"{info.filename!r:.200} has no properties of LZMA")
    filters = {
        "id": lzma.FILTER_LZMA1,
        "lc": start[4] % 9,
        "lp": start[4] // 9 % 5,
        "pb": start[4] // 45,
        # Its memory is taken at once, so no more than the member can use.
        "dict_size": min(int.from_bytes(start[5:9], "little"), max(info.file_size, 1 << 12)),
    }
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[filters])

    def rest() -> Iterator[bytes]:
        yield start[9:]
        yield from packed

    return _decompressed(decompressor, rest())
