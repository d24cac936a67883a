"""Arrays with one row per image, in an NPZ or HDF5 file of another tool.

Only arrays that are requested by name are read, and nothing is unpickled. Rows become float32, the
type of Fringe's features.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipInfo

import h5py
import numpy as np
import numpy.typing as npt

from fringe.errors import ChangedError, FringeError
from fringe.files.hdf5 import h5_file
from fringe.files.npy import read_header
from fringe.files.parsing import parse_json
from fringe.files.zipfiles import (
    DAMAGE,
    PLAIN,
    Archive,
    open_member,
    open_zip,
    read_member,
    refuse_unreadable,
)
from fringe.sources.base import as_path, readable, refuse_escape
from fringe.sources.concatenated import refuse_hdf5
from fringe.sources.digests import remembered
from fringe.sources.hdf5_chunks import check_chunks, check_packing, lacking_rows
from fringe.sources.hdf5_links import dataset_at
from fringe.sources.limits import LIMITS

__all__ = ["Contents", "StoredArray", "read_contents"]

HDF5 = (".h5", ".hdf5")
SUFFIXES = (".npz", *HDF5)

_BLOCK = 16 << 20  # bytes of an array to read at a time
_NAMED = 10  # arrays that a message names
_TEXT = 1 << 16  # most bytes of an array with the name of a network
_HDF5_DAMAGE = (RuntimeError, KeyError)
_NUMBERS = "fiu"  # kinds of types that features and logits may have


class _Part(NamedTuple):
    """Rows of an array in one file, and the number of the array's rows before them."""

    path: Path
    first: int
    rows: int


