"""What the chunks of an HDF5 dataset unpack to, checked before HDF5 reads them.

HDF5 unpacks a chunk to its end, however much that is; and where a chunk unpacks to too little, it
gives out whatever lies behind it in memory.
"""

import zlib
from collections.abc import Iterator
from itertools import product

import h5py
import imagecodecs

from fringe.errors import FringeError
from fringe.limits import Limits

__all__ = ["check_chunks", "check_layout"]

_DEFLATE, _SHUFFLE, _FLETCHER32, _LZF = 1, 2, 3, 32000
_READ = {_DEFLATE: "gzip", _LZF: "lzf", _SHUFFLE: "shuffle", _FLETCHER32: "fletcher32"}
_PACKERS = {_DEFLATE, _LZF}
_CHECKSUM = 4  # bytes behind what fletcher32 sums up
_MARGIN = 1 << 16  # bytes by which packing may make a chunk larger


def check_layout(dataset: h5py.Dataset, name: str, limits: Limits) -> None:
    """Raise if images or chunks of a dataset are too large, or packed by what is not read.

    A filter that HDF5 lacks it would load as a program, from a folder of plugins.

    Raises
    ------
    FringeError
        If so, or if the dataset has more images than its file has bytes.
    """
    limits.check_pixels(name, dataset.shape[2], dataset.shape[1])
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
    file_size = dataset.file.id.get_filesize()
    for place in _places(dataset, first, last):
        about = dataset.id.get_chunk_info_by_coord(place)
        if about.byte_offset is None:  # it was never written
            continue
        used = [code for number, code in enumerate(codes) if not about.filter_mask >> number & 1]
        is_there = about.byte_offset + about.size <= file_size
        if not is_there or about.size > 2 * size + _MARGIN or not _is_whole(dataset, place, used):
            raise FringeError(
                f"{name}: is damaged (the chunk of its `{dataset.name}` at image {place[0]} does "
                f"not unpack to the {size:,} bytes of a chunk); fetch or make it again"
            )


def _is_whole(dataset: h5py.Dataset, place: tuple[int, ...], used: list[int]) -> bool:
    """Tell whether a chunk unpacks to just the bytes of a chunk, by the filters that it has."""
    size = _size(dataset)
    packer = next((number for number, code in enumerate(used) if code in _PACKERS), None)
    if packer is None:
        stored = dataset.id.get_chunk_info_by_coord(place).size
        return bool(stored == size + _CHECKSUM * (_FLETCHER32 in used))
    size += _CHECKSUM * (_FLETCHER32 in used[:packer])
    data = dataset.id.read_direct_chunk(place)[1]
    if _FLETCHER32 in used[packer:]:
        data = data[:-_CHECKSUM]
    try:
        if used[packer] == _LZF:
            return len(imagecodecs.lzf_decode(data, out=size)) == size
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
