"""The sorted keys of an LMDB file and the values under them, read page by page, without trust.

LMDB itself maps the file and follows whatever numbers its pages hold, so one false number ends the
process by a signal, or hands out the bytes of something else. Here a page is read like any part of
a file, and each number in it is checked before it is used.

The format is that of LMDB 0.9 on machines of 64 bits (``mdb.c``: ``MDB_meta``, ``MDB_db``,
``MDB_page``, ``MDB_node``). A file is a row of pages of one size. The first two, the meta pages,
take turns in naming the root of the newest tree. Branch pages hold keys and numbers of pages, leaf
pages hold keys and values, and a value that is too large for a leaf lies in overflow pages in a
row.
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
_PAGES = struct.Struct("<I")  # in place of the last two: how many overflow pages are in a row
_META = struct.Struct("<II16x")  # behind the head of a meta page: magic number, version
_RECORD = struct.Struct("<IHH24xQQ")  # of a tree: page size, flags, depth, entries, root
_TAIL = struct.Struct("<QQ")  # behind the records of two trees: the last page, the transaction
_NODE = struct.Struct("<HHHH")  # of an entry: size or page (low, high), flags, size of the key
_NUMBER = struct.Struct("<Q")

_RECORDS = _HEAD.size + _META.size  # where the records begin in a meta page
_META_SIZE = _RECORDS + 2 * _RECORD.size + _TAIL.size

_BRANCH, _LEAF, _OVERFLOW, _META_PAGE = 0x01, 0x02, 0x04, 0x08
_KINDS = 0x6F  # the flags that tell what a page is
_LARGE, _TREE, _SEVERAL = 0x01, 0x02, 0x04  # of an entry: in overflow pages, a tree, several values
_FROM_THE_END = 0x02 | 0x08  # of a tree: reversed keys, or integers

_NONE = (1 << 64) - 1  # the root of a tree without entries
_DEEPEST = 32  # LMDB goes no deeper
_NAMED = 16  # an environment of named databases holds no more of them
_HELD = 2000  # branch pages that are held: those of millions of keys

_TreePage = tuple[bytes, tuple[int, ...]]  # a page of the tree, and where its entries begin


class DamagedTreeError(Exception):
    """What is wrong with a file, in words that follow its name."""


class _Record(NamedTuple):
    """What a meta page, or a named database, says of a tree."""

    flags: int
    depth: int
    entries: int
    root: int


class _Entry(NamedTuple):
    """What a leaf says of a value; ``data`` is the value, or the number of its page."""

    place: int
    flags: int
    key: bytes
    size: int
    data: bytes


class Tree:
    """The main database of a file, or the named one that is all that the main one holds.

    It shows what was there when it was opened, as long as nobody writes to the file twice. Threads
    and forked processes may share it.

    Parameters
    ----------
    path : Path
        The file.
    largest : int
        A value of more bytes is refused.

    Attributes
    ----------
    entries : int
        The number of keys, as the file says.

    Raises
    ------
    DamagedTreeError
        If the file is not LMDB or was cut short; from methods, where a page is reached that is not
        what it must be.
    FringeError
        If it holds several files in a row, or several named databases.
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
        # Keys are compared byte by byte, from the last one on if they are numbers (little-endian).
        self._step = -1 if flags & _FROM_THE_END else 1

    def keys(self, begin: bytes | None = None) -> Iterator[bytes]:
        """Yield the keys in their order, from the first one that is not before ``begin``."""
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
                    # A small file could claim that each of a million values is all of it.
                    if pages > self._last:
                        raise DamagedTreeError(
                            f"with the value of {key!r}, of {low | high << 16:,} bytes, its values "
                            "are larger than the file"
                        )
                yield key

    def last_keys(self) -> Iterator[bytes]:
        """Yield the keys from the last one on, backwards."""
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
        """Return a value that lies in pages of its own."""
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
                f"bytes, from {number:,} on, do not hold them or are not all there"
            )
        return self._read(number * self._page_size + _HEAD.size, entry.size)

    def _pages_of(self, size: int) -> int:
        return -(-(_HEAD.size + size) // self._page_size)

    def _leaves(
        self, number: int, depth: int, begin: bytes | None = None, backwards: bool = False
    ) -> Iterator[tuple[bytes, Sequence[int]]]:
        """Yield the leaves below a page, each with the places of its entries in their order.

        The first leaf is that of ``begin``, of which only the entries that are not before it count.
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
        """Return which child of a branch holds a key. The first one's own key does not count."""
        after = self._first_from(page, places, wanted, 1)
        is_there = after < len(places) and _key(page, places[after])[:: self._step] == wanted
        return after if is_there else after - 1

    def _first_from(self, page: bytes, places: tuple[int, ...], wanted: bytes, first: int) -> int:
        """Return the first entry of a page, from ``first`` on, whose key is not before a key."""
        low, high = first, len(places)
        while low < high:
            middle = (low + high) // 2
            if _key(page, places[middle])[:: self._step] < wanted:
                low = middle + 1
            else:
                high = middle
        return low

    def _tree_page(self, number: int, levels: int) -> _TreePage:
        """Return a page of the tree, a leaf if it has no ``levels`` below it, and its entries."""
        if levels and (number, levels) in self._branches:
            return self._branches[number, levels]
        page = self._page(number, _BRANCH if levels else _LEAF, self._page_size)
        *_, lower, upper = _HEAD.unpack_from(page)
        count = (lower - _HEAD.size) // 2
        if not (_HEAD.size < lower <= upper <= self._page_size and count):
            raise DamagedTreeError(f"page {number:,} of its tree of keys says nothing sensible")
        places = struct.unpack_from(f"<{count}H", page, _HEAD.size)
        if min(places) < upper or max(places) > self._page_size - _NODE.size:
            raise DamagedTreeError(f"page {number:,} of its tree of keys has entries outside it")
        if levels and len(self._branches) < _HELD:
            self._branches[number, levels] = page, places
        return page, places

    def _page(self, number: int, kind: int, size: int) -> bytes:
        """Return the first ``size`` bytes of a page, if it is of a kind and knows its number."""
        if not 1 < number <= self._last:
            raise DamagedTreeError(f"its tree of keys leads to page {number:,} of {self._last:,}")
        page = self._read(number * self._page_size, size)
        own, _, flags, *_ = _HEAD.unpack_from(page)
        if own != number or flags & _KINDS != kind:
            raise DamagedTreeError(f"its tree of keys leads to page {number:,}, which is another's")
        return page

    def _read(self, begin: int, size: int) -> bytes:
        if size > self._page_size and begin + size > self._size():
            self._refuse_cut()  # before room is made for what is not there
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
            raise DamagedTreeError("it ends early: it was cut short")
        raise FringeError(
            f"{self._path}: is damaged (it has {self._size()} bytes, but {needed} belong to it: it "
            "was cut short); fetch or make it again"
        )

    def _newest(self) -> tuple[int, int, _Record]:
        """Return the size of pages, the number of the last one, and the newest main database."""
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
        if not 0 < last * page_size < 1 << 62:  # no file is that large
            raise DamagedTreeError(f"{last:,} pages")
        refuse_lmdb(self._path, (last + 1) * page_size)
        return page_size, last, record

    def _only_named(self) -> _Record | None:
        """Return the named database that is all that the main one holds; None: there is none."""
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
            f"{self._path}: holds named databases ({listed}) beside others; copy that of the "
            "images to a file of its own, in which it is the only one (mdb_dump -s "
            f"{named[0].key.decode(errors='backslashreplace')} ... | mdb_load ...)"
        )


