"""Feature files: shards, files that link shards, and readers of both.

A shard is an HDF5 file that ``extract_shard`` wrote. A linked file contains no features, but HDF5
virtual datasets over its shards, with paths relative to the linked file. So nothing is copied, and
a folder of results can be moved. The virtual datasets are for other tools. If HDF5 cannot open the
file of a virtual dataset (missing, damaged, or too many open files), it returns the fill value
without an error. So Fringe reads rows from the shards themselves, one shard after the other.
"""

from __future__ import annotations

import hashlib
import json
import os
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike

from fringe.errors import FringeError
from fringe.files.hdf5 import attributes, create_h5, open_h5
from fringe.sources.decoder_warnings import joined

__all__ = ["FeatureFile", "FeatureMatrix", "link_shards", "open_features", "verify"]

SPACES = ("features", "logits")
# Attributes in which shards of one extraction may differ.
OWN = ("first", "last", "images", "warned", "first_warned")
VERSIONS = ("fringe", "h5py", "numpy", "torch")


@dataclass(frozen=True)
class FeatureFile:
    """Features of n images in one or more spaces. Each read opens the file, so it can be pickled.

    Parameters
    ----------
    path : Path
    rows : int
        The number of images, n.
    dims : mapping of str to int
        The length D of a row in each space of the file.
    attributes : mapping
        Provenance.
    parts : tuple of (int, Path)
        The shards that contain the rows, each with its first row. Empty if the file itself contains
        the rows.
    """

    path: Path
    rows: int
    dims: Mapping[str, int]
    attributes: Mapping[str, Any]
    parts: tuple[tuple[int, Path], ...] = ()

    def __len__(self) -> int:
        """Return the number of images."""
        return self.rows

    @property
    def spaces(self) -> tuple[str, ...]:
        """The spaces of the file: "features" and perhaps "logits"."""
        return tuple(self.dims)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes in the order of the logits, or None without logits."""
        names = self.attributes.get("class_names")
        return None if names is None else tuple(json.loads(names))

    def dim(self, space: str = "features") -> int:
        """Return the length of a row in ``space``."""
        if space not in self.dims:
            raise FringeError(
                f"{self.path}: has no {space!r}, only {', '.join(self.spaces)}; "
                f"choose a network that has {space}"
            )
        return self.dims[space]

    def labels(self) -> np.ndarray | None:
        """Return the int64 labels (n,) of features of another tool, or None without labels.

        Raises
        ------
        FringeError
            If the file cannot be read.
        """
        with open_h5(self.path) as file:
            return file["labels"][()] if "labels" in file else None

    def blocks(
        self, space: str = "features", stop: int | None = None, rows: int = 4096
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Yield (first row, float32 block (at most ``rows``, D)) over the first ``stop`` images.

        Raises
        ------
        FringeError
            If the space does not exist, there are fewer than ``stop`` images, a chunk fails its
            checksum, or a row contains NaN or infinity.
        """
        self.dim(space)
        for first in range(0, self._stop(stop), rows):
            yield first, self._slice(space, first, min(first + rows, self._stop(stop)))

    def read(
        self, space: str = "features", indices: ArrayLike | None = None, stop: int | None = None
    ) -> np.ndarray:
        """Return the rows at ``indices``, the first ``stop`` rows, or all rows, as float32 array.

        ``indices`` (k,) may repeat and be in any order. ``stop`` is then the limit of their values.

        Raises
        ------
        FringeError
            For the reasons given in ``blocks``, or if an index is out of range.
        """
        if indices is None:
            self.dim(space)
            return self._slice(space, 0, self._stop(stop))
        wanted, places = np.unique(np.asarray(indices, dtype=np.int64), return_inverse=True)
        if len(wanted) and not (wanted[0] >= 0 and wanted[-1] < self._stop(stop)):
            raise FringeError(
                f"{self.path}: cannot read rows {wanted[0]} to {wanted[-1]}, because there are "
                f"only {self._stop(stop)}"
            )
        found = np.empty((len(wanted), self.dim(space)), dtype=np.float32)
        rows = 4096
        for first in np.unique(wanted // rows) * rows:
            low, high = np.searchsorted(wanted, (first, first + rows))
            block = self._slice(space, wanted[low], wanted[high - 1] + 1)
            found[low:high] = block[wanted[low:high] - wanted[low]]
        return found[places]

    def matrix(self, space: str = "features") -> FeatureMatrix:
        """Return all rows of ``space`` as a matrix that is read in slices."""
        return FeatureMatrix(self, space, (self.rows, self.dim(space)))

    def _stop(self, stop: int | None) -> int:
        if stop is None:
            return self.rows
        if not 0 <= stop <= self.rows:
            raise FringeError(
                f"{self.path}: cannot read {stop} images, because there are features of only "
                f"{self.rows}"
            )
        return stop

    def _slice(self, space: str, first: int, last: int) -> np.ndarray:
        block = np.empty((last - first, self.dim(space)), np.float32)
        parts = self.parts or ((0, self.path),)
        starts = [start for start, _ in parts]
        ends = [*starts[1:], self.rows]
        for number in range(bisect(starts, first) - 1, bisect(starts, last - 1)):
            start, path = parts[number]
            begin, stop = max(first, start), min(last, ends[number])
            rows = block[begin - first : stop - first]
            shape = (ends[number] - start, self.dim(space))
            _fill(rows, path, space, shape, begin - start)
        return block


def _fill(rows: np.ndarray, path: Path, space: str, shape: tuple[int, int], first: int) -> None:
    """Fill ``rows`` from row ``first`` on of a file whose features have this ``shape``."""
    with open_h5(path) as file:
        dataset = file.get(space)
        if dataset is None or dataset.shape != shape or dataset.is_virtual:
            raise FringeError(
                f"{path}: does not hold {space} of shape {shape} any more; delete it and run again"
            )
        dataset.read_direct(rows, np.s_[first : first + len(rows)])
    finite = np.isfinite(rows)
    if not finite.all():
        raise FringeError(
            f"{path}: row {first + int(np.argmin(finite.all(axis=1)))} of its {space} holds NaN or "
            "infinity, which no extraction writes; delete the file and run again"
        )


@dataclass(frozen=True)
class FeatureMatrix:
    """Features (n, D) in a file, for functions that read blocks, perhaps several times.

    Slices of rows are float32 arrays. Reading a slice raises the errors of `FeatureFile.blocks`.
    """

    file: FeatureFile
    space: str
    shape: tuple[int, int]

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """The type of the slices."""
        return np.dtype(np.float32)

    def __len__(self) -> int:
        """Return the number of images."""
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Return a contiguous slice of rows."""
        first, last, _ = rows.indices(len(self))
        return self.file._slice(self.space, first, last)


def link_shards(
    shards: Sequence[str | os.PathLike[str]],
    path: str | os.PathLike[str],
    provenance: Mapping[str, str | int | float] | None = None,
) -> None:
    """Write one HDF5 file whose datasets are virtual datasets over ``shards``.

    Parameters
    ----------
    shards : sequence of paths
        In the order of their images, from image 0.
    path : path
        The linked file. It contains the paths of the shards relative to its folder.
    provenance : mapping, optional
        Attributes in addition to those that are equal in all shards.

    Raises
    ------
    FringeError
        If a shard is missing or damaged, images are left out or repeated, or the shards do not come
        from the same extraction.
    """
    path = Path(path)
    parts = [_inspect_shard(Path(shard)) for shard in shards]
    if not parts:
        raise FringeError(f"{path}: no shards to link")
    end = 0
    for part in parts:
        if part.attributes["first"] != end:
            raise FringeError(
                f"{part.path}: starts at image {part.attributes['first']}, expected {end}; "
                "give every shard once, in order"
            )
        end = part.attributes["last"]
        if part.dims != parts[0].dims or _identity(part) != _identity(parts[0]):
            raise FringeError(
                f"{part.path}: was extracted with other settings than {parts[0].path} "
                f"({_difference(part, parts[0])}); delete it and run again"
            )
    names = [os.path.relpath(part.path.resolve(), path.parent.resolve()) for part in parts]
    about = {
        **_shared(parts),
        **joined([part.attributes for part in parts]),
        **(provenance or {}),
        "shards": json.dumps(names),
        "shard_identity": _identity(parts[0]),
        "shard_images": _images(parts),
    }
    with create_h5(path, about) as file:
        for space, width in parts[0].dims.items():
            layout = h5py.VirtualLayout((end, width), "f4")
            for name, part in zip(names, parts, strict=True):
                rows = slice(part.attributes["first"], part.attributes["last"])
                layout[rows] = h5py.VirtualSource(name, space, (len(part), width), "f4")
            file.create_virtual_dataset(space, layout, fillvalue=np.nan)


def open_features(path: str | os.PathLike[str]) -> FeatureFile:
    """Return the feature file at ``path``, a shard or a linked file, if it is complete.

    Raises
    ------
    FringeError
        If the file or a linked shard is missing or truncated, or is not the shard that was linked.
    """
    path = Path(path)
    features = _inspect(path)
    if "shards" not in features.attributes:
        return _check_shard(features)
    end = 0
    parts, shards = [], []
    for name in json.loads(features.attributes["shards"]):
        shard = _inspect_shard(path.parent / name)
        if (
            _identity(shard) != features.attributes["shard_identity"]
            or shard.attributes["first"] != end
            or shard.dims != features.dims
        ):
            raise FringeError(
                f"{shard.path}: is not the shard that {path} links; delete both and run again"
            )
        shards.append(shard)
        parts.append((end, shard.path))
        end = shard.attributes["last"]
    if end != len(features):
        raise FringeError(
            f"{path}: links {end} images but holds {len(features)}; delete it and run again"
        )
    if features.attributes.get("shard_images") not in (None, _images(shards)):
        raise FringeError(
            f"{path}: its shards hold features of other images than before; delete the file "
            "and run again"
        )
    return replace(features, parts=tuple(parts))


def verify(path: str | os.PathLike[str], *, deep: bool = False) -> str | None:
    """Return None if the feature file at ``path`` is complete, otherwise the reason.

    This checks structure and sizes, in less than a millisecond per shard. With ``deep``, it also
    checks every checksum and every number.
    """
    try:
        features = open_features(path)
        if deep:
            for space in features.spaces:
                for _ in features.blocks(space):
                    pass
    except FringeError as error:
        return str(error)
    return None


def _inspect_shard(path: Path) -> FeatureFile:
    return _check_shard(_inspect(path))


def _check_shard(shard: FeatureFile) -> FeatureFile:
    first, last = (shard.attributes.get(key, -1) for key in ("first", "last"))
    if not 0 <= first < last or last - first != len(shard):
        raise FringeError(
            f"{shard.path}: holds {len(shard)} images but is labelled {first} to {last}; "
            "delete it and run again"
        )
    return shard


def _inspect(path: Path) -> FeatureFile:
    """Return the feature file at ``path``, from its datasets and attributes."""
    try:
        with open_h5(path) as file:
            shapes = {space: file[space].shape for space in SPACES if space in file}
            about = attributes(file)
    except (KeyError, RuntimeError, ValueError) as error:
        if isinstance(error, FringeError):
            raise
        raise FringeError(f"{path}: damaged ({error}); delete it and run again") from error
    if "features" not in shapes or len({shape[0] for shape in shapes.values()}) != 1:
        raise FringeError(
            f"{path}: is not a file of features (it holds {shapes or 'none'}); give a file that a "
            "run wrote, or, if a run wrote this file, delete it and run again"
        )
    dims = {space: shape[1] for space, shape in shapes.items()}
    return FeatureFile(path, shapes["features"][0], dims, about)


def _identity(shard: FeatureFile) -> str:
    """Return a digest of the attributes of a shard, except those that differ between shards.

    Versions of packages are left out, because packages may be updated between shards.
    """
    made_from = {k: v for k, v in shard.attributes.items() if k not in OWN + VERSIONS}
    text = json.dumps(made_from, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _images(shards: Sequence[FeatureFile]) -> str:
    """Return a digest of the fingerprints of the images of all shards, which `_identity` omits."""
    text = json.dumps([str(shard.attributes.get("images")) for shard in shards])
    return hashlib.sha256(text.encode()).hexdigest()


def _shared(shards: Sequence[FeatureFile]) -> dict[str, Any]:
    """Return the attributes that are equal in all shards."""
    return {
        key: value
        for key, value in shards[0].attributes.items()
        if all(shard.attributes.get(key) == value for shard in shards)
    }


def _difference(one: FeatureFile, other: FeatureFile) -> str:
    """Return a text on the first attribute that differs between two shards."""
    for key in sorted((set(one.attributes) | set(other.attributes)) - {*OWN, *VERSIONS}):
        values = one.attributes.get(key), other.attributes.get(key)
        if values[0] != values[1]:
            return f"{key} is {values[0]!r} here and {values[1]!r} there"
    return "their sizes differ"
