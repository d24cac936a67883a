"""CIFAR-10 and CIFAR-100 as their authors distribute them: records in a compressed tar.

The binary version (https://www.cs.toronto.edu/~kriz/cifar.html) is a ``.tar.gz`` with files of
records. A record is one byte with the class of an image (CIFAR-100: two bytes, the second is the
fine class), then 3,072 bytes of pixels: the red, green and blue channels of 32 x 32 pixels, row by
row. Names of classes are lines of ``batches.meta.txt`` or ``fine_label_names.txt``. The archive
contains no pickles.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from array import array
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.files.hdf5 import is_made_from
from fringe.files.parsing import parse_json
from fringe.files.regular import open_regular
from fringe.files.tarfiles import DAMAGE, Members
from fringe.progress import advance
from fringe.sources.array_files import CompressedArray, Held
from fringe.sources.base import Images, Indices, PerProcess, as_path, digest, readable
from fringe.sources.digests import forget, pack, remembered, unpack
from fringe.sources.fitting import Fit
from fringe.sources.limits import LIMITS, Limits
from fringe.sources.patterns import ALL, Choice
from fringe.sources.rendered import RenderedShard
from fringe.sources.suffixes import printable

__all__ = ["CifarSource", "holds_records"]

SIDE = 32
PIXELS = 3 * SIDE * SIDE  # bytes

#: The file with the names of classes, and the number of label bytes of each image.
LABELS = {"batches.meta.txt": 1, "fine_label_names.txt": 2}

MOST = 4 << 30  # bytes of an unpacked archive, at most: CIFAR-10 has 0.2 GB
_LOOKED_AT = 64 << 20  # unpacked bytes in which the first file of records must begin
_NAMES = 1 << 16  # bytes to read of a file of names
_FAILURES = (*DAMAGE, EOFError, zlib.error)
_MEMORY = "records of images in all of "  # key of `_learn` in the cache
_MOST_REMEMBERED = 1 << 28  # bytes


class _Batch(NamedTuple):
    """A file of records: its offset in the unpacked archive, and its content."""

    name: str
    start: int
    sha256: str
    labels: list[int]
    checksums: list[int]


class CifarSource(CompressedArray):
    """The images of CIFAR-10 or CIFAR-100 in their authors' compressed archive.

    The images are in the order of the names of their files. An archive with training and test
    images is refused until ``choice`` selects one of them. When the archive is first opened, it is
    read once from start to end, which verifies its checksum. Later it is read as a stream, or from
    an unpacked copy (`fringe.sources.unpacked`).

    Parameters
    ----------
    path : path-like
        The ``.tar.gz`` or ``.tgz``.
    fit : Fit, optional
        How every image is cropped and resized.
    count : int, optional
        Use only the first ``count`` images.
    cache : path-like, optional
        Folder that stores hashes and classes of the images (`remembered`).
    choice : Choice
        Selects the files of records that count, such as ``data_batch_*``.
    limits : Limits
        Limits on the size of decoded data.

    Raises
    ------
    FringeError
        If the file is missing, damaged or contains other data, a file of records is truncated, or
        it is ambiguous which files count.
    """

    compressed = True
    grouped = True

    def __init__(
        self,
        path: str | Path,
        fit: Fit | None = None,
        count: int | None = None,
        cache: Path | None = None,
        choice: Choice = ALL,
        limits: Limits = LIMITS,
    ) -> None:
        """Find the records and read their classes."""
        self.path = as_path(path)
        self.cache = cache
        (found,) = remembered(
            [self.path], cache, _MEMORY, _learn, in_bytes=True, doing="looking through"
        )
        labels, names, batches = _parsed(found, self.path)
        self.batches = _chosen(batches, choice, str(path))
        self._record = labels + PIXELS
        self._classes = np.array(
            [label for batch in self.batches for label in batch.labels], np.int64
        )
        most = int(self._classes.max(initial=0))
        self.class_names = tuple(names) if most < len(names) else None
        held = Held((len(self._classes), SIDE, SIDE, 3), np.dtype(np.uint8))
        super().__init__(str(path), held, fit, count, limits)
        starts = [
            np.arange(len(batch.labels), dtype=np.int64) * self._record + batch.start + labels
            for batch in self.batches
        ]
        self._starts = np.concatenate(starts)  # of the pixels, in the unpacked archive
        self._unpacked: RenderedShard | None = None
        self._stream = PerProcess(partial(_open, self.path))

    @property
    def files(self) -> list[Path]:
        """The archive."""
        return [self.path]

    @property
    def identity(self) -> str:
        """SHA-256 of the files of records that count."""
        return digest(["cifar", *(batch.sha256 for batch in self.batches)])

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The class of each image."""
        return self._classes[: len(self)]

    def fingerprint_at(self, indices: Indices) -> str:
        """Return the SHA-256 of the files of records, of indices, and of the resizing."""
        return self._digest("cifar", self.identity, *map(int, indices))

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return the SHA-256 of the files of records, and of the resizing."""
        return self.fingerprint_at([])

    @cached_property
    def _checksums(self) -> npt.NDArray[np.uint32]:
        return np.array([crc for batch in self.batches for crc in batch.checksums], np.uint32)

    def _is_other(self, index: int, data: bytes | memoryview) -> bool:
        if self._unpacked is not None or zlib.crc32(data) == self._checksums[index]:
            return False
        forget(self.path, self.cache)
        return True

    def stored(self, rows: int) -> Iterator[Images]:
        """Yield all images, used or not, ``rows`` at a time.

        Raises
        ------
        FringeError
            If the archive is damaged, or was changed after it was opened.
        """
        for first in range(0, self.shape[0], rows):
            some = range(first, min(first + rows, self.shape[0]))
            images = self._rows(some)
            for index, image in zip(some, images, strict=True):
                self._refuse_other(index, image.data)
            yield images

    def read_unpacked(self, path: Path) -> None:
        """Read images from a file of `fringe.sources.unpacked.unpack`, if it is of these images."""
        if is_made_from(path, {"images": self.identity}):
            self._unpacked = RenderedShard(path)
            self.grouped = False

    def _rows(self, indices: Sequence[int]) -> Images:
        if self._unpacked is not None:
            return self._unpacked.read(indices)
        images = np.empty((len(indices), SIDE, SIDE, 3), np.uint8)
        starts = self._starts[np.asarray(indices, np.int64)]
        with readable(self.path, *_FAILURES):
            stream = self._stream.get()
            for row in np.argsort(starts, kind="stable").tolist():
                stream.seek(int(starts[row]))
                data = stream.read(PIXELS)
                if len(data) != PIXELS:
                    raise FringeError(
                        f"{self.path}: ends within image {indices[row]}; fetch it again"
                    )
                images[row] = _pixels(data)
        return images


def holds_records(path: Path) -> bool:
    """Return whether a compressed tar begins like a CIFAR archive.

    At most the first 64 MB are read, because another archive may have any size.

    Examples
    --------
    >>> holds_records(Path("cifar-10-binary.tar.gz"))  # doctest: +SKIP
    True
    """
    try:
        with open_regular(path) as packed, gzip.GzipFile(fileobj=packed, mode="rb") as file:
            for member in Members(cast(BinaryIO, file)):
                if _is_batch(member.name, member.size):
                    return True
                if member.offset_data + member.size > _LOOKED_AT:
                    return False
    except (OSError, *_FAILURES):
        pass
    return False


def _open(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.GzipFile(fileobj=open_regular(path), mode="rb"))


def _is_batch(name: str, size: int) -> bool:
    records = any(size % (labels + PIXELS) == 0 for labels in LABELS.values())
    return name.endswith(".bin") and size > 0 and records


def _pixels(data: bytes) -> Images:
    return np.frombuffer(data, np.uint8).reshape(3, SIDE, SIDE).transpose(1, 2, 0)


def _learn(path: Path) -> str:
    """Read the archive to its end; return, as text, class names and records of each file."""
    names: dict[str, list[str]] = {}
    places: list[tuple[str, int, int]] = []
    batches: list[_Batch] = []
    taken: set[str] = set()
    with readable(path, *_FAILURES), open_regular(path) as packed:
        stream = cast(BinaryIO, gzip.GzipFile(fileobj=packed, mode="rb"))
        counted = 0
        for member in Members(stream):
            name = member.name.rpartition("/")[2]
            _refuse_large(path, member.offset_data + member.size)
            if name in LABELS and member.isreg():
                stream.seek(member.offset_data)
                lines = stream.read(min(member.size, _NAMES)).decode("utf-8", "replace")
                names[name] = [printable(line) for line in lines.split()]
            elif name.endswith(".bin") and member.isreg():
                records = member.name.removeprefix("./")
                if records in taken:
                    raise FringeError(
                        f"{path}!{printable(records)}: occurs twice; fetch the archive again"
                    )
                taken.add(records)
                places.append((records, member.offset_data, member.size))
            advance(packed.tell() - counted)
            counted = packed.tell()
        if len(names) != 1:
            raise FringeError(
                f"{path}: is a compressed tar with files of records, but has "
                f"{'none' if not names else 'several'} of {' and '.join(LABELS)}, of which one "
                "must name the classes; fetch the binary version of CIFAR again"
            )
        ((meta, classes),) = names.items()
        for place in sorted(places, key=lambda entry: entry[1]):
            batches.append(_batch(stream, place, LABELS[meta], path))
        while stream.read(1 << 20):  # the checksum is verified at the end
            _refuse_large(path, stream.tell())
    batches.sort(key=lambda batch: batch.name)
    return pack(json.dumps([LABELS[meta], classes, batches]).encode())


def _refuse_large(path: Path, size: int) -> None:
    if size > MOST:
        raise FringeError(
            f"{path}: unpacks to more than {MOST:,} bytes, more than any CIFAR archive; fetch it "
            "again"
        )


def _batch(stream: BinaryIO, place: tuple[str, int, int], labels: int, path: Path) -> _Batch:
    """Read one file of records."""
    name, start, size = place
    record = labels + PIXELS
    if size % record or not size:
        raise FringeError(
            f"{path}!{printable(name)}: has {size:,} bytes, which is not a "
            f"multiple of {record}, the length of a record; fetch the archive again"
        )
    whole, classes, checksums = hashlib.sha256(), array("B"), array("I")
    stream.seek(start)
    for _ in range(size // record):
        data = stream.read(record)
        if len(data) != record:
            raise EOFError("it ends within a record")
        whole.update(data)
        classes.append(data[labels - 1])
        checksums.append(zlib.crc32(_pixels(data[labels:]).tobytes()))
    return _Batch(name, start, whole.hexdigest(), classes.tolist(), checksums.tolist())


def _parsed(text: str, path: Path) -> tuple[int, list[str], list[_Batch]]:
    """Return number of label bytes, class names and batches in the text of `_learn`."""
    for again in (False, True):
        try:
            found: Any = parse_json(unpack(_learn(path) if again else text, _MOST_REMEMBERED))
            labels, names, batches = found
            made = [_Batch(*fields) for fields in batches]
            if labels in LABELS.values() and all(len(b.labels) == len(b.checksums) for b in made):
                return labels, [str(name) for name in names], made
        except (OverflowError, TypeError, ValueError):
            if again:
                raise
    raise FringeError(f"{path}: cannot be read again; run again")


def _chosen(batches: Sequence[_Batch], choice: Choice, place: str) -> list[_Batch]:
    """Return the files of records that count."""
    names = [batch.name for batch in batches]
    choice.refuse_idle(names, place)
    taken = [batch for batch in batches if choice.takes(batch.name)]
    splits = {split: list(group) for split, group in groupby(sorted(taken, key=_split), key=_split)}
    if len(splits) > 1 and not choice.select:
        counts = " and ".join(
            f"{sum(len(batch.labels) for batch in group):,} {split} images"
            for split, group in splits.items()
        )
        patterns = {split: _pattern(group) for split, group in splits.items()}
        raise FringeError(
            f"{place}: holds {counts}; say which ones to use, such as "
            f'`select: "{patterns["training"]}"` or `select: "{patterns["test"]}"`, or '
            '`select: "*"` for all of them'
        )
    return taken


def _split(batch: _Batch) -> str:
    return "test" if "test" in batch.name.rpartition("/")[2] else "training"


def _pattern(batches: Sequence[_Batch]) -> str:
    names = [batch.name.rpartition("/")[2] for batch in batches]
    return names[0] if len(names) == 1 else "data_batch_*"
