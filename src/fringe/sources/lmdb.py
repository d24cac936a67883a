"""Images in an LMDB environment, as LSUN comes.

The file is read as its format says, not through the LMDB library. That one maps the file into
memory and trusts it, so a damaged environment can end the process with SIGBUS, and it refuses to
open one environment twice in a process or to use one across a fork, which reading in threads and
workers would do. Reading needs little: the pages of a B+ tree, whose leaves say where in the file
each value lies; afterwards an image is one read at a known place.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.sources.base import EncodedSource, as_path, check_count, readable
from fringe.sources.digests import file_digests
from fringe.sources.fitting import Fit

__all__ = ["DATA_FILE", "LmdbSource"]

#: The name of the file inside an environment's folder.
DATA_FILE = "data.mdb"

# Of LMDB 0.9's mdb.c (data version 1), 64 bits, little-endian: the header of a page (its number,
# flags, bounds of the free space), the meta page behind its header (magic, version, -, -, then
# descriptions of the free and the main database, last page, transaction), a database (page size
# or -, flags, depth, -, -, -, entries, root).
_PAGE = struct.Struct("<QxxHHH")
_META = struct.Struct("<II8x8x48s48sQQ")
_DATABASE = struct.Struct("<IHH8x8x8xQQ")
_MAGIC, _VERSION = 0xBEEFC0DE, 1
_BRANCH, _LEAF, _OVERFLOW, _META_PAGE = 1, 2, 4, 8
_OUTSIDE = 1  # a node whose value has pages of its own
_NO_PAGE = (1 << 64) - 1
_DEEPEST = 32


@dataclass(frozen=True)
class _Values:
    """Where the values of an environment lie, in order of their keys.

    Each array has one entry per value: where it begins in the file, how many bytes it has, where
    its node begins (which has the key), and whether it has pages of its own.
    """

    start: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    node: npt.NDArray[np.int64]
    outside: npt.NDArray[np.bool_]


class LmdbSource(EncodedSource):
    """The values of an LMDB environment, encoded images all, sorted by key.

    Parameters
    ----------
    path : path-like
        The folder that holds ``data.mdb`` (LSUN names it ``..._lmdb``), or the file itself. The
        lock file is neither needed nor made.
    fit : Fit, optional
        How every image is cropped and resized; None: all must be alike.
    count : int, optional
        Use only the first so many.
    cache : path-like, optional
        Where hashes of files are remembered for the fingerprint (`file_digests`).

    Raises
    ------
    FringeError
        If the file is missing, unreadable, cut short or damaged, holds no value, fewer than
        ``count``, or values of another kind (named or duplicate-key databases).
    """

    def __init__(
        self,
        path: str | Path,
        fit: Fit | None = None,
        count: int | None = None,
        cache: Path | None = None,
    ) -> None:
        """Read the tree of keys."""
        place = as_path(path)
        self.path = place / DATA_FILE if place.is_dir() else place
        self.cache = cache
        with readable(self.path), self.path.open("rb") as file:
            tree = _Tree(file, self.path)
            count = check_count(tree.entries, count, str(path))
            self._values = tree.values(count)
        super().__init__(str(path), count, fit)

    @cached_property
    def _content(self) -> str:
        return file_digests([self.path], self.cache)[0]

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return SHA-256 of the whole file's content, and of the resizing."""
        return self._digest("lmdb", self._content)

    def _label(self, index: int) -> str:
        try:
            with self.path.open("rb") as file:
                file.seek(int(self._values.node[index]) + 6)
                key = file.read(int.from_bytes(file.read(2), "little"))
        except OSError:
            return f"{self.path}: value {index}"
        return f"{self.path}!{key.decode(errors='backslashreplace')}"

    def _bytes(self, index: int) -> bytes:
        start, size = int(self._values.start[index]), int(self._values.size[index])
        header = _PAGE.size if self._values.outside[index] else 0
        with readable(self.path), self.path.open("rb") as file:
            file.seek(start - header)
            data = file.read(header + size)
        if len(data) != header + size or (header and _PAGE.unpack_from(data)[1] != _OVERFLOW):
            raise FringeError(f"{self._label(index)}: is damaged; fetch the LMDB anew")
        return data[header:]


