"""Unpack a compressed array of images once, so that every image can be read directly."""

import errno
import os
import shutil
from pathlib import Path
from typing import NamedTuple

from fringe.errors import FringeError
from fringe.files.hdf5 import create_h5
from fringe.progress import progress
from fringe.sources.array_files import CompressedArray
from fringe.sources.base import ImageSource
from fringe.sources.selection import Selection

__all__ = ["Packed", "packed", "read_unpacked", "unpack"]

BLOCK = 16 << 20  # bytes to unpack at a time
CHUNK = 64 << 10  # least bytes of a chunk, the unit of HDF5's reads and checksums


class Packed(NamedTuple):
    """An array to be unpacked.

    Attributes
    ----------
    identity : str
        Hex SHA-256 that changes with the images, whether they are used or not.
    size : int
        Unpacked bytes of all images.
    """

    identity: str
    size: int


def packed(source: ImageSource) -> Packed | None:
    """Return the array to unpack, or None if images can be read without those before them.

    Examples
    --------
    >>> from fringe.sources import open_source
    >>> numpy.savez_compressed("samples.npz", images)  # doctest: +SKIP
    >>> packed(open_source("samples.npz"))  # doctest: +SKIP
    Packed(identity='2d1c...', size=983040000)
    """
    files = _compressed(source)
    return None if files is None else Packed(files.identity, files.size)


def unpack(source: ImageSource, path: str | os.PathLike[str]) -> None:
    """Write all stored images of a compressed array, used or not, to an HDF5 file.

    Dataset ``images``: uint8 (N, H, W, C), not compressed, with checksums. The array is read once
    from start to end. The file gets its name only if the array's own checksum was right.

    Raises
    ------
    FringeError
        If the array is damaged, the disk has too little space for the images, or the source has no
        compressed array.
    """
    files = _compressed(source)
    if files is None:
        raise FringeError(f"{source.name}: has nothing to unpack; read it directly")
    _refuse_full_disk(Path(path), files)
    count, *shape = files.shape
    bytes_each = files.size // count
    in_chunk = max(1, min(count, CHUNK // bytes_each))
    in_block = max(1, BLOCK // (bytes_each * in_chunk)) * in_chunk
    about: dict[str, str | int | float] = {"images": files.identity, "first": 0, "last": count}
    with create_h5(path, about) as file:
        dataset = file.create_dataset(
            "images", files.shape, "u1", chunks=(in_chunk, *shape), fletcher32=True
        )
        blocks = files.stored(in_block)
        title = f"unpacking {files.name}"
        first = 0
        for block in progress(blocks, title, total=count, unit="images", step=in_block):
            dataset[first : first + len(block)] = block
            first += len(block)


def read_unpacked(source: ImageSource, path: Path) -> None:
    """Make a compressed source read its images from the file that `unpack` wrote for it.

    No effect if the file does not exist or was made from another array, and on all other sources.
    """
    files = _compressed(source)
    if files is not None:
        files.read_unpacked(path)


def _compressed(source: ImageSource) -> CompressedArray | None:
    """Return the array that contains a source's images, if it is compressed."""
    files = source.source if isinstance(source, Selection) else source
    return files if isinstance(files, CompressedArray) and files.compressed else None


def _refuse_full_disk(path: Path, files: CompressedArray) -> None:
    place = next(folder for folder in path.absolute().parents if folder.exists())
    free = shutil.disk_usage(place).free
    if files.size > free:
        raise FringeError(
            f"{path}: cannot be written ({os.strerror(errno.ENOSPC)}): the images of {files.name} "
            f"take {files.size / 1e9:.1f} GB, but {free / 1e9:.1f} GB are free; free some space, "
            "or set `extraction/keep_images: false`, so that every job decompresses them"
        )
