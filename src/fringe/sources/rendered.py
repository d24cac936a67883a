"""Images of a generator, stored in shards so that every network reads the same files."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np

from fringe.errors import FringeError
from fringe.files.hdf5 import create_h5, open_h5, scratch_copy
from fringe.progress import progress
from fringe.sources.base import Images, ImageSource, Indices, check_indices
from fringe.sources.hdf5 import rows_of

__all__ = ["KeptImages", "RenderedShard", "copied_to_scratch", "render_shard"]

BLOCK = 50  # images made at a time


def render_shard(
    source: ImageSource,
    first: int,
    last: int,
    path: str | os.PathLike[str],
    provenance: Mapping[str, str | int | float],
    *,
    scratch: bool = False,
) -> None:
    """Write images ``first`` to ``last - 1`` of ``source`` to an HDF5 file.

    Dataset ``images``: (last - first, H, W, 3) uint8 RGB, one chunk per image, losslessly
    compressed, with checksums. With ``scratch``, the file is first written in the node's own
    temporary folder (`fringe.files.hdf5.create_h5`).

    Parameters
    ----------
    source : ImageSource
        The images.
    first, last : int
        The first image, and one past the last image.
    path : path-like
        The new file.
    provenance : mapping
        Attributes of the file. The attribute ``images`` is the fingerprint of the images.
    scratch : bool
        Whether to write the file in the temporary folder first.

    Raises
    ------
    FringeError
        If an image cannot be read, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from fringe.sources import PhotoSource, RenderedShard, render_shard
    >>> photos = PhotoSource(10, 32, seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     attributes = {"images": photos.fingerprint_of(4, 8)}
    ...     render_shard(photos, 4, 8, f"{folder}/4-8.h5", attributes)
    ...     shard = RenderedShard(f"{folder}/4-8.h5")
    ...     print(bool((shard.read([5]) == photos.read([5])).all()))
    True
    """
    shape = (*source.resolution, 3)
    about = {**provenance, "first": first, "last": last}
    with create_h5(path, about, scratch=scratch) as file:
        dataset = file.create_dataset(
            "images",
            (last - first, *shape),
            "u1",
            chunks=(1, *shape),
            compression="gzip",
            compression_opts=1,
            fletcher32=True,
        )
        blocks = range(first, last, BLOCK)
        for start in progress(blocks, source.name, total=last - first, unit="images", step=BLOCK):
            stop = min(start + BLOCK, last)
            dataset[start - first : stop - first] = source.read(range(start, stop))


class RenderedShard:
    """One shard as an image source. Its images keep their index in the whole source.

    Parameters
    ----------
    path : path-like
        A file that `render_shard` wrote.
    copy : path-like, optional
        A copy of the file, which is read instead of it.

    Raises
    ------
    FringeError
        If the file is missing or damaged, or an image outside the shard is requested.

    Examples
    --------
    >>> import tempfile
    >>> from fringe.sources import PhotoSource, RenderedShard, render_shard
    >>> photos = PhotoSource(10, 32, seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     render_shard(photos, 4, 8, f"{folder}/4-8.h5", {"images": photos.fingerprint_of(4, 8)})
    ...     shard = RenderedShard(f"{folder}/4-8.h5")
    >>> shard.first, shard.last, shard.resolution
    (4, 8, (32, 32))
    """

    def __init__(
        self, path: str | os.PathLike[str], copy: str | os.PathLike[str] | None = None
    ) -> None:
        """Read the attributes of the shard."""
        self.path = Path(path)
        self.copy = Path(copy or path)
        self.name = str(path)
        self.simulated = True
        with open_h5(self.copy, self.path) as file:
            self.first, self.last = (int(file.attrs[key]) for key in ("first", "last"))
            self.resolution: tuple[int, int] = file["images"].shape[1:3]
            self.fingerprint = str(file.attrs["images"])

    def __len__(self) -> int:
        """Return one past the index of the last image."""
        return self.last

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return the fingerprint of the whole shard, for any images: it has no finer one."""
        return self.fingerprint

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices`` of the whole source, which must be in the shard."""
        rows = np.asarray(check_indices(indices, self.last, self.name), np.int64) - self.first
        if len(rows) and rows.min() < 0:
            raise FringeError(f"{self.name}: begins at image {self.first}; read another shard")
        with open_h5(self.copy, self.path) as file:
            return rows_of(file["images"], rows)


@contextmanager
def copied_to_scratch(shards: Sequence[RenderedShard]) -> Iterator[list[RenderedShard]]:
    """Yield the same shards, read from copies in the node's own temporary folder.

    Reading scattered small pieces is slow on a network file system. The copies are removed after
    the block, even after an error.

    Parameters
    ----------
    shards : sequence of RenderedShard
        The shards to copy.

    Raises
    ------
    FringeError
        If the disk has too little space for the copies.

    Examples
    --------
    >>> import tempfile
    >>> from fringe.sources import PhotoSource, RenderedShard, copied_to_scratch, render_shard
    >>> photos = PhotoSource(4, 32, seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/0-4.h5"
    ...     render_shard(photos, 0, 4, path, {"images": photos.fingerprint})
    ...     with copied_to_scratch([RenderedShard(path)]) as (copy,):
    ...         print(copy.read([0, 3]).shape, str(copy.copy) == path)
    (2, 32, 32, 3) False
    """
    with ExitStack() as copies:
        yield [
            RenderedShard(shard.path, copies.enter_context(scratch_copy(shard.path)))
            for shard in shards
        ]


class KeptImages:
    """The images of a source with stored shards: images in shards are read, others are made.

    Parameters
    ----------
    source : ImageSource
        Describes the images. It is not used to make images.
    shards : sequence of RenderedShard
        The existing shards of exactly this source. They may overlap.
    render : callable
        Opens the source that makes the other images. Called when the first of them is requested.

    Examples
    --------
    >>> import tempfile
    >>> from fringe.sources import KeptImages, PhotoSource, RenderedShard, render_shard
    >>> photos = PhotoSource(10, 32, seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/4-8.h5"
    ...     render_shard(photos, 4, 8, path, {"images": photos.fingerprint_of(4, 8)})
    ...     kept = KeptImages(photos, [RenderedShard(path)], lambda: photos)
    ...     print(kept.read([3, 4]).shape)
    (2, 32, 32, 3)
    """

    def __init__(
        self,
        source: ImageSource,
        shards: Sequence[RenderedShard],
        render: Callable[[], ImageSource],
    ) -> None:
        """Store the arguments; read nothing yet."""
        self.source = source
        self.shards = sorted(shards, key=lambda shard: shard.first)
        self.render = render
        self.name = source.name
        self.simulated = source.simulated
        self.fingerprint = source.fingerprint

    def __len__(self) -> int:
        """Return the number of images of the whole source."""
        return len(self.source)

    @property
    def resolution(self) -> tuple[int, int]:
        """Height and width of every image, in pixels."""
        return (self.shards[0] if self.shards else self.source).resolution

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return the fingerprint that the source returns."""
        return self.source.fingerprint_of(first, last)

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices``, in their order."""
        wanted = np.asarray(check_indices(indices, len(self), self.name), np.int64)
        images = np.empty((len(wanted), *self.resolution, 3), np.uint8)
        left = np.ones(len(wanted), bool)
        for shard in self.shards:
            rows = left & (wanted >= shard.first) & (wanted < shard.last)
            if rows.any():
                images[rows] = shard.read(wanted[rows])
                left &= ~rows
        if left.any():
            images[left] = self._rendering.read(wanted[left])
        return images

    @cached_property
    def _rendering(self) -> ImageSource:
        return self.render()
