"""Images in Parquet files, as Hugging Face data sets store them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fringe.errors import FringeError
from fringe.files.parsing import parse_json
from fringe.files.regular import check_regular, open_regular
from fringe.sources.base import EncodedSource, Indices, PerProcess, check_count, readable
from fringe.sources.concatenated import refuse_parquet
from fringe.sources.digests import ImageDigests
from fringe.sources.fitting import Fit
from fringe.sources.limits import LIMITS, Limits
from fringe.sources.parquet_pages import (
    Chunk,
    DamagedPageError,
    Group,
    LargeFooterError,
    groups,
    pages,
)

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["ParquetSource"]

_NAMES = ("image", "img")
# What damage raises beside pyarrow's own errors; the last two are of names of columns.
_DAMAGE = (DamagedPageError, KeyError, UnicodeDecodeError)
_FOOTER = 1 << 26  # bytes that a footer may take in memory, however low limits are
_PART = 1024  # bytes that a struct of a footer takes in memory at most
_ROW = 32  # bytes that a row takes at least: no image is smaller
_BATCH = 1 << 24  # bytes of rows that are unpacked at a time, if each is as large as it can be


# The images of a group of rows, and the files that they come from, if the file says so.
_Rows: TypeAlias = "tuple[pa.ChunkedArray, pa.ChunkedArray | None]"


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
    #: The column of classes.
    label_column = "label"

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
            with _opened(shard, limits) as (file, found):
                refuse_parquet(shard, _data_end(found))
                column = _image_column(file.schema_arrow, shard)
                _refuse_empty_claims(found, _leaves(file, column), shard)
                if number and column != self.column:
                    raise FringeError(
                        f"{shard}: has its images in column {column!r}, but {shards[0]} in "
                        f"{self.column!r}; give files of one data set"
                    )
                self.column = column
                groups += [(number, group, one.rows) for group, one in enumerate(found)]
        rows = np.array([0, *(rows for *_, rows in groups)], np.int64)
        self._first_rows = np.cumsum(rows)
        self._groups = groups
        of_shard = np.array([shard for shard, *_ in groups], np.int64)
        # The first row of each shard, and the end of the last one.
        self._starts = self._first_rows[np.searchsorted(of_shard, range(len(shards) + 1))].tolist()
        count = check_count(int(self._first_rows[-1]), count, str(path))
        self.shards = list(shards[: self._group(count - 1)[0] + 1])
        self._reader = PerProcess(partial(_Reader, self.column, limits))
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
        return self._contents.differs(index, data)

    def has_column(self, name: str) -> bool:
        """Return whether the first file has a column of this name.

        Raises
        ------
        FringeError
            If the file cannot be read.
        """
        with _opened(self.shards[0], self.limits) as (file, _):
            return name in file.schema_arrow.names

    def stored_classes(self) -> np.ndarray | None:
        """Return the column of labels (``label_column``) as int64 (n,); None if there is none.

        Raises
        ------
        FringeError
            If a file cannot be read, lacks the column or holds other things in it than whole
            numbers from 0, or the column is larger than limits allow.
        """
        found = [_labels(shard, self.label_column, self.limits) for shard in self.shards]
        lacking = next((k for k, labels in enumerate(found) if labels is None), None)
        if lacking is None:
            return np.concatenate([part for part in found if part is not None])[: len(self)]
        if any(labels is not None for labels in found):
            raise FringeError(
                f"{self.shards[lacking]}: has no column `{self.label_column}`, which other files "
                "of the data set have; add it, or drop it from all of them"
            )
        return None

    def class_names(self) -> tuple[str, ...] | None:
        """Return the names of classes by number, where a ``datasets.ClassLabel`` states them.

        Raises
        ------
        FringeError
            If a file cannot be read, or names other classes than the others.
        """
        first, *others = self.shards
        names = _class_names(first, self.label_column, self.limits)
        for shard in others:
            if _class_names(shard, self.label_column, self.limits) != names:
                raise FringeError(
                    f"{shard}: names other classes in its column `{self.label_column}` than "
                    f"{first}; give files of one data set"
                )
        return names

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
        images, paths = self._reader.get().rows(self.shards[shard], group)
        image = images[row]
        if not image.is_valid:
            path = None if paths is None else paths[row]
            if path is not None and path.is_valid:
                raise FringeError(
                    f"{self._label(index)}: names a file ({path}) instead of holding its bytes; "
                    "store the data set with its images embedded"
                )
            raise FringeError(f"{self._label(index)}: holds no image; remove the row")
        data: bytes = image.as_py()
        return data


class _Reader:
    """The group of rows that was read last."""

    def __init__(self, column: str, limits: Limits) -> None:
        self.column = column
        self.limits = limits
        self.key: tuple[Path, int] | None = None
        self.last: _Rows | None = None

    def rows(self, shard: Path, group: int) -> _Rows:
        """Return the images of one group of rows of a file, and where they come from."""
        if self.last is None or self.key != (shard, group):
            self.key, self.last = None, None  # before the next one is read: two may be large
            with _opened(shard, self.limits) as (file, groups):
                self.last = _read(file, groups, group, self.column, shard, self.limits)
            self.key = shard, group
        return self.last


@contextmanager
def _opened(shard: Path, limits: Limits) -> Iterator[tuple[pq.ParquetFile, Sequence[Group]]]:
    """Yield a file and what its footer says of the groups of its rows."""
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
        about = shard.stat()
        groups = _groups(shard, (about.st_ino, about.st_size, about.st_mtime_ns), limits)
        with pq.ParquetFile(shard, page_checksum_verification=True) as file:
            if any(len(group.chunks) != len(file.schema) for group in groups):
                raise DamagedPageError("groups of its rows lack columns")
            yield file, groups


@lru_cache(maxsize=16)
def _groups(shard: Path, state: tuple[int, ...], limits: Limits) -> Sequence[Group]:
    """Return what the footer of a file in some state says of the groups of its rows."""
    most = max(_FOOTER, limits.bytes) // _PART
    with open_regular(shard) as file:
        try:
            return groups(file, most)
        except LargeFooterError:
            raise FringeError(
                f"{shard}: its footer has more than {most:,} parts, for which `limits/bytes` "
                "leaves no memory; if it should not be that large, the file is damaged: replace "
                "it; otherwise raise that limit"
            ) from None


def _read(
    file: pq.ParquetFile,
    groups: Sequence[Group],
    number: int,
    column: str,
    shard: Path,
    limits: Limits,
) -> _Rows:
    """Return the images of a group of rows, if they are no larger than limits allow.

    What a page repeats takes its room again when it is unpacked: all images of a group can be one
    entry of a dictionary. So rows are unpacked a few at a time, as many as must fit.
    """
    import pyarrow as pa

    def field(array: pa.Array, name: str) -> pa.Array:
        values = array.flatten()[array.type.get_field_index(name)]  # null where the struct is
        return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values

    group = groups[number]
    leaves = _leaves(file, column)
    what = f"group {number} of its rows"
    limits.check_bytes(str(shard), group.rows * _ROW, what)
    unpacked = sum(_unpacked(shard, group.chunks[leaf], group.rows) for leaf in leaves)
    limits.check_bytes(str(shard), unpacked, what)
    images, paths = [], []
    held = 0
    # Without threads of its own, which would not survive a fork.
    for batch in file.iter_batches(
        batch_size=max(1, min(_BATCH, limits.bytes // 4) // max(1, unpacked)),
        row_groups=[number],
        columns=[*leaves.values()],
        use_threads=False,
    ):
        array = batch.column(column)
        if pa.types.is_struct(array.type):
            images.append(field(array, "bytes"))
            if len(leaves) > 1:
                paths.append(field(array, "path"))
        else:
            is_dictionary = pa.types.is_dictionary(array.type)
            images.append(array.dictionary_decode() if is_dictionary else array)
        held += sum(part.nbytes for part in (images[-1:] + paths[-1:]))
        limits.check_bytes(str(shard), held, what)
    return pa.chunked_array(images), pa.chunked_array(paths) if paths else None


def _labels(shard: Path, name: str, limits: Limits) -> np.ndarray | None:
    """Return the labels in one file; None if it has no column of them."""
    import pyarrow as pa

    with _opened(shard, limits) as (file, groups):
        leaf = next(iter(_leaves(file, name)), None)
        if leaf is None or file.schema.column(leaf).path != name:
            return None
        for number, group in enumerate(groups):
            what = f"`{name}` in group {number} of its rows"
            limits.check_bytes(str(shard), _unpacked(shard, group.chunks[leaf], group.rows), what)
        column = file.read(columns=[name], use_threads=False).column(name)
    if pa.types.is_integer(column.type) and not column.null_count:
        values = np.asarray(column.combine_chunks().to_numpy(zero_copy_only=False))
        if not len(values) or values.min() >= 0:
            return values.astype(np.int64)
    raise FringeError(
        f"{shard}: its column `{name}` is of type {column.type} and has {column.null_count} "
        "empty rows; labels are one whole number from 0 in each row"
    )


def _class_names(shard: Path, column: str, limits: Limits) -> tuple[str, ...] | None:
    """Return the names that one file's schema states, each once; None if there are none."""
    with _opened(shard, limits) as (file, _):
        stated = (file.schema_arrow.metadata or {}).get(b"huggingface", b"{}")
    try:
        label = parse_json(stated)["info"]["features"][column]
        names = tuple(label["names"]) if label["_type"] == "ClassLabel" else ()
        if names and all(isinstance(name, str) for name in names) and len({*names}) == len(names):
            return names
    except (KeyError, TypeError, ValueError):
        pass
    return None


