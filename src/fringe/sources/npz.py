"""Images in an NPZ file, the format of samplers of diffusion models."""

import math
import threading
import zipfile
import zlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from fringe.errors import ChangedError, FringeError
from fringe.files.hdf5 import is_made_from
from fringe.files.npy import read_header
from fringe.files.regular import open_regular
from fringe.files.zipfiles import (
    DAMAGE,
    PLAIN,
    Archive,
    data_offset,
    open_member,
    open_zip,
    refuse_unreadable,
)
from fringe.progress import advance
from fringe.sources.array_files import CompressedArray, Held, choose_array
from fringe.sources.base import Images, Indices, PerProcess, as_path, digest, readable
from fringe.sources.digests import forget, pack, remembered, unpack
from fringe.sources.fitting import Fit
from fringe.sources.limits import LIMITS, Limits
from fringe.sources.rendered import RenderedShard

__all__ = ["NpzSource"]

_USUAL = "arr_0"
_MOST = 100  # arrays to check: files with an array for each image have more
_BLOCK = 1 << 20  # bytes after which the progress of checking is reported

_checking = threading.Lock()  # only one of several threads checks a file


class NpzSource(CompressedArray):
    """The array ``arr_0`` of an NPZ file, or the only array in it that may contain images.

    The array is uint8 (N, H, W, 3), RGB, or (N, H, W, 1), gray, and is never held in memory as a
    whole. A stored array (`numpy.savez`) is read in place. A compressed array
    (`numpy.savez_compressed`) is decompressed as a stream, which is fast in increasing order of
    indices, or read from an unpacked copy (`fringe.sources.unpacked`). Nothing is unpickled: arrays
    of objects are refused.

    Before the first image is read, or the fingerprint of a stored array is returned, the whole
    array is read once for its CRC-32. This also computes the CRC-32 of each image, with which
    later reads are compared.

    Parameters
    ----------
    path : path-like
        The file.
    fit : Fit, optional
        How every image is cropped and resized.
    count : int, optional
        Use only the first ``count`` images.
    cache : path-like, optional
        Folder that stores the CRC-32 of the images of an undamaged array (`remembered`).
    limits : Limits
        Limits on the size of decoded data.

    Raises
    ------
    FringeError
        If the file is missing, unreadable or truncated, has no such array, or has fewer than
        ``count`` images.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from fringe.sources import NpzSource
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/samples.npz", np.full((3, 8, 8, 3), 7, np.uint8))
    ...     print(NpzSource(f"{folder}/samples.npz").read([0, 2]).shape)
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
        """Read the directory and the arrays' headers."""
        self.path = as_path(path)
        self.cache = cache
        with readable(path, *DAMAGE), open_zip(self.path) as archive:
            info = _find(archive, str(path))
            with open_member(archive, info) as member:
                header = read_header(member)
                header_bytes = member.tell()
            start = 0 if info.compress_type != zipfile.ZIP_STORED else data_offset(archive, info)
        if header.fortran_order:
            raise FringeError(
                f"{path}: its array is in Fortran order; save numpy.ascontiguousarray(images)"
            )
        super().__init__(str(path), Held(header.shape, header.dtype), fit, count, limits)
        if info.file_size != header_bytes + header.size:
            raise FringeError(
                f"{path}: its array has {info.file_size} bytes, which does not match its shape "
                f"{self.shape}; fetch or make it again"
            )
        self._content = (info.filename, info.file_size, info.CRC)
        self.compressed = info.compress_type != zipfile.ZIP_STORED
        self.grouped = self.compressed
        # Checksums of all images, once the array was checked.
        self._checksums: npt.NDArray[np.uint32] | None = None
        self._unpacked: RenderedShard | None = None
        self._pixels = PerProcess(partial(_open_pixels, self.path, info.filename, self.compressed))
        # Offset of image 0 in the opened stream.
        self._start = start + header_bytes

    @property
    def files(self) -> list[Path]:
        """The file."""
        return [self.path]

    @property
    def identity(self) -> str:
        """SHA-256 of the whole array's size and CRC, which cover all images, used or not."""
        return digest(["npz", *self._content])

    def fingerprint_at(self, indices: Indices) -> str:
        """Return the SHA-256 of the whole array's size and CRC, of indices, and of the resizing."""
        if not self.compressed:  # a compressed array is checked when it is read or unpacked
            self._check()
        return self._digest("npz", *self._content, *map(int, indices))

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return the SHA-256 of the whole array's size and CRC, and of the resizing."""
        return self.fingerprint_at([])

    def _check(self) -> None:
        """Raise if the array does not match its CRC-32."""
        with _checking:
            if self._checksums is None:
                member, size, checksum = self._content
                what = f"CRC-32 of images of {member} ({size} bytes, {checksum:08x}) in "
                learn = partial(
                    _read_to_the_end,
                    content=self._content,
                    header=size - self.size,
                    bytes_each=self.size // self.shape[0],
                )
                (found,) = remembered(
                    [self.path], self.cache, what, learn, in_bytes=True, doing="checking"
                )
                most = 4 * self.shape[0]
                try:
                    checksums = unpack(found, most)
                except ValueError:  # the cache was edited
                    checksums = b""
                if len(checksums) != most:
                    checksums = unpack(learn(self.path), most)
                self._checksums = np.frombuffer(checksums, np.uint32)

    def _is_other(self, index: int, data: bytes | memoryview) -> bool:
        if self._unpacked is not None or self._checksums is None:
            return False
        if zlib.crc32(data) == self._checksums[index]:
            return False
        forget(self.path, self.cache)
        return True

    def stored(self, rows: int) -> Iterator[Images]:
        """Yield all stored images of the array, used or not, ``rows`` at a time.

        Raises
        ------
        FringeError
            If the array is damaged; at the end, if it does not match its CRC-32.
        """
        count, *shape = self.shape
        with (
            readable(self.path, *DAMAGE),
            Archive(self.path) as archive,
            open_member(archive, _info(archive, self._content, self.path)) as stream,
        ):
            stream.read(self._content[1] - self.size)  # the header
            for first in range(0, count, rows):
                some = (min(rows, count - first), *shape)
                yield np.frombuffer(stream.read(math.prod(some)), np.uint8).reshape(some)
            stream.read(1)  # length and checksum are verified at the end of the stream

    def read_unpacked(self, path: Path) -> None:
        """Read images from a file of `fringe.sources.unpacked.unpack`, if it is of this array."""
        if is_made_from(path, {"images": self.identity}):
            self._unpacked = RenderedShard(path)
            self.grouped = False

    def _rows(self, indices: Sequence[int]) -> Images:
        if self._unpacked is not None:
            return self._unpacked.read(indices)
        self._check()
        images = np.empty((len(indices), *self.shape[1:]), np.uint8)
        bytes_each = images.nbytes // max(1, len(indices))
        with readable(self.path, *DAMAGE):
            stream = self._pixels.get()
            for row in np.argsort(np.asarray(indices), kind="stable"):
                stream.seek(self._start + indices[row] * bytes_each)
                data = stream.read(bytes_each)
                if len(data) != bytes_each:
                    raise FringeError(
                        f"{self.path}: ends within image {indices[row]}; fetch or make it again"
                    )
                images[row] = np.frombuffer(data, np.uint8).reshape(self.shape[1:])
        return images


