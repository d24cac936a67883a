"""Tar archives from outside: their members within bounds on memory and time."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

__all__ = ["DAMAGE", "Members"]

#: What reading damaged archives raises, besides ``OSError``.
DAMAGE = (tarfile.TarError, ValueError, IndexError, OverflowError, RecursionError)

_BLOCK = 512
_HEAD = 64 << 10  # bytes before a member: its name of up to 4,096, and attributes
_GLOBAL = 100  # attributes that an archive states for all members
_DIGITS = re.compile(rb"\d{1000}")


class Members:
    """The members of the archive that begins at the position of a file, one after the other.

    Attributes
    ----------
    end : int
        Once they are read: where the archive's end mark is, which is where the archive begins if
        none begins there.

    Examples
    --------
    >>> with open("images.tar", "rb") as file:  # doctest: +SKIP
    ...     [member.name for member in Members(file)]
    ['0001.jpg', '0001.json']
    """

    def __init__(self, file: BinaryIO) -> None:
        """Read nothing yet."""
        self._file = file
        self.end = file.tell()

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        """Yield them.

        Raises
        ------
        OSError, or one of `DAMAGE`
            If the archive is damaged, or has more than 64 KiB before a member.
        """
        heads = _Heads(self._file)
        with tarfile.open(fileobj=cast("Any", heads), mode="r:") as archive:
            while (member := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # it would keep them all
                # A size may be negative, and so lead back.
                if member.size < 0 or archive.offset <= self.end:
                    raise tarfile.ReadError(f"a member of {member.size} bytes")
                if len(archive.pax_headers) > _GLOBAL:
                    raise tarfile.ReadError(f"more than {_GLOBAL} attributes of all members")
                self.end = archive.offset
                heads.left = _HEAD
                yield member
            self.end = archive.offset


class _Heads:
    """A file of which tarfile reads no more than _HEAD bytes before a member.

    A head says itself how long it is, and tarfile reads it whole. What tarfile looks for in there,
    it looks for behind any number of digits, in a time that grows with the square of that number.
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