def _leaves(file: pq.ParquetFile, column: str) -> dict[int, str]:
    """Return the columns that hold the images: their bytes, then where they come from."""
    wanted = (column, f"{column}.bytes", f"{column}.path")
    paths = {number: file.schema.column(number).path for number in range(len(file.schema))}
    return {number: path for name in wanted for number, path in paths.items() if path == name}


def _refuse_empty_claims(groups: Sequence[Group], leaves: Mapping[int, str], shard: Path) -> None:
    """Raise if a group claims more rows than its images have bytes in the file.

    Raises
    ------
    FringeError
        If so. Planning takes time and memory for each row.
    DamagedPageError
        If these bytes are not in the file.
    """
    if not leaves:
        raise DamagedPageError("its schema names other columns than it has")
    size = shard.stat().st_size
    for number, group in enumerate(groups):
        for leaf in leaves:
            chunk = group.chunks[leaf]
            if not 0 <= chunk.begin <= chunk.begin + chunk.size <= size:
                raise DamagedPageError(f"group {number} of its rows is not in the file")
        images = group.chunks[next(iter(leaves))].size
        if group.rows > images:
            raise FringeError(
                f"{shard}: group {number} claims {group.rows:,} rows, whose images have "
                f"{images:,} bytes; store the data set with its images embedded, not named, and "
                "without empty rows; if it is stored so, fetch it again"
            )


def _unpacked(shard: Path, chunk: Chunk, rows: int) -> int:
    """Return how many bytes the pages of a column of a group of rows claim.

    Raises
    ------
    DamagedPageError
        If they claim other numbers of rows than the footer.
    """
    with open_regular(shard) as file:
        found = [*pages(file, chunk.begin, chunk.size)]
    values = sum(page.values for page in found)
    if not values == chunk.values == rows:
        raise DamagedPageError(f"pages of {values:,} rows in a group of {rows:,}")
    return sum(page.unpacked for page in found)


def _data_end(groups: Sequence[Group]) -> int:
    """Return the byte behind the last column of the last group of rows, by the footer."""
    ends = [chunk.begin + chunk.size for group in groups for chunk in group.chunks]
    return max(ends, default=len("PAR1"))


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