class _Tree:
    """The main database of an open environment."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        """Read the newer of the two meta pages, and check that the file is as long as it says."""
        self.file = file
        self.path = path
        self.file_size = os.fstat(file.fileno()).st_size
        head = file.read(_PAGE.size + _META.size)
        if len(head) < _PAGE.size + _META.size:
            raise self._damaged("it ends within its first page")
        magic, version, free, *_ = _META.unpack_from(head, _PAGE.size)
        if magic != _MAGIC:
            raise FringeError(f"{path}: is damaged or not an LMDB file; fetch or make it anew")
        if version != _VERSION:
            raise FringeError(
                f"{path}: is of LMDB's data version {version}, not {_VERSION} as LSUN is; copy it "
                "with mdb_dump and the mdb_load of LMDB 0.9"
            )
        self.page_size = _DATABASE.unpack(free)[0]
        if self.page_size not in {1 << bits for bits in range(8, 17)}:
            raise self._damaged(f"its pages have {self.page_size} bytes")
        metas = []
        for number in (0, 1):
            _, flags, *_ = self._page(number, last=1)
            magic, version, _, main, last, transaction = _META.unpack_from(self.page, _PAGE.size)
            if flags != _META_PAGE or (magic, version) != (_MAGIC, _VERSION):
                raise self._damaged("its meta pages disagree")
            metas.append((transaction, last, main))
        _, self.last, main = max(metas)
        if self.file_size < (self.last + 1) * self.page_size:
            raise self._damaged(
                f"it has {self.file_size} bytes, but {(self.last + 1) * self.page_size} belong to "
                "it: it was cut short"
            )
        _, _, self.depth, self.entries, self.root = _DATABASE.unpack(main)
        # No value takes less than a node's header and a pointer to it.
        if self.depth > _DEEPEST or self.entries > self.file_size // 10:
            raise self._damaged(f"it claims {self.entries} values")

    def values(self, count: int) -> _Values:
        """Return where the first ``count`` values lie; so many there must be."""
        found: list[_Values] = []
        held = 0
        for leaf in self._leaves(self.root, 1) if self.root != _NO_PAGE else ():
            found.append(leaf)
            held += len(leaf.start)
            if held >= count:
                break
        if held < count:
            raise self._damaged(f"it has {held} values, not {self.entries}")
        fields = ("start", "size", "node", "outside")
        return _Values(
            *(np.concatenate([getattr(leaf, name) for leaf in found])[:count] for name in fields)
        )

    def _leaves(self, number: int, level: int) -> Iterator[_Values]:
        """Yield the values of each leaf page below page ``number``, in order of their keys."""
        _, flags, lower, upper = self._page(number, self.last)
        if level == self.depth and flags == _LEAF:
            yield self._leaf(number, self._nodes(lower, upper))
        elif level < self.depth and flags == _BRANCH:
            nodes = self._nodes(lower, upper)
            low, high, top, _ = self._fields(nodes)
            for child in low | high << 16 | top << 32:
                yield from self._leaves(int(child), level + 1)
        else:
            raise self._damaged(f"page {number} is of an unexpected kind")

    def _leaf(self, number: int, nodes: npt.NDArray[np.int64]) -> _Values:
        low, high, flags, key_size = self._fields(nodes)
        if (flags & ~_OUTSIDE).any():
            raise FringeError(
                f"{self.path}: holds databases inside the main one, or several values of a key; "
                "give an LMDB whose values are encoded images, as LSUN's are"
            )
        size = low | high << 16
        outside = flags == _OUTSIDE
        place = nodes + 8 + key_size  # of the value, or of the number of its first page
        if (place + np.where(outside, 8, size) > self.page_size).any():
            raise self._damaged(f"page {number} reaches beyond its end")
        page = self._words(np.where(outside, place, 0), 8).view("<i8")[:, 0]
        last = self.last - (_PAGE.size + size - 1) // self.page_size
        if (outside & ((page < 0) | (page > last))).any():
            raise self._damaged(f"a value on page {number} lies beyond the end")
        begin = number * self.page_size
        start = np.where(outside, page * self.page_size + _PAGE.size, begin + place)
        return _Values(start, size, begin + nodes, outside)

    def _page(self, number: int, last: int) -> tuple[int, int, int, int]:
        """Read a page into ``self.page``; return its number, flags, and bounds of free space."""
        if number > last:
            raise self._damaged(f"page {number} lies beyond the end")
        self.file.seek(number * self.page_size)
        self.page = self.file.read(self.page_size)
        if len(self.page) < self.page_size:
            raise self._damaged(f"it ends within page {number}")
        header: tuple[int, int, int, int] = _PAGE.unpack_from(self.page)
        if header[0] != number:
            raise self._damaged(f"page {number} says it is page {header[0]}")
        return header

    def _nodes(self, lower: int, upper: int) -> npt.NDArray[np.int64]:
        """Return where in the page its nodes begin."""
        if not _PAGE.size < lower <= upper <= self.page_size or lower % 2:
            raise self._damaged("a page holds no node")
        count = (lower - _PAGE.size) // 2
        nodes = np.frombuffer(self.page, "<u2", count, _PAGE.size).astype(np.int64)
        if (nodes < upper).any() or (nodes + 8 > self.page_size).any():
            raise self._damaged("a node lies outside its page")
        return nodes

    def _fields(self, nodes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the four numbers of 16 bits that nodes begin with, shape (4, n)."""
        return self._words(nodes, 8).view("<u2").astype(np.int64).T

    def _words(self, places: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.uint8]:
        """Return ``size`` bytes at each place of the page, shape (n, size)."""
        page = np.frombuffer(self.page, np.uint8)
        return np.ascontiguousarray(page[places[:, None] + np.arange(size)])

    def _damaged(self, why: str) -> FringeError:
        return FringeError(f"{self.path}: is damaged ({why}); fetch or make it anew")
