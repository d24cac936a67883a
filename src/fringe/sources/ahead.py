"""Scattered images of files that hold them in groups, read ahead a large part at a time.

To read one image of a Parquet file is to read its group of rows, one of a chunked HDF5 file its
chunk, and one of a compressed NPZ all images before it. In the order of the files that happens once
for each group; in a random order it would happen again for each image.
"""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from fringe.sources.base import Images, ImageSource, Indices, check_indices
from fringe.sources.selection import Shuffled

__all__ = ["along"]

WINDOW = 128 << 20  # bytes of stored images that are held at a time
FIRST = 64  # images in the first part, before it is known how large they are


def along(source: ImageSource, bounds: Sequence[tuple[int, int]]) -> "ImageSource | Ahead":
    """Return what reads ``source`` quickly, if it is read from each of ``bounds`` to the next.

    Parameters
    ----------
    source : ImageSource
    bounds : sequence of (int, int)
        The first image of each batch, and the one behind its last, in the order in which batches
        are read; threads may overtake each other.
    """
    if isinstance(source, Shuffled) and source.source.grouped:
        return Ahead(source, bounds)
    return source


class Ahead:
    """A shuffled source that is read in a known order, each image once; see `along`.

    Stored images are read in the order of the files, as many of the next ones as WINDOW holds; no
    more than three times WINDOW is held. When pickled, none goes along.
    """

    def __init__(self, source: Shuffled, bounds: Sequence[tuple[int, int]]) -> None:
        """Keep them; nothing is read yet."""
        self.source = source
        self._coming = np.concatenate([source.indices[first:last] for first, last in bounds])
        self._begin()

    def _begin(self) -> None:
        self._next = 0  # among those to come
        self._read = 0  # bytes of all that were read so far
        self._held: dict[int, bytes] = {}
        self._size = 0  # bytes of these
        self._lock = threading.Lock()

    def read(self, indices: Indices) -> Images:
        """Return what the source does.

        Raises
        ------
        FringeError
            As the source does.
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
        # Otherwise they are not among those that were told, were read before, or are too large.
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
        """Pickle what was told."""
        return {"source": self.source, "_coming": self._coming}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin again."""
        vars(self).update(state)
        self._begin()
