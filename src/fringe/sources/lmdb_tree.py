"""Read sorted keys and values of an LMDB file, page by page, and check all numbers in it.

LMDB itself maps the file and trusts the numbers in its pages, so one wrong number ends the process
by a signal, or returns bytes of something else. Here a page is read like any part of a file, and
each number in it is checked before it is used.

The format is that of LMDB 0.9 on machines of 64 bits (``mdb.c``: ``MDB_meta``, ``MDB_db``,
``MDB_page``, ``MDB_node``). A file is a sequence of pages of one size. The first two, the meta
pages, alternately name the root of the newest tree. Branch pages contain keys and page numbers,
leaf pages contain keys and values, and a value that is too large for a leaf is in consecutive
overflow pages.
"""

import os
import struct
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, NoReturn

from fringe.errors import FringeError
from fringe.files.regular import open_regular
from fringe.sources.concatenated import refuse_lmdb

__all__ = ["DamagedTreeError", "Tree"]

_MAGIC = 0xBEEFC0DE
_VERSION = 1
_HEAD = struct.Struct(
    "<QHHHH"
)  # of a page: its number, unused, flags, end of pointers, of free space
_PAGES = struct.Struct("<I")  # instead of the last two: number of consecutive overflow pages
_META = struct.Struct("<II16x")  # after the head of a meta page: magic number, version
_RECORD = struct.Struct("<IHH24xQQ")  # of a tree: page size, flags, depth, entries, root
_TAIL = struct.Struct("<QQ")  # after the records of two trees: the last page, the transaction
_NODE = struct.Struct("<HHHH")  # of an entry: size or page (low, high), flags, size of the key
_NUMBER = struct.Struct("<Q")

_RECORDS = _HEAD.size + _META.size  # offset of the records in a meta page
_META_SIZE = _RECORDS + 2 * _RECORD.size + _TAIL.size

_BRANCH, _LEAF, _OVERFLOW, _META_PAGE = 0x01, 0x02, 0x04, 0x08
_KINDS = 0x6F  # the flags for the kind of a page
_LARGE, _TREE, _SEVERAL = 0x01, 0x02, 0x04  # of an entry: in overflow pages, a tree, several values
_FROM_THE_END = 0x02 | 0x08  # of a tree: reversed keys, or integers

_NONE = (1 << 64) - 1  # the root of a tree without entries
_DEEPEST = 32  # LMDB's trees are not deeper
_NAMED = 16  # most named databases in an environment
_HELD = 2000  # branch pages in memory: enough for millions of keys

_TreePage = tuple[bytes, tuple[int, ...]]  # a page of the tree, and the offsets of its entries


class DamagedTreeError(Exception):
    """Damage of a file. The message follows the file's name."""


class _Record(NamedTuple):
    """The record of a tree in a meta page or of a named database."""

    flags: int
    depth: int
    entries: int
    root: int


class _Entry(NamedTuple):
    """An entry of a leaf; ``data`` is the value, or the number of its page."""

    place: int
    flags: int
    key: bytes
    size: int
    data: bytes


