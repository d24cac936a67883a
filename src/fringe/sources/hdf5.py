"""Images in an HDF5 file."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np

from fringe.errors import FringeError
from fringe.files import h5_file
from fringe.sources.base import ArraySource, Images, Indices, as_path, readable
from fringe.sources.digests import ImageDigests
from fringe.sources.fitting import Fit

__all__ = ["Hdf5Source"]

_DATASET = "images"
BLOCK = 16 << 20  # bytes of pixels that are read at a time


class Hdf5Source(ArraySource):
    """The dataset ``images`` of an HDF5 file: uint8 (N, H, W, 3), RGB.

    The file is opened for each `read` and closed again: HDF5 does not survive a fork while open.

    Parameters
    ----------
    path : path-like
        The file.
    fit : Fit, optional
        How every image is cropped and resized.
    count : int, optional
        Use only the first so many.
    cache : path-like, optional
        Where hashes of images are remembered for the fingerprint (`ImageDigests`).

    Raises
    ------
    FringeError
        If the file is missing, unreadable or not whole, has no such dataset, or fewer than
        ``count`` images.
    """

    def __init__(
        self,
        path: str | Path,
        fit: Fit | None = None,
        count: int | None = None,
        cache: Path | None = None,
    ) -> None:
        """Open the file once, to check what it holds."""
        self.path = as_path(path)
        self.cache = cache
        with readable(path, RuntimeError, KeyError), h5_file(self.path) as file:
            dataset = file.get(_DATASET)
            if not isinstance(dataset, h5py.Dataset):
                raise FringeError(
                    f"{path}: has no dataset `{_DATASET}`, but {sorted(file)}; name the array of "
                    f"images `{_DATASET}`"
                )
            link = file.get(_DATASET, getlink=True)
            if isinstance(link, h5py.ExternalLink) or dataset.is_virtual or dataset.external:
                # The fingerprint of this file would not tell when those change.
                raise FringeError(
                    f"{path}: its `{_DATASET}` lies in other files; copy it into one "
                    "file (h5repack)"
                )
            shape, dtype = dataset.shape, dataset.dtype
            self._chunk = 1 if dataset.chunks is None else dataset.chunks[0]  # images in it
            self.grouped = self._chunk > 1
        super().__init__(str(path), shape, dtype, fit, count)

    @property
    def files(self) -> list[Path]:
        """The file."""
        return [self.path]

    @cached_property
    def _contents(self) -> ImageDigests:
        return ImageDigests([self.path], [0, self.count], "", self.cache)

    def fingerprint_at(self, indices: Indices) -> str:
        """Return SHA-256 of the pixels of the images in that order, and of the resizing.

        Other images do not count, nor does how the file is divided and compressed.
        """
        return self._digest("hdf5", self.shape[1:], self._contents.of(indices, self._stored))

    def _stored(self, indices: Sequence[int]) -> Iterator[bytes]:
        step = max(1, BLOCK // int(np.prod(self.shape[1:], dtype=np.int64)))
        for start in range(0, len(indices), step):
            yield from map(bytes, self._rows(indices[start : start + step]))

    def _rows(self, indices: Sequence[int]) -> Images:
        order, back = np.unique(np.asarray(indices, np.int64), return_inverse=True)
        images = np.empty((len(order), *self.shape[1:]), np.uint8)
        # Neighbours, and images of one chunk, are read at once: to select scattered ones takes HDF5
        # long, and it would decompress a chunk for each of its images.
        apart = (np.diff(order) > 1) & (np.diff(order // self._chunk) > 0)
        begins = [0, *(np.flatnonzero(apart) + 1).tolist(), len(order)]
        with readable(self.path, RuntimeError, KeyError), h5_file(self.path) as file:
            dataset = file[_DATASET]
            for begin, end in pairwise(begins):
                rows = order[begin:end]
                if len(rows):
                    images[begin:end] = dataset[rows[0] : rows[-1] + 1][rows - rows[0]]
        return images[back]
