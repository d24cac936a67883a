"""Images in a folder and its subfolders."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from itertools import islice
from pathlib import Path

from fringe.errors import FringeError
from fringe.files.regular import read_regular
from fringe.progress import advance
from fringe.sources.base import EncodedSource, Indices, as_path, check_count, readable
from fringe.sources.decoding import size_of
from fringe.sources.digests import file_digests, forget
from fringe.sources.fitting import Fit
from fringe.sources.labels import LABELS_FILE, LARGEST_LABELS, Labels, labels_in, names_in
from fringe.sources.limits import LIMITS, Limits
from fringe.sources.members import choose, left_out, no_images
from fringe.sources.patterns import ALL, Choice
from fringe.sources.suffixes import (
    PICTURES,
    is_hidden,
    is_image_name,
    is_picture_name,
    printable,
    suffix_of,
)

__all__ = ["FolderSource", "holds_images"]

SOME = 100_000  # files that are counted to describe a folder without images


class FolderSource(EncodedSource):
    """The image files under a folder, sorted by their path relative to it.

    Parameters
    ----------
    path : path-like
        The folder. Its subfolders are searched too, except hidden ones. Symbolic links to images
        and folders inside the folder are followed. A link counts under its own name, so two links
        to one image are two images. A folder may not occur twice.
    fit : Fit, optional
        How every image is cropped and resized; None: all must have the same size.
    count : int, optional
        Use only the first ``count`` images.
    cache : path-like, optional
        Folder that stores hashes of files for the fingerprint (`file_digests`).
    follow_links : bool
        Also follow symbolic links that point outside the folder.
    choice : Choice
        Selects the files that count.
    limits : Limits
        Limits on the size of decoded data.

    Raises
    ------
    FringeError
        If the folder is missing or unreadable; if a symbolic link is broken, points outside the
        folder (without ``follow_links``) or to a folder that occurs already; if there are no
        images, or fewer than ``count``; or if it is ambiguous which files are the images
        (`fringe.sources.members`).

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from PIL import Image
    >>> from fringe.sources import FolderSource
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("b.png", "a.png"):
    ...         Image.fromarray(np.zeros((8, 12, 3), np.uint8)).save(f"{folder}/{name}")
    ...     source = FolderSource(folder)
    ...     print(source.members, source.resolution, source.read([0, 1]).shape)
    ['a.png', 'b.png'] (8, 12) (2, 8, 12, 3)
    """

    def __init__(
        self,
        path: str | Path,
        fit: Fit | None = None,
        count: int | None = None,
        cache: Path | None = None,
        *,
        follow_links: bool = False,
        choice: Choice = ALL,
        limits: Limits = LIMITS,
    ) -> None:
        """List the images."""
        self.path = as_path(path)
        self.cache = cache
        with readable(path):
            names = list(_pictures(self.path, follow_links))
            members = choose(names, str(path), choice)
            if not members:
                raise no_images(str(path), _some_files(self.path), packed=False)
        self.left_out = left_out(names, members)
        self.members = members[: check_count(len(members), count, str(path))]
        self._hashes: dict[str, str] = {}  # of images whose fingerprint was requested
        super().__init__(str(path), len(self.members), fit, limits)

    @property
    def files(self) -> list[Path]:
        """The file of each image."""
        return [self.path / member for member in self.members]

    def fingerprint_at(self, indices: Indices) -> str:
        """Return the SHA-256 of relative names and contents of the images, and of the resizing."""
        members = [self.members[index] for index in indices]
        new = [member for member in members if member not in self._hashes]
        paths = [f"{self.path}/{member}" for member in new]
        found = file_digests(paths, self.cache, self._checked_digest)
        self._hashes.update(zip(new, found, strict=True))
        return self._digest("folder", *((member, self._hashes[member]) for member in members))

    def _labels_content(self) -> tuple[bytes, str] | None:
        """Return content and name in messages of ``dataset.json``; None if it does not exist."""
        place = self.path / LABELS_FILE
        if not place.exists():
            return None
        with readable(place):
            return read_regular(place, LARGEST_LABELS), str(place)

    @cached_property
    def stored_labels(self) -> Labels | None:
        """Labels of the images from ``dataset.json`` in the folder; None if there are none.

        Raises
        ------
        FringeError
            If the file is unreadable or not in the format of StyleGAN's dataset tool, or an image
            has no label.
        """
        found = self._labels_content()
        return None if found is None else labels_in(found[0], self.members, found[1])

    @cached_property
    def stored_class_names(self) -> tuple[str, ...] | None:
        """Names of classes by number, if ``dataset.json`` states them (`names_in`).

        Raises
        ------
        FringeError
            As `stored_labels` and `names_in` do.
        """
        found = self._labels_content()
        return None if found is None else names_in(*found)

    def _checked_digest(self, path: Path) -> str:
        """Return the hex SHA-256 of an image, after checks of its kind and size."""
        name = printable(str(path))
        data = self._content(path, name)
        advance(len(data))
        self._check_size(name, *size_of(data, name, only_read=True, limits=self.limits))
        return hashlib.sha256(data).hexdigest()

    def _is_other(self, index: int, data: bytes | memoryview) -> bool:
        known = self._hashes.get(self.members[index])
        if known is None or hashlib.sha256(data).hexdigest() == known:
            return False
        forget(self.path / self.members[index], self.cache)
        return True

    def _label(self, index: int) -> str:
        return printable(str(self.path / self.members[index]))

    def _bytes(self, index: int) -> bytes:
        with readable(self._label(index)):
            try:
                return self._content(self.path / self.members[index], self._label(index))
            except FileNotFoundError as error:
                raise self._changed(index) from error

    def _content(self, path: Path, label: str) -> bytes:
        self.limits.check_bytes(label, path.stat().st_size)
        return read_regular(path, self.limits.bytes)


def holds_images(folder: Path, follow_links: bool = False) -> bool:
    """Return whether ``folder`` or a subfolder contains an image that can be read."""
    with readable(folder):
        return any(map(is_image_name, _pictures(folder, follow_links)))


def _pictures(folder: Path, follow_links: bool) -> Iterator[str]:
    """Yield names of images, read or not, relative to ``folder``, in no order."""
    root = str(folder.resolve(strict=True))
    seen = {root: str(folder)}  # folders, by their real path
    waiting = [(str(folder), root, "")]  # a list, because folders may be thousands deep
    while waiting:
        path, real, prefix = waiting.pop()
        before = seen.setdefault(real, path)
        if before != path:
            raise FringeError(
                f"{printable(path)}: is the same folder as {printable(before)}, by a "
                "symbolic link, so its images would count twice; remove the link"
            )
        names, folders = _inside(path, real, prefix, None if follow_links else root)
        yield from names
        waiting += reversed(folders)


def _inside(
    place: str, real: str, prefix: str, root: str | None
) -> tuple[list[str], list[tuple[str, str, str]]]:
    """Return the names of images in one folder, and path, real path and prefix of its subfolders.

    ``prefix`` is put before the names. Links must point inside ``root`` if it is given.
    """
    names, folders = [], []
    with os.scandir(place) as entries:
        for entry in entries:  # there may be millions
            name = entry.name
            if entry.is_symlink():
                is_folder = os.path.isdir(entry.path)  # noqa: PTH112 - False if the link is broken
                if is_hidden(name) or not (is_folder or is_picture_name(name)):
                    continue
                target = _target(entry.path, root)
                if is_folder:
                    folders.append((entry.path, target, f"{prefix}{name}/"))
                    continue
            elif entry.is_dir():
                if not is_hidden(name):
                    target = os.path.join(real, name)  # noqa: PTH118
                    folders.append((entry.path, target, f"{prefix}{name}/"))
                continue
            if suffix_of(name) in PICTURES and name[0] != ".":
                names.append(prefix + name)
    return names, folders


def _some_files(folder: Path) -> list[str]:
    """Return names of files under ``folder``, to describe a folder without images."""
    found: list[str] = []
    waiting = [""]
    while waiting and len(found) < SOME:
        prefix = waiting.pop()
        with suppress(OSError), os.scandir(f"{folder}/{prefix}") as entries:
            for entry in islice(entries, SOME):
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{prefix}{entry.name}/")
                elif not entry.name.startswith("."):
                    found.append(prefix + entry.name)
    return found


def _target(link: str, root: str | None) -> str:
    """Return the real path of ``link``, which must be inside ``root`` if that is given.

    Raises
    ------
    FringeError
        If that path does not exist, or is outside ``root``.
    """
    target = os.path.realpath(link)
    if not os.path.exists(target):  # noqa: PTH110
        raise FringeError(
            f"{printable(link)}: a broken symbolic link (to {printable(target)}); remove "
            "it or restore the file"
        )
    if root is not None and not Path(target).is_relative_to(root):
        raise FringeError(
            f"{printable(link)}: a symbolic link that points outside the folder "
            f"({printable(target)}); set "
            "`follow_links: true` to follow such links, or replace them by copies"
        )
    return target
