"""Images in an HDF5 file."""

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.files.hdf5 import h5_file
from fringe.progress import activity
from fringe.sources.array_files import BLOCK, ArraySource, Held, choose_array
from fringe.sources.base import Images, Indices, as_path, readable
from fringe.sources.concatenated import refuse_hdf5
from fringe.sources.digests import ImageDigests
from fringe.sources.fitting import Fit
from fringe.sources.hdf5_chunks import check_chunks, check_layout, lacking_rows
from fringe.sources.hdf5_links import dataset_at, datasets
from fringe.sources.limits import LIMITS, Limits

__all__ = ["Hdf5Source", "rows_of"]

_DATASET = "images"
MANY = 1000  # datasets and groups to check: files with a dataset for each image have more


class Hdf5Source(ArraySource):
    """The dataset ``images`` of an HDF5 file, or the only array in it that may contain images.

    The dataset is uint8 (N, H, W, 3), RGB, or (N, H, W, 1), gray. The file is opened for each
    `read` and then closed, because an open HDF5 file does not survive a fork. Images that were
    never written, for which HDF5 returns blank images, are refused.

    Parameters
    ----------
    path : path-like
        The file.
    fit : Fit, optional
        How every image is cropped and resized.
    count : int, optional
        Use only the first ``count`` images.
    cache : path-like, optional
        Folder that stores hashes of images for the fingerprint (`ImageDigests`).
    limits : Limits
        Limits on the size of decoded data.

    Raises
    ------
    FringeError
        If the file is missing, unreadable or truncated, has no such dataset, or has fewer than
        ``count`` images.

    Examples
    --------
    >>> import tempfile
    >>> import h5py
    >>> import numpy as np
    >>> from fringe.sources import Hdf5Source
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with h5py.File(f"{folder}/images.h5", "w") as file:
    ...         file["images"] = np.full((3, 8, 8, 1), 7, np.uint8)
    ...     print(Hdf5Source(f"{folder}/images.h5").read([0, 2]).shape)
    (2, 8, 8, 3)
    """

    def __init__(
        self,
        path: str | Path,
        fit: Fit | None = None,
        count: int | None = None,
        cache: Path | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        """Open the file once, to check its content."""
        self.path = as_path(path)
        self.cache = cache
        with readable(path, RuntimeError, KeyError), h5_file(self.path) as file:
            refuse_hdf5(self.path)
            self.dataset, dataset = _find(file, str(path))
            self._held = held = Held(dataset.shape, dataset.dtype)
            self._unwritten = None
            if held.are_images and dataset.size:
                check_layout(dataset, str(path), limits)
                self._unwritten = _unwritten(dataset, str(path))
            self.grouped = _images_in_chunk(dataset) > 1
        super().__init__(str(path), held, fit, count, limits)

    @property
    def files(self) -> list[Path]:
        """The file."""
        return [self.path]

    @cached_property
    def _contents(self) -> ImageDigests:
        what = "" if self.dataset == _DATASET else f"in {self.dataset}"
        return ImageDigests([self.path], [0, self.count], what, self.cache)

    def fingerprint_at(self, indices: Indices) -> str:
        """Return the SHA-256 of the pixels of the images in that order, and of the resizing.

        Other images do not count. The file's chunks and compression do not count either.
        """
        self._refuse_unwritten(indices)
        return self._digest("hdf5", self.shape[1:], self._contents.of(indices, self._stored))

    def _is_other(self, index: int, data: bytes | memoryview) -> bool:
        return self._contents.differs(index, data)

    def _rows(self, indices: Sequence[int]) -> Images:
        self._refuse_unwritten(indices)
        with readable(self.path, RuntimeError, KeyError), h5_file(self.path) as file:
            dataset = dataset_at(file, self.dataset, self.name)
            if dataset is None or (dataset.shape, dataset.dtype) != self._held:
                raise FringeError(f"{self.path}: was changed since it was opened; open it again")
            check_layout(dataset, self.name, self.limits)
            return rows_of(dataset, indices, self.name)

    def _refuse_unwritten(self, indices: Indices) -> None:
        if self._unwritten is None:
            return
        wanted = np.asarray(indices, np.int64)
        lacking = wanted[self._unwritten[wanted]]
        if len(lacking):
            first = int(np.argmax(self._unwritten))
            use = (
                f", or use the images before it (`count: {first}`, `order: file`)" if first else ""
            )
            raise FringeError(
                f"{self.path}: image {lacking.min()} was probably never written, so HDF5 reads a "
                f"blank image for it; {np.count_nonzero(self._unwritten)} of "
                f"{len(self._unwritten)} are missing, from image {first} on: write them all{use}; "
                "if they are meant to be blank, store each image in its own chunk"
            )


def rows_of(dataset: h5py.Dataset, indices: Indices, name: str | None = None) -> Images:
    """Return images of a dataset by their index, in that order; an index may occur several times.

    Neighbouring images, and images of one chunk, are read together: selecting scattered images is
    slow in HDF5, and would decompress a chunk for each of its images.
    """
    order, back = np.unique(np.asarray(indices, np.int64), return_inverse=True)
    images = np.empty((len(order), *dataset.shape[1:]), np.uint8)
    apart = (np.diff(order) > 1) & (np.diff(order // _images_in_chunk(dataset)) > 0)
    begins = [0, *(np.flatnonzero(apart) + 1).tolist(), len(order)]
    for begin, end in pairwise(begins):
        rows = order[begin:end]
        if len(rows):
            if name is not None:
                check_chunks(dataset, int(rows[0]), int(rows[-1]) + 1, name)
            images[begin:end] = dataset[rows[0] : rows[-1] + 1][rows - rows[0]]
    return images[back]


def _images_in_chunk(dataset: h5py.Dataset) -> int:
    return int(dataset.chunks[0]) if dataset.chunks else 1


def _find(file: h5py.File, name: str) -> tuple[str, h5py.Dataset]:
    """Return the path in the file of the dataset of images, and the dataset."""
    found = dataset_at(file, _DATASET, name)
    if found is not None:
        return _DATASET, found
    arrays = {}
    try:
        for key, dataset in datasets(file, MANY):
            if dataset.shape is not None:
                arrays[key] = Held(dataset.shape, dataset.dtype)
    except OverflowError:
        raise FringeError(
            f"{name}: holds no dataset `{_DATASET}`, but more than {MANY} others; images must "
            "be one array (N, height, width, 3), or files in a ZIP or a folder"
        ) from None
    key = choose_array(name, arrays, _DATASET)
    return key, dataset_at(file, key, name)


def _unwritten(dataset: h5py.Dataset, name: str) -> npt.NDArray[np.bool_] | None:
    """Return, for each image, whether a part of it was never written; None if all seem complete.

    The file lists the chunks that exist. If images share a chunk, or all images are in one piece,
    blank images at the end count as unwritten.
    """
    found = lacking_rows(dataset)
    is_apart = dataset.chunks is not None and dataset.chunks[0] == 1
    end = len(dataset) if found is None else int(np.argmax(found))
    begin = end if is_apart else _blank_from(dataset, end, name)
    if begin < end:
        found = np.zeros(len(dataset), bool) if found is None else found
        found[begin:end] = True
    return found


def _blank_from(dataset: h5py.Dataset, end: int, name: str) -> int:
    """Return the start of the blank images that end at ``end``; ``end`` if there are none."""
    step = 1  # start with the last image: usually it is not blank
    with activity(f"looking for the last image in {dataset.file.filename}"):
        while end > 0:
            begin = max(0, end - step)
            check_chunks(dataset, begin, end, name)
            block = dataset[begin:end]
            if dataset.fillvalue:
                block = block != dataset.fillvalue
            if block.any():
                return begin + int(np.flatnonzero(block.any(axis=(1, 2, 3)))[-1]) + 1
            end, step = begin, max(1, BLOCK // int(np.prod(dataset.shape[1:], dtype=np.int64)))
    return 0
