"""Images in an NPZ file, as samplers of diffusion models write them."""

import io
import zipfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from fringe.errors import FringeError
from fringe.sources.base import ArraySource, Images, Indices, PerProcess, as_path, readable
from fringe.sources.fitting import Fit
from fringe.sources.zipfiles import DAMAGE, open_zip, refuse_unreadable

__all__ = ["NpzSource"]

_MEMBER = "arr_0.npy"


class NpzSource(ArraySource):
    """The array ``arr_0`` of an NPZ file: uint8 (N, H, W, 3), RGB.

    The array is never held whole: a stored one (`numpy.savez`) is read in place, a compressed one
    (`numpy.savez_compressed`) is decompressed as a stream, quick in increasing order of index.
    Nothing is unpickled: arrays of objects are refused.

    Parameters
    ----------
    path : path-like
        The file.
    fit : Fit, optional
        How every image is cropped and resized.
    count : int, optional
        Use only the first so many.

    Raises
    ------
    FringeError
        If the file is missing, unreadable or not whole, has no such array, or fewer than
        ``count`` images.
    """

    def __init__(self, path: str | Path, fit: Fit | None = None, count: int | None = None) -> None:
        """Read the directory and the array's header."""
        self.path = as_path(path)
        with readable(path, *DAMAGE), open_zip(self.path) as archive:
            names = [info.filename for info in archive.infolist()]
            if _MEMBER not in names and {"mu.npy", "sigma.npy"} <= set(names):
                raise FringeError(
                    f"{path}: holds statistics (mu, sigma), not images; read them with "
                    "fringe.exchange.read_statistics where a mean and covariance are enough, and "
                    "give the images where features are extracted"
                )
            if _MEMBER not in names:
                raise FringeError(
                    f"{path}: has no array `arr_0`, but {names}; save the images as the only "
                    "array: numpy.savez(path, images)"
                )
            info = archive.getinfo(_MEMBER)
            refuse_unreadable(info, str(path))
            with archive.open(info) as member:
                shape, fortran_order, dtype = _read_header(member, path)
                header_bytes = member.tell()
        if fortran_order:
            raise FringeError(
                f"{path}: its array is in Fortran order; save numpy.ascontiguousarray(images)"
            )
        super().__init__(str(path), shape, dtype, fit, count)
        if info.file_size != header_bytes + int(np.prod(shape, dtype=np.int64)):
            raise FringeError(
                f"{path}: its array has {info.file_size} bytes, not those of shape {shape}; "
                "fetch or make it anew"
            )
        self._content = (info.filename, info.file_size, info.CRC)
        stored = info.compress_type == zipfile.ZIP_STORED
        self._pixels = PerProcess(partial(_open_pixels, self.path, stored))
        # Where in the opened stream image 0 begins.
        self._start = _data_offset(self.path, info) + header_bytes if stored else header_bytes

    @property
    def files(self) -> list[Path]:
        """The file."""
        return [self.path]

    def fingerprint_at(self, indices: Indices) -> str:
        """Return SHA-256 of the whole array's size and CRC, of indices, and of the resizing."""
        return self._digest("npz", *self._content, *map(int, indices))

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return SHA-256 of the whole array's size and CRC, and of the resizing."""
        return self._digest("npz", *self._content)

    def _rows(self, indices: Sequence[int]) -> Images:
        images = np.empty((len(indices), *self.shape[1:]), np.uint8)
        bytes_each = images.nbytes // max(1, len(indices))
        with readable(self.path, *DAMAGE):
            stream = self._pixels.get()
            for row in np.argsort(np.asarray(indices), kind="stable"):
                stream.seek(self._start + indices[row] * bytes_each)
                data = stream.read(bytes_each)
                if len(data) != bytes_each:
                    raise FringeError(
                        f"{self.path}: ends within image {indices[row]}; fetch or make it anew"
                    )
                images[row] = np.frombuffer(data, np.uint8).reshape(self.shape[1:])
        return images


def _open_pixels(path: Path, stored: bool) -> IO[bytes]:
    return path.open("rb") if stored else zipfile.ZipFile(path).open(_MEMBER)


def _read_header(member: IO[bytes], path: str | Path) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = npy.read_magic(member)
    if version != (1, 0):
        raise FringeError(
            f"{path}: an array of .npy version {version}, which images in uint8 never have; save "
            "it again with numpy.savez"
        )
    return npy.read_array_header_1_0(member)


def _data_offset(path: Path, info: zipfile.ZipInfo) -> int:
    """Return where in the file the bytes of a stored member begin (PKWARE APPNOTE 4.3.7)."""
    with path.open("rb") as file:
        file.seek(info.header_offset + 26, io.SEEK_SET)
        lengths = file.read(4)
    name, extra = int.from_bytes(lengths[:2], "little"), int.from_bytes(lengths[2:], "little")
    return info.header_offset + 30 + name + extra
