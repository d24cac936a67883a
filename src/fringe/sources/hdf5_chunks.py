"""Check the unpacked size of chunks of an HDF5 dataset before HDF5 reads them.

HDF5 unpacks a chunk to its end, even if it is huge. If a chunk unpacks to too few bytes, HDF5
returns the bytes that follow it in memory.
"""

import zlib
from collections.abc import Iterator
from itertools import product
from typing import Any

import h5py
import imagecodecs
import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.sources.limits import Limits

__all__ = ["check_chunks", "check_layout", "check_packing", "lacking_rows"]

_DEFLATE, _SHUFFLE, _FLETCHER32, _LZF = 1, 2, 3, 32000
_READ = {_DEFLATE: "gzip", _LZF: "lzf", _SHUFFLE: "shuffle", _FLETCHER32: "fletcher32"}
_PACKERS = {_DEFLATE, _LZF}
_CHECKSUM = 4  # bytes of fletcher32's checksum, which follow the data
_MARGIN = 1 << 16  # most bytes that packing may add to a chunk


def check_layout(dataset: h5py.Dataset, name: str, limits: Limits) -> None:
    """Raise if images of a dataset are too large; check its packing as well.

    Raises
    ------
    FringeError
        If images are too large, or as `check_packing`.
    """
    limits.check_pixels(name, dataset.shape[2], dataset.shape[1])
    check_packing(dataset, name, limits)


def check_packing(dataset: h5py.Dataset, name: str, limits: Limits) -> None:
    """Raise if chunks of a dataset are too large, or packed by filters that are not read.

    The first axis of the dataset is that of images. HDF5 would load an unknown filter as a program,
    from a folder of plugins.

    Raises
    ------
    FringeError
        If chunks are too large, a filter is not read, or there are more images than bytes.
    """
    codes = []
    for code, about in _filters(dataset):
        if code not in _READ:
            raise FringeError(
                f"{name}: its `{dataset.name}` is packed by the filter {about!r} (number {code}), "
                f"but only {', '.join(_READ.values())} are read; pack it again (h5repack -f GZIP=4)"
            )
        codes.append(code)
    if len(set(codes)) < len(codes) or set(codes) >= _PACKERS:
        raise FringeError(
            f"{name}: its `{dataset.name}` is packed several times; pack it only once "
            "(h5repack -f GZIP=4)"
        )
    if dataset.chunks:
        limits.check_bytes(name, _size(dataset), f"a chunk of its `{dataset.name}`")
    file_size = dataset.file.id.get_filesize()
    if dataset.shape and dataset.shape[0] > file_size:
        raise FringeError(
            f"{name}: claims {dataset.shape[0]:,} images in a file of {file_size:,} bytes, so most "
            "were never written; write them all, or shorten the dataset to its written images"
        )


def check_chunks(dataset: h5py.Dataset, first: int, last: int, name: str) -> None:
    """Raise if a chunk of images ``first`` to ``last - 1`` has the wrong unpacked size.

    Raises
    ------
    FringeError
        If a chunk unpacks to more or fewer bytes than a chunk has.
    """
    codes = [code for code, _ in _filters(dataset)]
    if not codes:
        return
    size = _size(dataset)
    room = np.empty(2 * size + _MARGIN, np.uint8)
    for place in _places(dataset, first, last):
        # Read the chunk without asking for its size: for that, HDF5 would visit all earlier chunks.
        try:
            skipped, data = dataset.id.read_direct_chunk(place, out=room)
        except ValueError:  # the chunk is larger than the buffer
            skipped, data = 0, b""
        except RuntimeError as error:
            if "not allocated" not in str(error):
                raise
            continue  # it was never written
        used = [code for number, code in enumerate(codes) if not skipped >> number & 1]
        if not _is_whole(data, used, size):
            raise FringeError(
                f"{name}: is damaged (the chunk of its `{dataset.name}` at image {place[0]} does "
                f"not unpack to the {size:,} bytes of a chunk); fetch or make it again"
            )


def lacking_rows(dataset: h5py.Dataset) -> npt.NDArray[np.bool_] | None:
    """Return, for each row, whether the file lacks one of its chunks; None if it lacks none."""
    count = len(dataset)
    if dataset.chunks is None:
        # One piece, which exists as soon as anything was written.
        return None if dataset.id.get_storage_size() else np.ones(count, bool)
    grid = [-(-length // step) for length, step in zip(dataset.shape, dataset.chunks, strict=True)]
    if dataset.id.get_num_chunks() == np.prod(grid, dtype=np.int64):
        return None
    present = np.zeros(grid[0], np.int64)

    def note(chunk: Any) -> None:
        present[chunk.chunk_offset[0] // dataset.chunks[0]] += 1

    dataset.id.chunk_iter(note)
    lacking = present < np.prod(grid[1:], dtype=np.int64)
    return np.repeat(lacking, dataset.chunks[0])[:count]


def _is_whole(data: bytes | memoryview, used: list[int], size: int) -> bool:
    """Return whether stored data unpack to ``size`` bytes with the filters ``used``."""
    packer = next((number for number, code in enumerate(used) if code in _PACKERS), None)
    if packer is None:
        return len(data) == size + _CHECKSUM * (_FLETCHER32 in used)
    size += _CHECKSUM * (_FLETCHER32 in used[:packer])
    if _FLETCHER32 in used[packer:]:
        data = data[:-_CHECKSUM]
    try:
        if used[packer] == _LZF:
            return len(imagecodecs.lzf_decode(bytes(data), out=size)) == size
        return len(zlib.decompressobj().decompress(data, size + 1)) == size
    except (imagecodecs.LzfError, zlib.error):
        return False


def _filters(dataset: h5py.Dataset) -> list[tuple[int, str]]:
    """Return number and name of each filter, in the order of packing."""
    about = dataset.id.get_create_plist()
    found = [about.get_filter(number) for number in range(about.get_nfilters())]
    return [(code, name.decode(errors="replace")) for code, _, _, name in found]


def _size(dataset: h5py.Dataset) -> int:
    """Return the bytes of an unpacked chunk."""
    size: int = dataset.dtype.itemsize
    for length in dataset.chunks:
        size *= int(length)
    return size


def _places(dataset: h5py.Dataset, first: int, last: int) -> Iterator[tuple[int, ...]]:
    """Yield the start of each chunk that contains a part of the images."""
    step, *others = dataset.chunks
    begin = first // step * step
    grid = [range(0, length, size) for length, size in zip(dataset.shape[1:], others, strict=True)]
    return product(range(begin, last, step), *grid)