class Tree:
    """The main database of a file, or a named database that is its only content.

    The tree keeps the state at its opening, unless somebody writes to the file twice. Threads and
    forked processes may share it.

    Parameters
    ----------
    path : Path
        The file.
    largest : int
        Values of more bytes are refused.

    Attributes
    ----------
    entries : int
        The number of keys, as the file states.

    Raises
    ------
    DamagedTreeError
        If the file is not LMDB or is truncated; from methods, if an invalid page is reached.
    FringeError
        If the file holds several files in a row, or several named databases.
    OSError
        If the file cannot be read.
    """

    def __init__(self, path: Path, largest: int) -> None:
        """Open the file and read its meta pages."""
        self._path = path
        self._largest = largest
        self._file = open_regular(path)
        self._branches: dict[tuple[int, int], _TreePage] = {}
        self._page_size, self._last = 0, -1
        self._page_size, self._last, main = self._newest()
        self._use(main)
        named = self._only_named()
        if named is not None:
            self._use(named)

    def _use(self, record: _Record) -> None:
        flags, self._depth, self.entries, self._root = record
        if self._root != _NONE and not 1 <= self._depth <= _DEEPEST:
            raise DamagedTreeError(f"a tree of keys that is {self._depth} pages deep")
        if self.entries * _NODE.size > self._last * self._page_size:
            raise DamagedTreeError(f"{self.entries:,} values, for which it has no room")
        # Keys are compared byte by byte, starting from the last byte for little-endian numbers.
        self._step = -1 if flags & _FROM_THE_END else 1

    def keys(self, begin: bytes | None = None) -> Iterator[bytes]:
        """Yield the keys in order, starting at the first key that is not before ``begin``."""
        size, step, unpack = self._page_size, self._step, _NODE.unpack_from
        before = None
        pages = 0
        for page, places in self._leaves(self._root, self._depth, begin):
            for place in places:
                low, high, flags, key_size = unpack(page, place)
                end = place + _NODE.size + key_size
                key = page[place + _NODE.size : end]
                if end > size or (before is not None and not before < key[::step]):
                    raise DamagedTreeError(f"its keys are not in order at {key!r}")
                before = key[::step]
                if flags & _LARGE:
                    pages += self._pages_of(low | high << 16)
                    # A small file could claim that each of a million values is the whole file.
                    if pages > self._last:
                        raise DamagedTreeError(
                            f"with the value of {key!r}, of {low | high << 16:,} bytes, its values "
                            "are larger than the file"
                        )
                yield key

    def last_keys(self) -> Iterator[bytes]:
        """Yield the keys in reverse order."""
        for page, places in self._leaves(self._root, self._depth, backwards=True):
            for place in places:
                yield _key(page, place)

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key; None if there is no such key."""
        number = self._root
        if number == _NONE:
            return None
        wanted = key[:: self._step]
        for below in range(self._depth - 1, 0, -1):
            page, places = self._tree_page(number, below)
            number = _child(page, places[self._branch_of(page, places, wanted)])
        page, places = self._tree_page(number, 0)
        at = self._first_from(page, places, wanted, 0)
        if at == len(places) or _key(page, places[at]) != key:
            return None
        entry = _entry(page, places[at])
        return self._large(entry) if entry.flags & _LARGE else _small(entry, page, places)

    def _large(self, entry: _Entry) -> bytes:
        """Return a value in overflow pages."""
        if entry.size > self._largest:
            raise DamagedTreeError(
                f"its size is {entry.size:,} bytes, more than the {self._largest:,} that "
                "`limits/bytes` allows"
            )
        (number,) = _NUMBER.unpack(entry.data)
        pages = self._pages_of(entry.size)
        head = self._page(number, _OVERFLOW, _HEAD.size)
        (held,) = _PAGES.unpack_from(head, _HEAD.size - _PAGES.size)
        if not pages <= held <= self._last + 1 - number:
            raise DamagedTreeError(
                f"its size is {entry.size:,} bytes, but its {held:,} pages of {self._page_size:,} "
                f"bytes, from {number:,} on, are too few or not all in the file"
            )
        return self._read(number * self._page_size + _HEAD.size, entry.size)

    def _pages_of(self, size: int) -> int:
        return -(-(_HEAD.size + size) // self._page_size)

    def _leaves(
        self, number: int, depth: int, begin: bytes | None = None, backwards: bool = False
    ) -> Iterator[tuple[bytes, Sequence[int]]]:
        """Yield the leaves below a page, each with the offsets of its entries in order.

        The first leaf is that of ``begin``; only its entries that are not before ``begin`` count.
        """
        if self._root == _NONE:
            return
        page, places = self._tree_page(number, depth - 1)
        first = 0
        if begin is not None:
            wanted = begin[:: self._step]
            first = (
                self._branch_of(page, places, wanted)
                if depth > 1
                else self._first_from(page, places, wanted, 0)
            )
        chosen = places[::-1] if backwards else places[first:]
        if depth == 1:
            yield page, chosen
            return
        for place in chosen:
            yield from self._leaves(_child(page, place), depth - 1, begin, backwards)
            begin = None

    def _branch_of(self, page: bytes, places: tuple[int, ...], wanted: bytes) -> int:
        """Return the child of a branch that contains a key. The first child's key is ignored."""
        after = self._first_from(page, places, wanted, 1)
        is_equal = after < len(places) and _key(page, places[after])[:: self._step] == wanted
        return after if is_equal else after - 1

    def _first_from(self, page: bytes, places: tuple[int, ...], wanted: bytes, first: int) -> int:
        """Return the first entry of a page, from ``first`` on, with a key not before ``wanted``."""
        low, high = first, len(places)
        while low < high:
            middle = (low + high) // 2
            if _key(page, places[middle])[:: self._step] < wanted:
                low = middle + 1
            else:
                high = middle
        return low

    def _tree_page(self, number: int, levels: int) -> _TreePage:
        """Return a page of the tree and its entries; the page is a leaf if ``levels`` is 0."""
        if levels and (number, levels) in self._branches:
            return self._branches[number, levels]
        page = self._page(number, _BRANCH if levels else _LEAF, self._page_size)
        *_, lower, upper = _HEAD.unpack_from(page)
        count = (lower - _HEAD.size) // 2
        if not (_HEAD.size < lower <= upper <= self._page_size and count):
            raise DamagedTreeError(f"page {number:,} of its tree of keys is invalid")
        places = struct.unpack_from(f"<{count}H", page, _HEAD.size)
        if min(places) < upper or max(places) > self._page_size - _NODE.size:
            raise DamagedTreeError(f"page {number:,} of its tree of keys has entries outside it")
        if levels and len(self._branches) < _HELD:
            self._branches[number, levels] = page, places
        return page, places

    def _page(self, number: int, kind: int, size: int) -> bytes:
        """Return the first ``size`` bytes of a page, after checks of its kind and number."""
        if not 1 < number <= self._last:
            raise DamagedTreeError(f"its tree of keys leads to page {number:,} of {self._last:,}")
        page = self._read(number * self._page_size, size)
        own, _, flags, *_ = _HEAD.unpack_from(page)
        if own != number or flags & _KINDS != kind:
            raise DamagedTreeError(
                f"its tree of keys leads to page {number:,}, which has another number or kind"
            )
        return page

    def _read(self, begin: int, size: int) -> bytes:
        if size > self._page_size and begin + size > self._size():
            self._refuse_cut()  # before memory for missing data is allocated
        parts = []
        while size > 0:
            part = os.pread(self._file.fileno(), size, begin)
            if not part:
                self._refuse_cut()
            parts.append(part)
            begin, size = begin + len(part), size - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def _refuse_cut(self) -> NoReturn:
        needed = (self._last + 1) * self._page_size
        if not needed:
            raise DamagedTreeError("it is truncated")
        raise FringeError(
            f"{self._path}: is damaged (it has {self._size()} bytes instead of {needed}: it "
            "is truncated); fetch or make it again"
        )

    def _newest(self) -> tuple[int, int, _Record]:
        """Return the size of pages, the number of the last page, and the newest main database."""
        page_size = 0
        found = []
        for number in range(2):
            page = self._read(number * page_size, _META_SIZE)
            flags = _HEAD.unpack_from(page)[2]
            magic, version = _META.unpack_from(page, _HEAD.size)
            if not flags & _META_PAGE or magic != _MAGIC:
                raise DamagedTreeError(f"meta page {number} is not LMDB's")
            if version != _VERSION:
                raise DamagedTreeError(f"the format v{version} is not supported")
            size, *_ = _RECORD.unpack_from(page, _RECORDS)
            if number == 0:
                page_size = size
                if not 256 <= page_size <= 1 << 16 or page_size & (page_size - 1):
                    raise DamagedTreeError(f"pages of {page_size:,} bytes")
            record = _record(page, _RECORDS + _RECORD.size)
            last, transaction = _TAIL.unpack_from(page, _RECORDS + 2 * _RECORD.size)
            found.append((transaction, -number, last, record))
        _, _, last, record = max(found)
        if not 0 < last * page_size < 1 << 62:  # files are never that large
            raise DamagedTreeError(f"{last:,} pages")
        refuse_lmdb(self._path, (last + 1) * page_size)
        return page_size, last, record

    def _only_named(self) -> _Record | None:
        """Return the named database that is the main database's only content, or None."""
        if self.entries > _NAMED:
            return None
        leaves = self._leaves(self._root, self._depth)
        all_entries = (_entry(page, place) for page, places in leaves for place in places)
        entries = [*islice(all_entries, _NAMED)]
        named = [entry for entry in entries if entry.flags & _TREE]
        if not named:
            return None
        if len(entries) == 1 and len(named[0].data) == _RECORD.size:
            return _record(named[0].data, 0)
        listed = ", ".join(entry.key.decode(errors="backslashreplace") for entry in named)
        raise FringeError(
            f"{self._path}: holds named databases ({listed}) besides others; copy the database of "
            "the images to a new file as its only database (mdb_dump -s "
            f"{named[0].key.decode(errors='backslashreplace')} ... | mdb_load ...)"
        )


