"""Read the claims of a Parquet file, before pyarrow allocates memory for them.

The footer and the head of each page are structs in Thrift's compact protocol. Neither pyarrow nor
Thrift limits what a few bytes may claim: a list of a million columns, a page of 2 GiB, billions of
values. Also, asking pyarrow about a column in a footer may end the process, because it throws an
exception that nothing catches. This module walks the structs and only keeps the required values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple

__all__ = ["Chunk", "DamagedPageError", "Group", "LargeFooterError", "Page", "groups", "pages"]

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
_INTEGERS = (4, 5, 6)  # of 16, 32 and 64 bits, all encoded the same way
_DEEPEST = 32  # nested structs: Parquet itself uses at most 8 levels

# Numbers of fields: of a footer, of a group of rows, of a column, and of its metadata.
_GROUPS = 4
_COLUMNS, _ROWS = 1, 3
_ABOUT = 3
_CHUNK = {5: "values", 7: "size", 9: "data", 11: "dictionary"}

# Numbers of fields of a page's head. Data pages, dictionaries and newer data pages each have a
# separate struct, whose first field is the number of values.
_PAGE = {2: "unpacked", 3: "stored"}
_VALUES = {5: True, 7: False, 8: True}  # whether they are values of rows

_HEAD = 1 << 12  # bytes of a head to read first
_LONGEST_HEAD = 1 << 24  # that pyarrow reads
_MAGIC = b"PAR1"  # at the end of a file that is not encrypted
_TAIL = 8  # bytes at the end of a file: the size of its footer, PAR1
_LARGEST_PART = 100  # most bytes that a struct of a footer takes in the file, on average
_SLACK = 100  # bytes that old writers forgot to count


class DamagedPageError(Exception):
    """Damage of a footer or a page. The message follows the file's name."""


class _TooShortError(DamagedPageError):
    """A struct continues after the end of the bytes."""


class LargeFooterError(Exception):
    """A footer contains more structs than allowed."""


class Chunk(NamedTuple):
    """The metadata of a column of a group of rows, from the footer.

    Attributes
    ----------
    begin, size : int
        Offset of its pages in the file, and their number of bytes.
    values : int
        The number of its values.
    """

    begin: int
    size: int
    values: int


class Group(NamedTuple):
    """The metadata of a group of rows; ``chunks`` are in the order of the schema."""

    rows: int
    chunks: tuple[Chunk, ...]


class Page(NamedTuple):
    """The values in the head of a page.

    Attributes
    ----------
    unpacked : int
        Uncompressed bytes of its content.
    values : int
        Number of values of rows in it; 0 for a dictionary.
    """

    unpacked: int
    values: int


def groups(file: BinaryIO, most: int) -> list[Group]:
    """Return the groups of rows in a file's footer.

    Parameters
    ----------
    file : binary file
        The file. If it does not end like a Parquet file, the result is empty.
    most : int
        Most structs that the footer may contain; each takes memory when it is read.

    Raises
    ------
    DamagedPageError
        If the footer is invalid.
    LargeFooterError
        If the footer contains more structs.
    """
    end = file.seek(0, 2) - _TAIL
    if end < 0:
        return []
    file.seek(end)
    size = int.from_bytes(file.read(4), "little")
    if not 0 < size <= end or file.read(4) != _MAGIC:
        return []
    if size > most * _LARGEST_PART:
        raise LargeFooterError
    file.seek(end - size)
    reader = _Compact(file.read(size), most)
    found: list[Group] = []
    for number, kind in reader.fields():
        if number == _GROUPS and kind == _LIST:
            found = [_group(reader) for _ in reader.items()]
        else:
            reader.skip(kind)
    return found


def _group(reader: _Compact) -> Group:
    rows = 0
    chunks: list[Chunk] = []
    for number, kind in reader.fields():
        if number == _COLUMNS and kind == _LIST:
            chunks = [_chunk(reader) for _ in reader.items()]
        elif number == _ROWS and kind in _INTEGERS:
            rows = reader.integer()
        else:
            reader.skip(kind)
    if rows < 0:
        raise DamagedPageError(f"a group of {rows} rows")
    return Group(rows, tuple(chunks))


def _chunk(reader: _Compact) -> Chunk:
    found = dict.fromkeys(_CHUNK.values(), 0)
    for number, kind in reader.fields():
        if number == _ABOUT and kind == _STRUCT:
            found |= reader.integers(_CHUNK)
        else:
            reader.skip(kind)
    has_dictionary = 0 < found["dictionary"] < found["data"]
    begin = found["dictionary"] if has_dictionary else found["data"]
    return Chunk(begin, found["size"], found["values"])


