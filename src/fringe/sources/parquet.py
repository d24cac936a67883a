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
# Errors of damaged files besides pyarrow's own; the last two are about names of columns.
_DAMAGE = (DamagedPageError, KeyError, UnicodeDecodeError)
_FOOTER = 1 << 26  # bytes that a footer may take in memory, even if the limits are lower
_PART = 1024  # most bytes that a struct of a footer takes in memory
_ROW = 32  # least bytes of a row: images are not smaller
_BATCH = 1 << 24  # bytes of rows to unpack at a time, if each row has its largest possible size


# The images of a group of rows, and the names of their original files, if stated.
_Rows: TypeAlias = "tuple[pa.ChunkedArray, pa.ChunkedArray | None]"


class ParquetSource(EncodedSource):
    """The images of one or several Parquet files, in the order of their rows.

    The images are in a column of structs with a field ``bytes`` (a ``datasets.Image``), or of plain
    binary values: the column ``image``, otherwise ``img``, otherwise the only such column. Only
    bytes are used, never paths to other files. Rows are read one group at a time, and the last
    group is kept in memory, so scattered reading is slow (`fringe.sources.ahead`).

    Parameters
    ----------
    path : path-like
        Name of the set in messages.
    shards : sequence of path-like
        The files, in order.
    fit : Fit, optional
        How every image is cropped and resized; None: all must have the same size.
    count : int, optional
        Use only the first ``count`` images.
    cache : path-like, optional
        Folder that stores hashes of images for the fingerprint (`ImageDigests`).
    limits : Limits
        Limits on the size of decoded data.

    Raises
    ------
    FringeError
        If pyarrow is not installed; if a file is missing, unreadable, truncated or damaged, or has
        no column of images or several; if there are no rows, or fewer than ``count``.

    Examples
    --------
    >>> import io
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> import pyarrow.parquet
    >>> from PIL import Image
    >>> from fringe.sources import ParquetSource
    >>> file = io.BytesIO()
    >>> Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(file, "PNG")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     shard = Path(folder, "train.parquet")
    ...     table = pa.table({"image": [file.getvalue()] * 3, "label": [0, 1, 2]})
    ...     pa.parquet.write_table(table, shard)
    ...     source = ParquetSource("train", [shard])
    ...     print(source.read([0, 2]).shape, source.stored_classes())
    (2, 8, 8, 3) [0 1 2]
    """

    grouped = True
    #: Name of the column of classes.
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
        groups: list[tuple[int, int, int]] = []  # for each group of rows: shard, number, rows
        self.column = ""
        for number, shard in enumerate(shards):
            if count is not None and sum(rows for *_, rows in groups) >= max(count, 1):
                break  # do not read the other files
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
                groups += [(number, group, part.rows) for group, part in enumerate(found)]
        rows = np.array([0, *(rows for *_, rows in groups)], np.int64)
        self._first_rows = np.cumsum(rows)
        self._groups = groups
        of_shard = np.array([shard for shard, *_ in groups], np.int64)
        # The first row of each shard, and the end of the last shard.
        self._starts = self._first_rows[np.searchsorted(of_shard, range(len(shards) + 1))].tolist()
        count = check_count(int(self._first_rows[-1]), count, str(path))
        self.shards = list(shards[: self._group(count - 1)[0] + 1])
        self._reader = PerProcess(partial(_Reader, self.column, limits))
        super().__init__(str(path), count, fit, limits)

    @property
    def files(self) -> list[Path]:
        """The files that contain used images."""
        return self.shards

    @cached_property
    def _contents(self) -> ImageDigests:
        what = f"in column {self.column}"
        return ImageDigests(self.shards, self._starts, what, self.cache)

    def fingerprint_at(self, indices: Indices) -> str:
        """Return the SHA-256 of the encoded images in that order, and of the resizing.

        Other rows and columns, and the distribution of rows among files and groups, do not count.
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
            If a file cannot be read, lacks the column or has values in it that are not integers of
            at least 0, or the column exceeds the limits.
        """
        found = [_labels(shard, self.label_column, self.limits) for shard in self.shards]
        lacking = next((k for k, labels in enumerate(found) if labels is None), None)
        if lacking is None:
            return np.concatenate([part for part in found if part is not None])[: len(self)]
        if any(labels is not None for labels in found):
            raise FringeError(
                f"{self.shards[lacking]}: has no column `{self.label_column}`, which other files "
                "of the data set have; add it, or remove it from all of them"
            )
        return None

    def class_names(self) -> tuple[str, ...] | None:
        """Return the names of classes by number, if a ``datasets.ClassLabel`` states them.

        Raises
        ------
        FringeError
            If a file cannot be read, or names of classes differ between files.
        """
        first, *others = self.shards
        names = _class_names(first, self.label_column, self.limits)
        for shard in others:
            if _class_names(shard, self.label_column, self.limits) != names:
                raise FringeError(
                    f"{shard}: names different classes in its column `{self.label_column}` than "
                    f"{first}; give files of one data set"
                )
        return names

    def _group(self, index: int) -> tuple[int, int, int]:
        """Return shard, group in the shard, and position in the group of a row."""
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
                    f"{self._label(index)}: names a file ({path}) instead of containing its bytes; "
                    "store the data set with embedded images"
                )
            raise FringeError(f"{self._label(index)}: contains no image; remove the row")
        data: bytes = image.as_py()
        return data


