"""Images in Parquet files, as Hugging Face data sets store them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fringe.errors import FringeError
from fringe.limits import LIMITS, Limits
from fringe.regular import check_regular
from fringe.sources.base import EncodedSource, Indices, PerProcess, check_count, readable
from fringe.sources.concatenated import refuse_parquet
from fringe.sources.digests import ImageDigests
from fringe.sources.fitting import Fit

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["ParquetSource"]

_NAMES = ("image", "img")
_DAMAGE = (KeyError, UnicodeDecodeError)  # of names of columns


class ParquetSource(EncodedSource):
    """The images of one Parquet file or of several, in order of their rows.

    They are in a column of structs with a field ``bytes`` (a ``datasets.Image``), or of plain
    binary values: that named ``image``, else ``img``, else the only such column. Only bytes are
    used, never paths to other files. Rows are read a group at a time, and the last group is kept
    in memory, so scattered reading is slow (`fringe.sources.ahead`).

    Parameters
    ----------
    path : path-like
        What messages call the set.
    shards : sequence of path-like
        The files in order.
    fit : Fit, optional
        How every image is cropped and resized; None: all must be alike.
    count : int, optional
        Use only the first ``count`` images.
    cache : path-like, optional
        Where hashes of images are remembered for the fingerprint (`ImageDigests`).
    limits : Limits
        How large may be what is decoded at once.

    Raises
    ------
    FringeError
        If pyarrow is not installed, a file is missing, unreadable, cut short or damaged, has no
        column of images or several, or there is no row or fewer than ``count``.
    """

    grouped = True

    def __init__(
        self,
        path: str | Path,
        shards: Sequence[Path],
        fit: Fit | None = None,
        count: int | None = None,
        cache: Path | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        """Read the footers of the files that are used."""
        self.cache = cache
        groups: list[tuple[int, int, int]] = []  # of each group of rows: shard, number, rows
        self.column = ""
        for number, shard in enumerate(shards):
            if count is not None and sum(rows for *_, rows in groups) >= max(count, 1):
                break  # nothing is read of the others
            with readable(shard, *_DAMAGE), _opened(shard) as file:
                refuse_parquet(shard, _data_end(file.metadata))
                column = _image_column(file.schema_arrow, shard)
                if number and column != self.column:
                    raise FringeError(
                        f"{shard}: has its images in column {column!r}, but {shards[0]} in "
                        f"{self.column!r}; give files of one data set"
                    )
                self.column = column
                groups += [
                    (number, group, file.metadata.row_group(group).num_rows)
                    for group in range(file.metadata.num_row_groups)
                ]
        rows = np.array([0, *(rows for *_, rows in groups)], np.int64)
        self._first_rows = np.cumsum(rows)
        self._groups = groups
        of_shard = np.array([shard for shard, *_ in groups], np.int64)
        # The first row of each shard, and the end of the last one.
        self._starts = self._first_rows[np.searchsorted(of_shard, range(len(shards) + 1))].tolist()
        count = check_count(int(self._first_rows[-1]), count, str(path))
        self.shards = list(shards[: self._group(count - 1)[0] + 1])
        self._reader = PerProcess(partial(_Reader, self.column))
        super().__init__(str(path), count, fit, limits)

    @property
    def files(self) -> list[Path]:
        """Those that hold an image that is used."""
        return self.shards

    @cached_property
    def _contents(self) -> ImageDigests:
        what = f"in column {self.column}"
        return ImageDigests(self.shards, self._starts, what, self.cache)

    def fingerprint_at(self, indices: Indices) -> str:
        """Return SHA-256 of the encoded images in that order, and of the resizing.

        Other rows and columns do not count, nor how rows are shared out among files and groups.
        """
        return self._digest("parquet", self._contents.of(indices, self._checked))

    def _is_other(self, index: int, data: bytes | memoryview) -> bool:
        return self._contents.tells_apart(index, data)

    def _group(self, index: int) -> tuple[int, int, int]:
        """Return the shard that holds a row, its group there, and its place in the group."""
        position = int(np.searchsorted(self._first_rows, index, side="right")) - 1
        shard, group, _ = self._groups[position]
        return shard, group, index - int(self._first_rows[position])

    def _label(self, index: int) -> str:
        shard, *_ = self._group(index)
        return f"{self.shards[shard]}: {self.column} of row {index - self._starts[shard]}"

    def _bytes(self, index: int) -> bytes:
        shard, group, row = self._group(index)
        value = self._reader.get().rows(self.shards[shard], group)[row].as_py()
        if isinstance(value, dict):
            if value["bytes"] is None and value.get("path") is not None:
                raise FringeError(
                    f"{self._label(index)}: names a file ({value['path']}) instead of holding its "
                    "bytes; store the data set with its images embedded"
                )
            value = value["bytes"]
        if value is None:
            raise FringeError(f"{self._label(index)}: holds no image; remove the row")
        data: bytes = value
        return data


class _Reader:
    """The group of rows that was read last."""

    def __init__(self, column: str) -> None:
        self.column = column
        self.key: tuple[Path, int] | None = None
        self.last: pa.ChunkedArray | None = None

    def rows(self, shard: Path, group: int) -> pa.ChunkedArray:
        """Return the column of images of one group of rows of a file."""
        if self.key != (shard, group):
            self.key, self.last = None, None  # before the next one is read: two may be large
            with _opened(shard) as file:
                self.last = _read(file, group, self.column, shard)
            self.key = shard, group
        return self.last


def _read(file: pq.ParquetFile, group: int, column: str, shard: Path) -> pa.ChunkedArray:
    import pyarrow as pa

    # Without threads of its own, which would not survive a fork.
    with readable(shard, pa.ArrowException, *_DAMAGE):
        return file.read_row_group(group, columns=[column], use_threads=False).column(column)


def _opened(shard: Path) -> pq.ParquetFile:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise FringeError(
            f"{shard}: reading Parquet takes the package pyarrow ({error}); install it "
            "(pip install pyarrow)"
        ) from error
    with readable(shard, pa.ArrowException, *_DAMAGE):
        check_regular(shard)
        return pq.ParquetFile(shard, page_checksum_verification=True)


def _data_end(metadata: pq.FileMetaData) -> int:
    """Return the byte behind the last column of the last group of rows, by the footer."""
    columns = [
        metadata.row_group(group).column(column)
        for group in range(metadata.num_row_groups)
        for column in range(metadata.num_columns)
    ]
    return max(
        (
            min(one.dictionary_page_offset or one.data_page_offset, one.data_page_offset)
            + one.total_compressed_size
            for one in columns
        ),
        default=len("PAR1"),
    )


def _image_column(schema: Any, shard: Path) -> str:
    import pyarrow as pa

    def is_binary(kind: pa.DataType) -> bool:
        if pa.types.is_dictionary(kind):  # each distinct value is stored once
            return is_binary(kind.value_type)
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

    def are_images(kind: pa.DataType) -> bool:
        return is_binary(kind) or (
            pa.types.is_struct(kind)
            and kind.get_field_index("bytes") >= 0
            and is_binary(kind.field("bytes").type)
        )

    columns = [field.name for field in schema if are_images(field.type)]
    for name in _NAMES:
        if name in columns:
            return name
    if len(columns) == 1:
        only: str = columns[0]
        return only
    if columns:
        raise FringeError(
            f"{shard}: several columns of images ({', '.join(columns)}); name the one that is to "
            "be used `image`"
        )
    lists = [
        field.name
        for field in schema
        if isinstance(field.type, pa.ListType | pa.LargeListType | pa.FixedSizeListType)
        and are_images(field.type.value_type)
    ]
    if lists:
        raise FringeError(
            f"{shard}: has several images in each row of {lists[0]!r}; give each image a row of "
            "its own, in a column `image`"
        )
    raise FringeError(
        f"{shard}: no column of image bytes among {schema.names}; store encoded images in a column "
        "`image`"
    )
