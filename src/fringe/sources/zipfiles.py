"""What ZIP archives of all kinds share: opening them whole, and what is refused in them."""

import stat
import zipfile
import zlib
from io import BufferedReader
from pathlib import Path

from fringe.errors import FringeError
from fringe.regular import open_regular

__all__ = ["DAMAGE", "OwnZip", "open_zip", "refuse_link", "refuse_unreadable"]

#: What zipfile raises on damaged archives, besides ``OSError``.
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)

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
_READ = {
    zipfile.ZIP_STORED,
    zipfile.ZIP_DEFLATED,
    zipfile.ZIP_BZIP2,
    zipfile.ZIP_LZMA,
    getattr(zipfile, "ZIP_ZSTANDARD", zipfile.ZIP_STORED),  # from Python 3.14
}
_AES = 99
_ENCRYPTED = 1  # bit of the flags
_UNIX = 3  # the system that wrote an entry

# An archive ends in a record of 22 bytes and a comment (APPNOTE 4.3.16), the largest of them in
# two others before it.
_END, _LOCATOR, _DIRECTORY = b"PK\5\6", b"PK\6\7", b"PK\1\2"
_LONGEST_END = 22 + 0xFFFF


class OwnZip(zipfile.ZipFile):
    """A ZIP archive that is a regular file, to be read; closing it closes the file."""

    _own: BufferedReader | None = None

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises
        ------
        FringeError, OSError, or one of `DAMAGE`
            If the file is not a regular one, or cannot be read as an archive.
        """
        self._own = open_regular(path)
        try:
            super().__init__(self._own)
        except BaseException:
            self._own.close()
            raise

    def close(self) -> None:
        """Close the archive and its file."""
        super().close()
        if self._own is not None:
            self._own.close()


def open_zip(path: Path) -> zipfile.ZipFile:
    """Open an archive to be read, which must be one and no more.

    Bytes before it, such as the program of one that unpacks itself, do not matter.

    Raises
    ------
    FringeError
        If another archive lies before it in the file: only the last one would be read.
    OSError, or one of `DAMAGE`
        If the file cannot be read as an archive.
    """
    archive = OwnZip(path)
    try:
        begin = min((info.header_offset for info in archive.infolist()), default=archive.start_dir)
        if _ends_archive(path, begin):
            raise FringeError(
                f"{path}: holds several ZIP archives, one behind the other; give each a file of "
                f"its own (the last one begins at byte {begin}), or make one archive of all files"
            )
    except BaseException:
        archive.close()
        raise
    return archive


def _ends_archive(path: Path, begin: int) -> bool:
    """Tell whether an archive ends before byte ``begin``, as far before as its comment is long."""
    with open_regular(path) as file:
        file.seek(max(0, begin - _LONGEST_END))
        before = file.read(min(begin, _LONGEST_END))
        at = len(before)
        while (at := before.rfind(_END, 0, at)) >= 0:
            # Programs that unpack archives hold this signature, too, but no directory before it.
            size = int.from_bytes(before[at + 12 : at + 16], "little")
            place = begin - len(before) + at
            file.seek(max(0, place - size))
            if file.read(4) == _DIRECTORY or before[max(0, at - 20) : at].startswith(_LOCATOR):
                return True
    return False


def refuse_unreadable(info: zipfile.ZipInfo, archive: str) -> None:
    """Raise if a member cannot be read: if it is encrypted, or compressed in a rare way.

    Raises
    ------
    FringeError
        Saying which, and how to make an archive that can be read.
    """
    label, method = f"{archive}!{info.filename}", info.compress_type
    if info.flag_bits & _ENCRYPTED or method == _AES:
        raise FringeError(
            f"{label}: is encrypted; unpack the archive with its password and make a plain ZIP"
        )
    if method not in _READ:
        raise FringeError(
            f"{label}: is compressed with {_METHODS.get(method, 'a rare method')} (method "
            f"{method}), which cannot be read; make the archive again with Deflate or stored "
            "(7z a -tzip -mm=Deflate)"
        )


def refuse_link(info: zipfile.ZipInfo, archive: str) -> None:
    """Raise if a member is a symbolic link, whose content is a path and no image."""
    if info.create_system == _UNIX and stat.S_ISLNK(info.external_attr >> 16):
        raise FringeError(
            f"{archive}!{info.filename}: is a symbolic link; make the archive again with the "
            "files themselves (zip without -y)"
        )