class _Reader:
    """Reader that keeps the last group of rows in memory."""

    def __init__(self, column: str, limits: Limits) -> None:
        self.column = column
        self.limits = limits
        self.key: tuple[Path, int] | None = None
        self.last: _Rows | None = None

    def rows(self, shard: Path, group: int) -> _Rows:
        """Return the images of a group of rows of a file, and the names of their original files."""
        if self.last is None or self.key != (shard, group):
            self.key, self.last = (
                None,
                None,
            )  # before the next group is read: two groups may be too large
            with _opened(shard, self.limits) as (file, groups):
                self.last = _read(file, groups, group, self.column, shard, self.limits)
            self.key = shard, group
        return self.last


@contextmanager
def _opened(shard: Path, limits: Limits) -> Iterator[tuple[pq.ParquetFile, Sequence[Group]]]:
    """Yield a file and the groups of rows in its footer."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise FringeError(
            f"{shard}: reading Parquet requires the package pyarrow ({error}); install it "
            "(pip install pyarrow)"
        ) from error
    with readable(shard, pa.ArrowException, *_DAMAGE):
        check_regular(shard)
        about = shard.stat()
        groups = _groups(shard, (about.st_ino, about.st_size, about.st_mtime_ns), limits)
        with pq.ParquetFile(shard, page_checksum_verification=True) as file:
            if any(len(group.chunks) != len(file.schema) for group in groups):
                raise DamagedPageError("groups of rows lack columns")
            yield file, groups


@lru_cache(maxsize=16)
def _groups(shard: Path, state: tuple[int, ...], limits: Limits) -> Sequence[Group]:
    """Return the groups of rows in the footer of a file; ``state`` is only a key of the cache."""
    most = max(_FOOTER, limits.bytes) // _PART
    with open_regular(shard) as file:
        try:
            return groups(file, most)
        except LargeFooterError:
            raise FringeError(
                f"{shard}: its footer has more than {most:,} parts, for which `limits/bytes` "
                "is too low; if it should be smaller, the file is damaged: replace "
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
    """Return the images of a group of rows, if they do not exceed the limits.

    Values that a page repeats take memory for each repetition when they are unpacked: all images of
    a group can be one entry of a dictionary. Therefore rows are unpacked in small batches that are
    certain to fit.
    """
    import pyarrow as pa

    def field(array: pa.Array, name: str) -> pa.Array:
        values = array.flatten()[array.type.get_field_index(name)]  # null if the struct is null
        return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values

    group = groups[number]
    leaves = _leaves(file, column)
    what = f"row group {number}"
    limits.check_bytes(str(shard), group.rows * _ROW, what)
    unpacked = sum(_unpacked(shard, group.chunks[leaf], group.rows) for leaf in leaves)
    limits.check_bytes(str(shard), unpacked, what)
    images, paths = [], []
    held = 0
    # Without pyarrow's threads, which would not survive a fork.
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
    """Return the labels in one file; None if it has no such column."""
    import pyarrow as pa

    with _opened(shard, limits) as (file, groups):
        leaf = next(iter(_leaves(file, name)), None)
        if leaf is None or file.schema.column(leaf).path != name:
            return None
        for number, group in enumerate(groups):
            what = f"`{name}` in row group {number}"
            limits.check_bytes(str(shard), _unpacked(shard, group.chunks[leaf], group.rows), what)
        column = file.read(columns=[name], use_threads=False).column(name)
    if pa.types.is_integer(column.type) and not column.null_count:
        values = np.asarray(column.combine_chunks().to_numpy(zero_copy_only=False))
        if not len(values) or values.min() >= 0:
            return values.astype(np.int64)
    raise FringeError(
        f"{shard}: its column `{name}` is of type {column.type} and has {column.null_count} "
        "empty rows; each label must be an integer of at least 0"
    )


def _class_names(shard: Path, column: str, limits: Limits) -> tuple[str, ...] | None:
    """Return the distinct names of classes in a file's schema; None if there are none."""
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
    """Return the columns of the images: of their bytes, then of their original file names."""
    wanted = (column, f"{column}.bytes", f"{column}.path")
    paths = {number: file.schema.column(number).path for number in range(len(file.schema))}
    return {number: path for name in wanted for number, path in paths.items() if path == name}


