"""Read tar archives from outside within limits on memory and time."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

__all__ = ["DAMAGE", "Members"]

#: Errors that reading a damaged archive raises, besides ``OSError``.
DAMAGE = (tarfile.TarError, ValueError, IndexError, OverflowError, RecursionError)

_BLOCK = 512
_HEAD = 64 << 10  # bytes before a member: a name of up to 4,096 bytes, and attributes
_GLOBAL = 100  # attributes that an archive declares for all members
_DIGITS = re.compile(rb"\d{1000}")


class Members:
    """The members of the tar archive that begins at the current position of a file, in order.

    Attributes
    ----------
    end : int
        Position of the end mark of the archive, after all members have been read. If no archive
        begins at the position, this is the position itself.

    Examples
    --------
    >>> with open("images.tar", "rb") as file:  # doctest: +SKIP
    ...     [member.name for member in Members(file)]
    ['0001.jpg', '0001.json']
    """

    def __init__(self, file: BinaryIO) -> None:
        """Set the position, without reading."""
        self._file = file
        self.end = file.tell()

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        """Yield the members.

        Raises
        ------
        OSError, or one of `DAMAGE`
            If the archive is damaged, or has more than 64 KiB before a member.
        """
        heads = _Heads(self._file)
        with tarfile.open(fileobj=cast("Any", heads), mode="r:") as archive:
            while (member := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # tarfile keeps all members
                # A negative size would lead back to an earlier position.
                if member.size < 0 or archive.offset <= self.end:
                    raise tarfile.ReadError(f"a member of {member.size} bytes")
                if len(archive.pax_headers) > _GLOBAL:
                    raise tarfile.ReadError(f"more than {_GLOBAL} attributes of all members")
                self.end = archive.offset
                heads.left = _HEAD
                yield member
            self.end = archive.offset


class _Heads:
    """A file from which tarfile reads at most _HEAD bytes before each member.

    A head declares its own length, and tarfile reads all of it. tarfile also searches the head for
    patterns that begin with digits, in a time that is quadratic in the number of digits.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.left = _HEAD
        self.name = getattr(file, "name", None)
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        self.left -= size
        if size < 0 or self.left < 0:
            raise tarfile.ReadError(f"more than {_HEAD} bytes before a member")
        data = self.file.read(size)
        if size > _BLOCK and _DIGITS.search(data):
            raise tarfile.ReadError("a number of 1,000 digits before a member")
        return data
