"""Comparison of a struck run with an undisturbed run, to the last bit."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

__all__ = ["differences"]

# Only durations differ from run to run.
TIMES = {"seconds"}  # datasets, attributes and columns of this name
TIMED_FIGURES = {"figureS1"}  # draw these seconds
TIMED_DOCUMENTS = {"cost.md", "cost.html"}
TIMED_FOLDERS = {"logs", "benchmarks"}
SEALS = ".seals"  # contain digests of all files, also of files with times


def differences(reference: Path, found: Path) -> dict[str, str]:
    """Return the differences of each file below two folders, by its path below them.

    Arrays and attributes of HDF5 files are compared bit by bit, CSV and JSON files value by value,
    images pixel by pixel, all other files byte by byte. A file that only one folder has is a
    difference, unless it was renamed to ``*.damaged``.
    """
    ours, theirs = _files(reference), _files(found)
    differing = dict.fromkeys(ours.keys() - theirs.keys(), "is missing")
    differing |= dict.fromkeys(theirs.keys() - ours.keys(), "is left over")
    for name in ours.keys() & theirs.keys():
        try:
            faults = list(_differences(ours[name], theirs[name]))
        except (OSError, RuntimeError, ValueError, KeyError, SyntaxError) as error:
            faults = [f"cannot be read ({error})"]
        if faults:
            differing[name] = "; ".join(faults[:3])
    return dict(sorted(differing.items()))


def _files(folder: Path) -> dict[str, Path]:
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {str(path.relative_to(folder)): path for path in paths if not _differs(path, folder)}


def _differs(path: Path, folder: Path) -> bool:
    """Return whether a file is of a kind that differs from run to run, or was renamed."""
    parts = path.relative_to(folder).parts
    return (
        path.name in TIMED_DOCUMENTS
        or not TIMED_FOLDERS.isdisjoint(parts[:-1])
        or ".damaged" in path.suffixes
    )


def _differences(one: Path, other: Path) -> Iterator[str]:
    if other.is_symlink() or not other.is_file():
        yield "is not a regular file"
        return
    compare = COMPARED.get(one.suffix, _compare_bytes)
    if SEALS in one.parts:
        compare = _compare_sealed
    elif one.name.startswith(tuple(f"{figure}-" for figure in TIMED_FIGURES)):
        compare = _compare_sizes if one.suffix == ".png" else _compare_nothing
    yield from compare(one, other)


def _compare_bytes(one: Path, other: Path) -> Iterator[str]:
    if one.read_bytes() != other.read_bytes():
        yield "other bytes"


def _compare_nothing(one: Path, other: Path) -> Iterator[str]:
    yield from ()


def _compare_sizes(one: Path, other: Path) -> Iterator[str]:
    with Image.open(one) as first, Image.open(other) as second:
        second.load()
        if first.size != second.size:
            yield f"{second.size} pixels instead of {first.size}"


def _compare_pixels(one: Path, other: Path) -> Iterator[str]:
    with Image.open(one) as first, Image.open(other) as second:
        if first.size != second.size or first.mode != second.mode:
            yield f"{second.mode} {second.size} instead of {first.mode} {first.size}"
        elif changed := np.any(np.asarray(first) != np.asarray(second), axis=-1).sum():
            yield f"{changed} other pixels"


def _compare_json(one: Path, other: Path) -> Iterator[str]:
    if json.loads(one.read_text()) != json.loads(other.read_text()):
        yield "other values"


def _compare_sealed(one: Path, other: Path) -> Iterator[str]:
    """Compare the files that two seals belong to; a run itself checks the sealed content."""
    if json.loads(one.read_text())["file"] != json.loads(other.read_text())["file"]:
        yield "the seal of another file"


def _compare_rows(one: Path, other: Path) -> Iterator[str]:
    ours, theirs = _rows(one), _rows(other)
    if len(ours) != len(theirs):
        yield f"{len(theirs)} rows instead of {len(ours)}"
    for number, (row, found) in enumerate(zip(ours, theirs, strict=False)):
        if row != found:
            yield f"row {number}: {found} instead of {row}"
            return


def _rows(path: Path) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(path.read_text(), newline=""))
    return [{key: value for key, value in row.items() if key not in TIMES} for row in rows]


def _compare_h5(one: Path, other: Path) -> Iterator[str]:
    with h5py.File(one, locking=False) as first, h5py.File(other, locking=False) as second:
        ours, theirs = _items(first), _items(second)
        if list(ours) != list(theirs):
            yield f"{list(theirs)} instead of {list(ours)}"
            return
        for name, item in ours.items():
            yield from _compare_attributes(name, item, theirs[name])
            if isinstance(item, h5py.Dataset) and name not in TIMES:
                yield from _compare_datasets(name, item, theirs[name])


def _items(file: h5py.File) -> dict[str, h5py.Group | h5py.Dataset]:
    found = {"/": file}
    file.visititems(lambda name, item: found.__setitem__(name, item))
    return found


def _compare_attributes(name: str, one: h5py.HLObject, other: h5py.HLObject) -> Iterator[str]:
    ours, theirs = dict(one.attrs), dict(other.attrs)
    for key in sorted({*ours, *theirs} - TIMES):
        if key not in ours or key not in theirs or _bits(ours[key]) != _bits(theirs[key]):
            yield f"{name}: attribute {key} is {theirs.get(key)!r} instead of {ours.get(key)!r}"


def _compare_datasets(name: str, one: h5py.Dataset, other: h5py.Dataset) -> Iterator[str]:
    if not isinstance(other, h5py.Dataset) or (one.shape, one.dtype) != (other.shape, other.dtype):
        yield f"{name}: another shape or type"
    elif one.is_virtual or other.is_virtual:
        # Its rows are in other files, which are compared themselves.
        if not (one.is_virtual and other.is_virtual and _linked(one) == _linked(other)):
            yield f"{name}: links to other files"
    elif _bits(_untimed(one)) != _bits(_untimed(other)):
        changed = np.sum(_untimed(one) != _untimed(other))
        yield f"{name}: {changed} of {one.size} values are others"


def _untimed(dataset: h5py.Dataset) -> np.ndarray:
    """Return the values of a dataset, without its columns of times."""
    values = np.asarray(dataset[()])
    columns = [str(column) for column in dataset.attrs.get("columns", ())]
    return values[:, [column not in TIMES for column in columns]] if columns else values


def _linked(dataset: h5py.Dataset) -> list[tuple[str, str, object]]:
    return [
        (source.file_name, source.dset_name, source.vspace.get_regular_hyperslab())
        for source in dataset.virtual_sources()
    ]


def _bits(value: object) -> tuple[str, tuple[int, ...], object]:
    array = np.asarray(value)
    content = array.tolist() if array.dtype.hasobject else array.tobytes()
    return str(array.dtype), array.shape, content


COMPARED: dict[str, Callable[[Path, Path], Iterator[str]]] = {
    ".h5": _compare_h5,
    ".csv": _compare_rows,
    ".json": _compare_json,
    ".png": _compare_pixels,
}