def _refuse_empty_claims(groups: Sequence[Group], leaves: Mapping[int, str], shard: Path) -> None:
    """Raise if a group claims more rows than its images have bytes in the file.

    Raises
    ------
    FringeError
        If it does: planning takes time and memory for each row.
    DamagedPageError
        If these bytes are not in the file.
    """
    if not leaves:
        raise DamagedPageError("the columns do not match the schema")
    size = shard.stat().st_size
    for number, group in enumerate(groups):
        for leaf in leaves:
            chunk = group.chunks[leaf]
            if not 0 <= chunk.begin <= chunk.begin + chunk.size <= size:
                raise DamagedPageError(f"row group {number} is not in the file")
        images = group.chunks[next(iter(leaves))].size
        if group.rows > images:
            raise FringeError(
                f"{shard}: row group {number} claims {group.rows:,} rows, whose images have "
                f"{images:,} bytes; store the data set with embedded images and "
                "without empty rows; if it is stored this way, fetch it again"
            )


def _unpacked(shard: Path, chunk: Chunk, rows: int) -> int:
    """Return the number of unpacked bytes that the pages of a column in a group claim.

    Raises
    ------
    DamagedPageError
        If the pages and the footer claim different numbers of rows.
    """
    with open_regular(shard) as file:
        found = [*pages(file, chunk.begin, chunk.size)]
    values = sum(page.values for page in found)
    if not values == chunk.values == rows:
        raise DamagedPageError(f"pages of {values:,} rows in a group of {rows:,}")
    return sum(page.unpacked for page in found)


def _data_end(groups: Sequence[Group]) -> int:
    """Return the end of the last column of the last group of rows, according to the footer."""
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
            f"{shard}: several columns of images ({', '.join(columns)}); name the one to "
            "use `image`"
        )
    lists = [
        field.name
        for field in schema
        if isinstance(field.type, pa.ListType | pa.LargeListType | pa.FixedSizeListType)
        and are_images(field.type.value_type)
    ]
    if lists:
        raise FringeError(
            f"{shard}: has several images in each row of {lists[0]!r}; store each image in its "
            "own row, in a column `image`"
        )
    raise FringeError(
        f"{shard}: no column of image bytes among {schema.names}; store encoded images in a column "
        "`image`"
    )