def _find(archive: Archive, name: str) -> zipfile.ZipInfo:
    """Return the member with the array of images."""
    arrays: dict[str, Held] = {}
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        key = info.filename.removesuffix(".npy")
        if key == info.filename or (key != _USUAL and len(arrays) > _MOST):
            continue
        if members.setdefault(key, info) is not info:
            raise FringeError(f"{name}: holds the array `{key:.80}` twice; make the file again")
        # Other arrays may be unreadable: then they are not the images.
        harmless = () if key == _USUAL else (FringeError, *DAMAGE)
        with suppress(*harmless):
            refuse_unreadable(info, name, PLAIN)
            with open_member(archive, info) as member:
                header = read_header(member)
            arrays[key] = Held(header.shape, header.dtype)
    if {"mu", "sigma"} <= set(arrays) and not any(len(a.shape) > 2 for a in arrays.values()):
        raise FringeError(
            f"{name}: holds statistics (mu, sigma), not images; read them with "
            "fringe.exchange.read_statistics if a mean and covariance are enough, and "
            "give the images if features are extracted"
        )
    return members[choose_array(name, arrays, _USUAL)]


def _info(archive: Archive, content: tuple[str, int, int], path: Path) -> zipfile.ZipInfo:
    """Return the directory entry of a member with the given name, size and CRC-32.

    Raises
    ------
    ChangedError
        If there is no such entry.
    """
    info = archive.NameToInfo.get(content[0])
    if info is None or (info.filename, info.file_size, info.CRC) != content:
        raise ChangedError(f"{path}: was changed since it was opened; run again")
    return info


def _read_to_the_end(
    path: Path, content: tuple[str, int, int], header: int, bytes_each: int
) -> str:
    """Read a whole member; verify its length and CRC-32 in the directory.

    Returns
    -------
    str
        The CRC-32 of each image after the ``header``, as text.
    """
    checksums = array("I")
    with (
        readable(path, *DAMAGE),
        Archive(path) as archive,
        open_member(archive, info := _info(archive, content, path)) as stream,
    ):
        stream.read(header)
        counted, total = 0, header
        while image := stream.read(bytes_each):
            checksums.append(zlib.crc32(image))
            total += len(image)
            done = info.compress_size * total // info.file_size  # approximate bytes of the file
            if done - counted >= _BLOCK or total == info.file_size:
                advance(done - counted)
                counted = done
    return pack(checksums.tobytes())


def _open_pixels(path: Path, member: str, compressed: bool) -> IO[bytes]:
    return Archive(path).open(member) if compressed else open_regular(path)
