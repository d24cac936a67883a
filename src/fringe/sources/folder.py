"""Images in a folder and the folders inside it."""

import os
from collections.abc import Iterator
from pathlib import Path

from fringe.errors import FringeError
from fringe.sources.base import EncodedSource, as_path, check_count, readable
from fringe.sources.decoding import is_image_name
from fringe.sources.digests import file_digests
from fringe.sources.fitting import Fit

__all__ = ["FolderSource", "holds_images"]


class FolderSource(EncodedSource):
    """The image files under a folder, sorted by their path relative to it.

    Parameters
    ----------
    path : path-like
        The folder; folders inside are searched too, hidden ones are not.
    fit : Fit, optional
        How every image is cropped and resized; None: all must be alike.
    count : int, optional
        Use only the first so many.
    cache : path-like, optional
        Where hashes of files are remembered for the fingerprint (`file_digests`).

    Raises
    ------
    FringeError
        If the folder is missing or unreadable, a symbolic link leads out of it, it holds no
        image, or fewer than ``count``.
    """

    def __init__(
        self,
        path: str | Path,
        fit: Fit | None = None,
        count: int | None = None,
        cache: Path | None = None,
    ) -> None:
        """List the images."""
        self.path = as_path(path)
        self.cache = cache
        with readable(path):
            root = self.path.resolve(strict=True)
            members = sorted(_image_files(self.path, "", root))
        if not members:
            raise FringeError(
                f"{path}: holds no image; images are known by their suffix (.png, .jpg, .webp, ...)"
            )
        self.members = members[: check_count(len(members), count, str(path))]
        self._hashes: dict[str, str] = {}  # of those that a fingerprint was asked of
        super().__init__(str(path), len(self.members), fit)

    @property
    def files(self) -> list[Path]:
        """One for each image."""
        return [self.path / member for member in self.members]

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return SHA-256 of relative names and contents of the images, and of the resizing."""
        members = self.members[first:last]
        new = [member for member in members if member not in self._hashes]
        found = file_digests([f"{self.path}/{member}" for member in new], self.cache)
        self._hashes.update(zip(new, found, strict=True))
        return self._digest("folder", *((member, self._hashes[member]) for member in members))

    def _label(self, index: int) -> str:
        return str(self.path / self.members[index])

    def _bytes(self, index: int) -> bytes:
        with readable(self._label(index)):
            return (self.path / self.members[index]).read_bytes()


def holds_images(folder: Path) -> bool:
    """Tell whether any image lies under ``folder``."""
    with readable(folder):
        return next(_image_files(folder, "", folder.resolve(strict=True)), None) is not None


def _image_files(folder: Path, prefix: str, root: Path) -> Iterator[str]:
    """Yield names relative to the outermost folder, whose resolved path is ``root``."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + entry.name
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _image_files(folder / entry.name, f"{name}/", root)
            elif entry.is_symlink() and (entry.is_dir() or is_image_name(name)):
                _refuse_link(Path(entry.path), root)
                yield name
            elif is_image_name(name):
                yield name


def _refuse_link(link: Path, root: Path) -> None:
    """Raise unless ``link`` is to a file inside ``root``."""
    target = link.resolve()
    if not target.is_relative_to(root):
        what = "leads out of the folder"
    elif target.is_dir():
        what = "leads to another folder, whose images would count twice"
    elif not target.exists():
        what = "leads nowhere"
    else:
        return
    raise FringeError(f"{link}: a symbolic link that {what} ({target}); put a copy in its place")