def pages(file: BinaryIO, begin: int, size: int) -> Iterator[Page]:
    """Yield the claims of the pages in ``size`` bytes of a file from ``begin`` on.

    Raises
    ------
    DamagedPageError
        If a page is missing.
    """
    end = begin + size
    while begin < end:
        page, stored, length = _page_head(file, begin, end)
        begin += length + stored
        yield page


def _page_head(file: BinaryIO, begin: int, end: int) -> tuple[Page, int, int]:
    """Return the claims of a page, its bytes in the file, and the bytes of its head."""
    count = _HEAD
    while True:
        file.seek(begin)
        data = file.read(min(count, end + _SLACK - begin))
        try:
            return _parsed_head(data)
        except _TooShortError:
            if len(data) < count or count >= _LONGEST_HEAD:
                raise
            count *= 16


def _parsed_head(data: bytes) -> tuple[Page, int, int]:
    reader = _Compact(data)
    found = dict.fromkeys(_PAGE.values(), -1)
    values = 0
    for number, kind in reader.fields():
        if number in _PAGE and kind in _INTEGERS:
            found[_PAGE[number]] = reader.integer()
        elif number in _VALUES and kind == _STRUCT:
            values += reader.integers({1: "values"}).get("values", 0) * _VALUES[number]
        else:
            reader.skip(kind)
    if min(*found.values(), values) < 0:
        raise DamagedPageError("the head of a page is invalid")
    return Page(found["unpacked"], values), found["stored"], reader.place


class _Compact:
    """Walks structs in Thrift's compact protocol."""

    def __init__(self, data: bytes, most: int = 1000) -> None:
        """Start at the first byte; raise after ``most`` structs."""
        self.data = data
        self.most = most
        self.place = 0
        self.structs = 0

    def fields(self, depth: int = 0) -> Iterator[tuple[int, int]]:
        """Yield number and kind of each field of a struct; the caller reads or skips its value."""
        if depth > _DEEPEST:
            raise DamagedPageError("structs nested too deeply")
        self.structs += 1
        if self.structs > self.most:
            raise LargeFooterError
        number = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = number + step if step else self.integer()
            yield number, kind

    def integers(self, names: Mapping[int, str]) -> dict[str, int]:
        """Return some integers of a struct by their names."""
        found = {}
        for number, kind in self.fields():
            if number in names and kind in _INTEGERS:
                found[names[number]] = self.integer()
            else:
                self.skip(kind)
        return found

    def items(self) -> range:
        """Return the range of the items in a list of structs, which the caller must read."""
        count, kind = self._list()
        if kind != _STRUCT:
            raise DamagedPageError("a list of other types")
        return range(count)

    def skip(self, kind: int, depth: int = 0) -> None:
        """Skip a value."""
        if kind in _INTEGERS:
            self._varint()
        elif kind == _BINARY:
            self._pass(self._varint())
        elif kind == _STRUCT:
            for _, inner in self.fields(depth):
                self.skip(inner, depth + 1)
        elif kind in (_LIST, _SET):
            count, inner = self._list()
            self._skip_items(count, [inner], depth)
        elif kind == _MAP:
            count = self._varint()
            self._check_count(count)
            kinds = self._byte() if count else 0
            self._skip_items(count, [kinds >> 4, kinds & 15], depth)
        elif kind in (_BYTE, _DOUBLE):
            self._pass(1 if kind == _BYTE else 8)
        elif kind not in (_TRUE, _FALSE):  # the value of a flag is its kind
            raise DamagedPageError(f"a value of kind {kind}")

    def _list(self) -> tuple[int, int]:
        """Return the number of a list's items, and their kind."""
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._varint()
        self._check_count(count)
        return count, head & 15

    def _check_count(self, count: int) -> None:
        if count > len(self.data) - self.place:  # each item takes at least one byte
            raise _TooShortError(f"a list of {count:,}")

    def _skip_items(self, count: int, kinds: Sequence[int], depth: int) -> None:
        if depth > _DEEPEST:
            raise DamagedPageError("lists nested too deeply")
        for _ in range(count):
            for kind in kinds:
                if kind in (_TRUE, _FALSE):
                    self._pass(1)
                else:
                    self.skip(kind, depth + 1)

    def integer(self) -> int:
        """Return an integer."""
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise DamagedPageError("an integer of more than 64 bits")

    def _byte(self) -> int:
        if self.place >= len(self.data):
            raise _TooShortError("it ends inside a struct")
        self.place += 1
        return self.data[self.place - 1]

    def _pass(self, count: int) -> None:
        if count > len(self.data) - self.place:
            raise _TooShortError(f"{count:,} bytes of a text")
        self.place += count
