"""Builders of LMDB, HDF5 and Parquet files with wrong declarations, bombs or foreign links."""

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import lmdb

__all__ = ["PAGE", "Environment", "footer_of_parts", "number", "parquet_of_footer"]

#: The size of an LMDB page in these tests, as on most machines.
PAGE = 4096


class Environment:
    """The bytes of an LMDB file, whose pages and entries can be changed.

    Parameters
    ----------
    folder : Path
        The folder in which the file is made.
    values : mapping of bytes to bytes
        The content of the file.
    named : bytes, optional
        The named database of the values.
    """

    def __init__(
        self, folder: Path, values: Mapping[bytes, bytes], named: bytes | None = None
    ) -> None:
        """Write the file and read it."""
        self.path = folder / "data.mdb"
        with lmdb.open(str(folder), map_size=1 << 26, max_dbs=1) as environment:
            database = None if named is None else environment.open_db(named)
            with environment.begin(write=True, db=database) as transaction:
                for key, value in values.items():
                    transaction.put(key, value)
        self.content = bytearray(self.path.read_bytes())

    def set(self, place: int, form: str, *values: int) -> None:
        """Write numbers at an offset."""
        struct.pack_into(f"<{form}", self.content, place, *values)

    def get(self, place: int, form: str) -> int:
        """Return the number at an offset."""
        return int(struct.unpack_from(f"<{form}", self.content, place)[0])

    def meta(self, offset: int, form: str, value: int) -> None:
        """Write a number into both meta pages."""
        for page in (0, PAGE):
            self.set(page + offset, form, value)

    @property
    def newest(self) -> int:
        """The offset of the valid meta page."""
        return max((0, PAGE), key=lambda page: self.get(page + 144, "Q"))

    @property
    def root(self) -> int:
        """The offset of the root of the main database."""
        return PAGE * self.get(self.newest + 128, "Q")

    def entries(self, page: int) -> Iterator[int]:
        """Yield the offsets of the entries of a page."""
        for pointer in range(page + 16, page + self.get(page + 12, "H"), 2):
            yield page + self.get(pointer, "H")

    def leaves(self, page: int | None = None) -> Iterator[int]:
        """Yield the offsets of the leaf pages, in order."""
        page = self.root if page is None else page
        if self.get(page + 10, "H") & 2:
            yield page
            return
        for entry in self.entries(page):
            low, high = self.get(entry, "H"), self.get(entry + 2, "H")
            yield from self.leaves(PAGE * (low | high << 16))

    def entry(self, key: bytes) -> int:
        """Return the offset of the entry of a key."""
        for leaf in self.leaves():
            for place in self.entries(leaf):
                if self.content[place + 8 : place + 8 + self.get(place + 6, "H")] == key:
                    return place
        raise KeyError(key)

    def overflow(self, key: bytes) -> int:
        """Return the offset of the first page of a large value."""
        return PAGE * self.get(self.entry(key) + 8 + len(key), "Q")

    def write(self) -> Path:
        """Write the file again and return its path."""
        self.path.write_bytes(self.content)
        return self.path


def number(value: int) -> bytes:
    """Return an integer as Thrift's compact protocol writes it."""
    return _varint(value << 1)


def footer_of_parts(row_groups: int, columns: int, claimed: int | None = None) -> bytes:
    """Return a Parquet footer whose groups contain empty structs instead of columns.

    Parameters
    ----------
    row_groups : int
        The number of groups.
    columns : int
        The number of columns of each group, one byte for each.
    claimed : int, optional
        The declared length of the list of columns, if different.
    """
    name = _field(1, 8) + _varint(5) + b"image"
    leaf = _field(1, 5) + number(6) + _field(2, 5) + number(0) + name + b"\0"
    root = _field(4, 8) + _varint(6) + b"schema" + _field(1, 5) + number(1) + b"\0"
    held = _list(columns if claimed is None else claimed) + b"\0" * columns
    group = _field(1, 9) + held + (_field(1, 6) + number(0)) * 2 + b"\0"
    return (
        (_field(1, 5) + number(2))
        + (_field(1, 9) + _list(2) + root + leaf)
        + (_field(1, 6) + number(1))
        + (_field(1, 9) + _list(row_groups) + group * row_groups + b"\0")
    )


def parquet_of_footer(path: Path, footer: bytes) -> Path:
    """Write a Parquet file that contains only a footer."""
    path.write_bytes(b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1")
    return path


def _field(step: int, kind: int) -> bytes:
    return bytes([step << 4 | kind])


def _list(count: int) -> bytes:
    return b"\xfc" + _varint(count)  # of structs


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes([*written, value])
