"""Images in a ZIP archive, as StyleGAN's dataset tool writes them."""

import re
import zipfile
import zlib
from functools import partial
from itertools import pairwise
from pathlib import Path, PurePosixPath

from fringe.errors import FringeError
from fringe.sources.base import (
    REVISION,
    EncodedSource,
    PerProcess,
    as_path,
    check_count,
    digest,
    readable,
)
from fringe.sources.decoding import is_image_name

__all__ = ["ZipSource"]

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
_LARGEST = 1 << 30  # bytes: no encoded image is this large, a decompression bomb is


class ZipSource(EncodedSource):
    """The images of a ZIP, sorted by full name; ``dataset.json`` and hidden files are ignored.

    Opening reads the central directory only, and so does the fingerprint: names, sizes and CRCs
    of the images used. Files inside are never extracted.

    Parameters
    ----------
    path : path-like
        The archive.
    resolution : int, optional
        Centre-crop and resize every image to this height and width; None: all must be alike.
    count : int, optional
        Use only the first so many.

    Raises
    ------
    FringeError
        If the file is missing, unreadable or no whole ZIP, holds a name that escapes its folder,
        a name twice, no image, or fewer than ``count``.
    """

    def __init__(
        self, path: str | Path, resolution: int | None = None, count: int | None = None
    ) -> None:
        """Read the central directory."""
        self.path = as_path(path)
        name = str(path)
        with readable(name, *_DAMAGE), zipfile.ZipFile(self.path) as archive:
            infos = archive.infolist()
        for info in infos:
            _refuse_escape(info.filename, name)
        images = sorted(
            (info.filename, info.file_size, info.CRC)
            for info in infos
            if not info.is_dir() and is_image_name(info.filename)
        )
        if not images:
            raise FringeError(
                f"{name}: holds no image among its {len(infos)} entries; images are known by "
                "their suffix (.png, .jpg, .webp, ...)"
            )
        for (one, *_), (following, *_) in pairwise(images):
            if one == following:
                raise FringeError(f"{name}!{one}: is there twice; make the archive anew")
        self._entries = images[: check_count(len(images), count, name)]
        self._archive = PerProcess(partial(zipfile.ZipFile, self.path))
        super().__init__(name, [entry[0] for entry in self._entries], resolution)

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return SHA-256 of names, sizes and CRCs of the images, and of the resizing."""
        return digest(["zip", REVISION, self.size, *self._entries[first:last]])

    def _label(self, index: int) -> str:
        return f"{self.name}!{self.members[index]}"

    def _bytes(self, index: int) -> bytes:
        member, size, _ = self._entries[index]
        if size > _LARGEST:
            raise FringeError(
                f"{self._label(index)}: unpacks to {size} bytes, which no image needs; remove it"
            )
        with readable(self._label(index), KeyError, *_DAMAGE):
            return self._archive.get().read(member)


def _refuse_escape(member: str, name: str) -> None:
    """Raise if ``member`` would lie outside the folder that the archive is unpacked into."""
    path = PurePosixPath(member.replace("\\", "/"))
    drive = re.match("[A-Za-z]:", member)
    if path.is_absolute() or ".." in path.parts or drive:
        raise FringeError(
            f"{name}!{member}: its name leads out of the archive's folder; make the archive anew "
            "with plain relative names"
        )
