"""Read scattered images of grouped files ahead, a large part at a time.

Reading one image of a Parquet file reads its group of rows, reading one of a chunked HDF5 file
reads its chunk, and reading one of a compressed NPZ reads all images before it. In the order of
the files this happens once per group. In random order it would happen again for each image.
"""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from fringe.sources.base import Images, ImageSource, Indices, check_indices
from fringe.sources.selection import Shuffled

__all__ = ["along"]

WINDOW = 128 << 20  # bytes of stored images in memory at a time
FIRST = 64  # images in the first part, whose size is not known yet


def along(source: ImageSource, bounds: Sequence[tuple[int, int]]) -> "ImageSource | Ahead":
    """Return a reader that is fast if ``source`` is read in the order of ``bounds``.

    Parameters
    ----------
    source : ImageSource
    bounds : sequence of (int, int)
        The first image of each batch, and one past its last image, in the order in which batches
        are read. Threads may overtake each other.
    """
    if isinstance(source, Shuffled) and source.source.grouped:
        return Ahead(source, bounds)
    return source


class Ahead:
    """A shuffled source that is read in a known order, each image once. See `along`.

    Stored images are read in the order of the files: each time the next images that fit into
    WINDOW. At most three times WINDOW is in memory. A pickle does not contain stored images.
    """

    def __init__(self, source: Shuffled, bounds: Sequence[tuple[int, int]]) -> None:
        """Store the arguments; read nothing yet."""
        self.source = source
        self._coming = np.concatenate([source.indices[first:last] for first, last in bounds])
        self._begin()

    def _begin(self) -> None:
        self._next = 0  # position in the known order
        self._read = 0  # bytes read so far
        self._held: dict[int, bytes] = {}
        self._size = 0  # bytes of the images in memory
        self._lock = threading.Lock()

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices``, as `Shuffled.read` does.

        Raises
        ------
        FringeError
            As `Shuffled.read`.
        """
        files = self.source.source
        wanted = self.source.indices[check_indices(indices, len(self.source), files.name)].tolist()
        with self._lock:
            while not self._holds(wanted) and self._may_read_on:
                self._read_on()
            stored = (
                {one: self._held.pop(one) for one in set(wanted)} if self._holds(wanted) else {}
            )
            self._size -= sum(map(len, stored.values()))
        # Otherwise the images are not in ``bounds``, were read before, or are too large.
        return files.from_stored(wanted, stored.__getitem__) if stored else files.read(wanted)

    def _holds(self, wanted: list[int]) -> bool:
        return all(index in self._held for index in wanted)

    @property
    def _may_read_on(self) -> bool:
        return self._next < len(self._coming) and self._size <= 2 * WINDOW

    def _read_on(self) -> None:
        """Read the next part."""
        count = FIRST if self._next == 0 else max(1, WINDOW * self._next // max(1, self._read))
        part = np.unique(self._coming[self._next : self._next + count]).tolist()
        for index, data in zip(part, self.source.source._stored(part), strict=True):
            self._held[index] = data
            self._read += len(data)
            self._size += len(data)
        self._next = min(self._next + count, len(self._coming))

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the source and the known order."""
        return {"source": self.source, "_coming": self._coming}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore, with no images in memory."""
        vars(self).update(state)
        self._begin()
