"""Images that a generator made, kept in shards so that every network reads the same files."""

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

    Dataset ``images``: (last - first, H, W, 3) uint8 RGB, one chunk an image, compressed without
    loss, with checksums. With ``scratch`` it is written in the node's own temporary folder first
    (`fringe.files.hdf5.create_h5`).
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
    """One shard as an image source; its images keep the index they have in the whole.

    Parameters
    ----------
    path : path-like
        What `render_shard` wrote.
    copy : path-like, optional
        Where the same file is read, if not there.

    Raises
    ------
    FringeError
        If it is missing or damaged, or an image outside the shard is read.
    """

    def __init__(
        self, path: str | os.PathLike[str], copy: str | os.PathLike[str] | None = None
    ) -> None:
        """Read what the shard holds."""
        self.path = Path(path)
        self.copy = Path(copy or path)
        self.name = str(path)
        self.simulated = True
        with open_h5(self.copy, self.path) as file:
            self.first, self.last = (int(file.attrs[key]) for key in ("first", "last"))
            self.resolution: tuple[int, int] = file["images"].shape[1:3]
            self.fingerprint = str(file.attrs["images"])

    def __len__(self) -> int:
        """Return the index behind the last image."""
        return self.last

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return what the whole shard was made from, whatever the images: that is all it knows."""
        return self.fingerprint

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices`` of the whole source, all inside the shard."""
        rows = np.asarray(check_indices(indices, self.last, self.name), np.int64) - self.first
        if len(rows) and rows.min() < 0:
            raise FringeError(f"{self.name}: begins at image {self.first}; read another shard")
        with open_h5(self.copy, self.path) as file:
            return rows_of(file["images"], rows)


@contextmanager
def copied_to_scratch(shards: Sequence[RenderedShard]) -> Iterator[list[RenderedShard]]:
    """Yield the same shards, read from copies in the node's own temporary folder.

    Images are read in small pieces here and there, which a network file system is slow at. The
    copies are removed after the block, however that ends.

    Raises
    ------
    FringeError
        If there is no room for them.
    """
    with ExitStack() as copies:
        yield [
            RenderedShard(shard.path, copies.enter_context(scratch_copy(shard.path)))
            for shard in shards
        ]


class KeptImages:
    """The images of a source of which shards were rendered and kept: these are read, others made.

    Parameters
    ----------
    source : ImageSource
        Says what the images are; makes none.
    shards : sequence of RenderedShard
        Those that are there, made from just this source. They may overlap.
    render : callable
        Opens the source where images have to be made; called when the first one has to be.
    """

    def __init__(
        self,
        source: ImageSource,
        shards: Sequence[RenderedShard],
        render: Callable[[], ImageSource],
    ) -> None:
        """Keep them; nothing is read yet."""
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
        """Height and width of every image, pixels."""
        return (self.shards[0] if self.shards else self.source).resolution

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return the source's."""
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