def _record(data: bytes, begin: int) -> _Record:
    _, flags, depth, entries, root = _RECORD.unpack_from(data, begin)
    return _Record(flags, depth, entries, root)


def _key(page: bytes, place: int) -> bytes:
    size = _NODE.unpack_from(page, place)[3]
    begin = place + _NODE.size
    if begin + size > len(page):
        raise DamagedTreeError("a key reaches beyond its page")
    return page[begin : begin + size]


def _child(page: bytes, place: int) -> int:
    low, high, highest, _ = _NODE.unpack_from(page, place)
    number: int = low | high << 16 | highest << 32
    return number


def _entry(page: bytes, place: int) -> _Entry:
    """Return the entry of a leaf that begins at a place."""
    low, high, flags, key_size = _NODE.unpack_from(page, place)
    size = low | high << 16
    begin = place + _NODE.size + key_size
    end = begin + (_NUMBER.size if flags & _LARGE else size)
    if end > len(page):
        raise DamagedTreeError(f"its size is {size:,} bytes, which reach beyond its page")
    return _Entry(place, flags, page[place + _NODE.size : begin], size, page[begin:end])


def _small(entry: _Entry, page: bytes, places: Sequence[int]) -> bytes:
    """Return the value of an entry that lies in its leaf; it must end where the next one begins."""
    if entry.flags & _TREE:
        raise DamagedTreeError("a database under a key, beside values")
    if entry.flags & _SEVERAL:
        raise DamagedTreeError("several values under one key, of which none can be chosen")
    end = entry.place + _NODE.size + len(entry.key) + entry.size
    if any(entry.place < other < end for other in places):
        raise DamagedTreeError(f"its size is {entry.size:,} bytes, which are those of others too")
    return entry.data