@dataclass(frozen=True)
class StoredArray:
    """An array (n, ...) in one file, or distributed over several files in order.

    Attributes
    ----------
    name : str
        Name in messages.
    key : str
        The name of the array in each file.
    shape : tuple of int
        Shape of the whole array; the first number is the number of rows.
    dtype : numpy.dtype
        The stored type.
    parts : tuple
        The files.
    """

    name: str
    key: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    parts: tuple[_Part, ...]

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def require_rows(self, width: int | None = None, why: str = "") -> None:
        """Check that this is a matrix of numbers, with ``width`` columns if that is given.

        ``why`` is the part of a message that explains the width.

        Raises
        ------
        FringeError
            If it is not.
        """
        if self.dtype.kind not in _NUMBERS:
            raise FringeError(
                f"{self.name}: is of type {str(self.dtype)[:80]}; it must hold numbers: save it as "
                "float32"
            )
        if len(self.shape) != 2:
            raise FringeError(
                f"{self.name}: has shape {self.shape}; it must have one row for each image, (n, D)"
                ": save it as such a matrix"
            )
        if width is not None and self.shape[1] != width:
            raise FringeError(
                f"{self.name}: has {self.shape[1]} columns, but {why} {width}; give the array of "
                "that network"
            )

    def require_labels(self) -> None:
        """Check that this is a vector of integers.

        Raises
        ------
        FringeError
            If it is not.
        """
        if self.dtype.kind not in "iu" or len(self.shape) != 1:
            raise FringeError(
                f"{self.name}: is of type {str(self.dtype)[:80]} and shape {self.shape}; labels "
                "must be one integer for each image, (n,): save them as int64"
            )

    def digest(self, cache: Path | None = None) -> str:
        """Return a hex SHA-256 of all rows, which must be finite; labels must not be negative.

        Each file is read once, and the result is cached (`remembered`).

        Raises
        ------
        FringeError
            If a file cannot be read, or a row is invalid. The message names the first such row.
        """
        by_path = {part.path: part for part in self.parts}

        def learn(path: Path) -> str:
            whole = hashlib.sha256()
            for block in self._blocks(by_path[path]):
                whole.update(block.tobytes())
            return whole.hexdigest()

        what = f"rows of {self.key}, from row {self.parts[0].first}, in"
        found = remembered(list(by_path), cache, what, learn, doing=f"checking `{self.key}` in")
        return _joined(self.shape, found)

    def read(self, order: npt.NDArray[np.int64], expected: str) -> npt.NDArray[Any]:
        """Return rows in a given order: float32 (k, D), or int64 (k,) for labels.

        Parameters
        ----------
        order : int array (k,)
            Indices of the rows, without duplicates.
        expected : str
            The `digest` that the rows must have.

        Raises
        ------
        ChangedError
            If the rows were changed.
        FringeError
            As `digest` does.
        """
        place = np.full(len(self), -1, np.int64)
        place[order] = np.arange(len(order))
        kind = np.int64 if len(self.shape) == 1 else np.float32
        rows = np.empty((len(order), *self.shape[1:]), kind)
        digests = []
        for part in self.parts:
            whole, first = hashlib.sha256(), part.first
            for block in self._blocks(part):
                whole.update(block.tobytes())
                to = place[first : first + len(block)]
                rows[to[to >= 0]] = block[to >= 0]
                first += len(block)
            digests.append(whole.hexdigest())
        if _joined(self.shape, digests) != expected:
            raise ChangedError(
                f"{self.name}: was changed since the run was planned; run again as soon as nothing "
                "changes it any more"
            )
        return rows

    def _blocks(self, part: _Part) -> Iterator[npt.NDArray[Any]]:
        """Yield the rows of a part in blocks, converted and checked."""
        first = part.first
        each = math.prod(self.shape[1:]) * self.dtype.itemsize
        step = max(1, _BLOCK // max(1, each))
        stored = _npz_blocks if part.path.suffix.lower() == ".npz" else _hdf5_blocks
        for block in stored(part.path, self, part.rows, step):
            with np.errstate(over="ignore", invalid="ignore"):
                rows = block.astype(np.int64 if len(self.shape) == 1 else np.float32)
            self._check(rows, first)
            yield rows
            first += len(rows)

    def _check(self, rows: npt.NDArray[Any], first: int) -> None:
        """Raise if rows contain invalid values. ``first`` is the index of the first row."""
        if rows.ndim == 1:
            if len(rows) and rows.min() < 0:
                wrong = first + int(np.argmax(rows < 0))
                raise FringeError(
                    f"{self.name}: row {wrong} holds {rows[wrong - first]}; labels must be class "
                    "numbers of at least 0"
                )
        elif not np.isfinite(rows).all():
            wrong = first + int(np.argmin(np.isfinite(rows).all(axis=1)))
            raise FringeError(
                f"{self.name}: row {wrong} holds NaN or infinity (as float32); make the features "
                "of that image again, or leave the image out"
            )


@dataclass(frozen=True)
class Contents:
    """The requested arrays in a file.

    Attributes
    ----------
    arrays : mapping
        The arrays by name.
    others : str
        All names of arrays in the file, in words.
    network : str
        The network that the file states for ``features`` and ``logits``; "" if it states none.
    """

    arrays: Mapping[str, StoredArray]
    others: str
    network: str


def read_contents(path: str | Path, wanted: Collection[str]) -> Contents:
    """Return the ``wanted`` arrays in a file, without reading their values.

    Parameters
    ----------
    path : path-like
        An ``.npz``, ``.h5`` or ``.hdf5``. If it is a file of features from a run, the shards that
        it links are read.
    wanted : collection of str
        Names of arrays; in HDF5, ``/`` separates groups.

    Raises
    ------
    FringeError
        If the file is of another kind, missing or damaged, or an array is in other files.
    """
    place = as_path(path)
    suffix = place.suffix.lower()
    if suffix not in SUFFIXES:
        raise FringeError(
            f"{path}: not a file of features; give an {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} "
            "file"
        )
    if suffix == ".npz":
        with readable(path, *DAMAGE), open_zip(place) as archive:
            return _in_npz(archive, place, str(path), wanted)
    with readable(path, *_HDF5_DAMAGE), h5_file(place) as file:
        refuse_hdf5(place)
        return _in_hdf5(file, place, str(path), wanted)


# NPZ


def _in_npz(archive: Archive, path: Path, name: str, wanted: Collection[str]) -> Contents:
    members = _members(archive)
    arrays = {}
    for key in wanted:
        if key in members:
            label = f"{name}: `{key}`"
            refuse_unreadable(members[key], name, PLAIN)
            with open_member(archive, members[key]) as stream:
                header = read_header(stream)
                size = stream.tell() + header.size
            if header.fortran_order and len(header.shape) > 1:
                raise FringeError(f"{label}: is in Fortran order; save numpy.ascontiguousarray(it)")
            if not header.dtype.hasobject and size != members[key].file_size:
                raise FringeError(
                    f"{label}: has {members[key].file_size} bytes, which does not match its shape "
                    f"{header.shape}; create it again"
                )
            part = _Part(path, 0, header.shape[0] if header.shape else 0)
            arrays[key] = StoredArray(label, key, header.shape, header.dtype, (part,))
    network = ""
    if "network" in members:
        refuse_unreadable(members["network"], name, PLAIN)
        network = _text(read_member(archive, members["network"], _TEXT), name)
    return Contents(arrays, _named(members), network)


def _members(archive: Archive) -> dict[str, ZipInfo]:
    return {info.filename.removesuffix(".npy"): info for info in archive.infolist()}


def _text(data: bytes, name: str) -> str:
    """Return the text in an array without dimensions."""
    stream = io.BytesIO(data)
    header = read_header(stream)
    if header.dtype.kind != "U" or header.shape:
        raise FringeError(
            f"{name}: `network` must be one string, the name of a network; correct it"
        )
    return str(np.frombuffer(data, header.dtype, 1, stream.tell())[0])


def _npz_blocks(
    path: Path, array: StoredArray, count: int, step: int
) -> Iterator[npt.NDArray[Any]]:
    with readable(path, *DAMAGE), open_zip(path) as archive:
        members = _members(archive)
        if array.key not in members:
            raise _other(array)
        with open_member(archive, members[array.key]) as stream:
            header = read_header(stream)
            if (header.shape, header.dtype) != (array.shape, array.dtype):
                raise _other(array)
            each = math.prod(array.shape[1:]) * array.dtype.itemsize
            for first in range(0, count, step):
                rows = min(step, count - first)
                data = stream.read(rows * each)
                yield np.frombuffer(data, array.dtype).reshape(rows, *array.shape[1:])
            stream.read(1)  # the checksum is verified at the end


# HDF5


def _in_hdf5(file: h5py.File, path: Path, name: str, wanted: Collection[str]) -> Contents:
    stated = file.attrs.get("network", "")
    network = stated if isinstance(stated, str) else ""
    look = _in_shards if "shards" in file.attrs else _in_itself
    return Contents(look(file, path, name, wanted), _named(file), network)


def _in_itself(
    file: h5py.File, path: Path, name: str, wanted: Collection[str]
) -> dict[str, StoredArray]:
    """Return the arrays in the file itself."""
    arrays = {}
    for key in wanted:
        dataset = dataset_at(file, key, name)
        if dataset is not None:
            label = f"{name}: `{key}`"
            _refuse_unwritten(dataset, label)
            part = _Part(path, 0, dataset.shape[0] if dataset.shape else 0)
            arrays[key] = StoredArray(label, key, dataset.shape or (), dataset.dtype, (part,))
    return arrays


def _in_shards(
    file: h5py.File, path: Path, name: str, wanted: Collection[str]
) -> dict[str, StoredArray]:
    """Return the arrays of a file that links shards in its folder or below."""
    try:
        shards = [str(entry) for entry in parse_json(str(file.attrs["shards"]))]
    except (TypeError, ValueError) as error:
        raise FringeError(f"{name}: its attribute `shards` is damaged; create it again") from error
    if len(set(shards)) < len(shards):
        raise FringeError(f"{name}: links a shard twice; create it again")
    plain = [key for key in wanted if "/" not in key]
    arrays: dict[str, StoredArray] = {}
    for number, shard in enumerate(shards):
        refuse_escape(shard, name)
        place = path.parent / shard
        with readable(place, *_HDF5_DAMAGE), h5_file(place) as linked:
            found = _in_itself(linked, place, str(place), plain)
        for key, array in found.items():
            before = arrays.get(key)
            if before is None and number == 0:
                label = f"{name}: `{key}`"
                arrays[key] = StoredArray(label, key, array.shape, array.dtype, array.parts)
            elif before is not None and array.shape[1:] == before.shape[1:]:
                part = _Part(place, len(before), len(array))
                shape = (len(before) + len(array), *before.shape[1:])
                parts = (*before.parts, part)
                arrays[key] = StoredArray(before.name, key, shape, before.dtype, parts)
            else:
                raise FringeError(
                    f"{place}: does not contain `{key}` like the previous shards; create all "
                    "shards again"
                )
    return arrays


def _refuse_unwritten(dataset: h5py.Dataset, label: str) -> None:
    """Raise if rows were never written (HDF5 then reads zeros), or exceed the limits."""
    if not dataset.shape or not dataset.size:
        return
    check_packing(dataset, label, LIMITS)
    lacking = lacking_rows(dataset)
    if lacking is not None:
        raise FringeError(
            f"{label}: row {int(np.argmax(lacking))} was never written, so HDF5 reads zeros for "
            "it; write all rows"
        )


def _hdf5_blocks(
    path: Path, array: StoredArray, count: int, step: int
) -> Iterator[npt.NDArray[Any]]:
    with readable(path, *_HDF5_DAMAGE), h5_file(path) as file:
        dataset = dataset_at(file, array.key, str(path))
        if dataset is None or dataset.shape != (count, *array.shape[1:]):
            raise _other(array)
        check_packing(dataset, str(path), LIMITS)
        for first in range(0, count, step):
            last = min(first + step, count)
            check_chunks(dataset, first, last, str(path))
            yield dataset[first:last]


def _other(array: StoredArray) -> ChangedError:
    return ChangedError(f"{array.name}: was changed since it was opened; run again")


def _named(names: Iterable[object]) -> str:
    """Return the first names of arrays as part of a message."""
    listed = [str(name) for name in names]
    text = ", ".join(f"`{name[:60]}`" for name in listed[:_NAMED])
    return (text or "no arrays") + (", ..." if len(listed) > _NAMED else "")


def _joined(shape: tuple[int, ...], digests: list[str]) -> str:
    text = json.dumps([list(shape), digests])
    return hashlib.sha256(text.encode()).hexdigest()