def _record(data: bytes, begin: int) -> _Record:
    _, flags, depth, entries, root = _RECORD.unpack_from(data, begin)
    return _Record(flags, depth, entries, root)


def _key(page: bytes, place: int) -> bytes:
    size = _NODE.unpack_from(page, place)[3]
    begin = place + _NODE.size
    if begin + size > len(page):
        raise DamagedTreeError("a key exceeds its page")
    return page[begin : begin + size]


def _child(page: bytes, place: int) -> int:
    low, high, highest, _ = _NODE.unpack_from(page, place)
    number: int = low | high << 16 | highest << 32
    return number


def _entry(page: bytes, place: int) -> _Entry:
    """Return the entry of a leaf at an offset."""
    low, high, flags, key_size = _NODE.unpack_from(page, place)
    size = low | high << 16
    begin = place + _NODE.size + key_size
    end = begin + (_NUMBER.size if flags & _LARGE else size)
    if end > len(page):
        raise DamagedTreeError(f"its size is {size:,} bytes, which exceed its page")
    return _Entry(place, flags, page[place + _NODE.size : begin], size, page[begin:end])


def _small(entry: _Entry, page: bytes, places: Sequence[int]) -> bytes:
    """Return the value of an entry in its leaf; it must not overlap other entries."""
    if entry.flags & _TREE:
        raise DamagedTreeError("a database under a key, next to values")
    if entry.flags & _SEVERAL:
        raise DamagedTreeError("several values under one key")
    end = entry.place + _NODE.size + len(entry.key) + entry.size
    if any(entry.place < other < end for other in places):
        raise DamagedTreeError(f"its size is {entry.size:,} bytes, which overlap other values")
    return entry.data
