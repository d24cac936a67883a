"""What the chunks of an HDF5 dataset unpack to, checked before HDF5 reads them.

HDF5 unpacks a chunk to its end, however much that is; and where a chunk unpacks to too little, it
gives out whatever lies behind it in memory.
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
_CHECKSUM = 4  # bytes behind what fletcher32 sums up
_MARGIN = 1 << 16  # bytes by which packing may make a chunk larger


def check_layout(dataset: h5py.Dataset, name: str, limits: Limits) -> None:
    """Raise if images of a dataset are too large, or as `check_packing` does.

    Raises
    ------
    FringeError
        If so.
    """
    limits.check_pixels(name, dataset.shape[2], dataset.shape[1])
    check_packing(dataset, name, limits)


def check_packing(dataset: h5py.Dataset, name: str, limits: Limits) -> None:
    """Raise if chunks of a dataset are too large, or packed by what is not read.

    The first axis of the dataset is that of images. A filter that HDF5 lacks it would load as a
    program, from a folder of plugins.

    Raises
    ------
    FringeError
        If so, or if the dataset has more images than its file has bytes.
    """
    codes = []
    for code, about in _filters(dataset):
        if code not in _READ:
            raise FringeError(
                f"{name}: its `{dataset.name}` is packed by the filter {about!r} (number {code}), "
                f"and only {', '.join(_READ.values())} are read; pack it again (h5repack -f GZIP=4)"
            )
        codes.append(code)
    if len(set(codes)) < len(codes) or set(codes) >= _PACKERS:
        raise FringeError(
            f"{name}: its `{dataset.name}` is packed several times over; pack it again once "
            "(h5repack -f GZIP=4)"
        )
    if dataset.chunks:
        limits.check_bytes(name, _size(dataset), f"a chunk of its `{dataset.name}`")
    file_size = dataset.file.id.get_filesize()
    if dataset.shape and dataset.shape[0] > file_size:
        raise FringeError(
            f"{name}: claims {dataset.shape[0]:,} images in a file of {file_size:,} bytes, so most "
            "were never written; write them all, or make the dataset as long as what it holds"
        )


def check_chunks(dataset: h5py.Dataset, first: int, last: int, name: str) -> None:
    """Raise if a chunk of images ``first`` to ``last - 1`` is not what it must be.

    Raises
    ------
    FringeError
        If one unpacks to more or fewer bytes than a chunk has.
    """
    codes = [code for code, _ in _filters(dataset)]
    if not codes:
        return
    size = _size(dataset)
    room = np.empty(2 * size + _MARGIN, np.uint8)
    for place in _places(dataset, first, last):
        # Read and not asked about: HDF5 looks at all chunks before one to say how large it is.
        try:
            skipped, data = dataset.id.read_direct_chunk(place, out=room)
        except ValueError:  # it is larger than the room
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
    """Return for each row whether one of its chunks is not in the file; None if all are."""
    count = len(dataset)
    if dataset.chunks is None:
        # One piece, which is there as soon as anything was written.
        return None if dataset.id.get_storage_size() else np.ones(count, bool)
    grid = [-(-length // step) for length, step in zip(dataset.shape, dataset.chunks, strict=True)]
    if dataset.id.get_num_chunks() == np.prod(grid, dtype=np.int64):
        return None
    there = np.zeros(grid[0], np.int64)

    def note(chunk: Any) -> None:
        there[chunk.chunk_offset[0] // dataset.chunks[0]] += 1

    dataset.id.chunk_iter(note)
    lacking = there < np.prod(grid[1:], dtype=np.int64)
    return np.repeat(lacking, dataset.chunks[0])[:count]


def _is_whole(data: bytes | memoryview, used: list[int], size: int) -> bool:
    """Tell whether what is stored of a chunk unpacks to ``size`` bytes, by the filters it has."""
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
    """Return number and name of each filter, in the order in which chunks are packed."""
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
    """Yield where the chunks begin that hold a part of some images."""
    step, *others = dataset.chunks
    begin = first // step * step
    grid = [range(0, length, one) for length, one in zip(dataset.shape[1:], others, strict=True)]
    return product(range(begin, last, step), *grid)
