"""Images in a folder and the folders inside it."""

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

SOME = 100_000  # files that tell what a folder without images holds


class FolderSource(EncodedSource):
    """The image files under a folder, sorted by their path relative to it.

    Parameters
    ----------
    path : path-like
        The folder; folders inside are searched too, hidden ones are not. Symbolic links to images
        and folders inside it are followed. A link counts by its own name, so two links to one image
        are two images; no folder counts twice.
    fit : Fit, optional
        How every image is cropped and resized; None: all must be alike.
    count : int, optional
        Use only the first ``count`` images.
    cache : path-like, optional
        Where hashes of files are remembered for the fingerprint (`file_digests`).
    follow_links : bool
        Follow symbolic links out of the folder, too.
    choice : Choice
        Which files count.
    limits : Limits
        How large may be what is decoded at once.

    Raises
    ------
    FringeError
        If the folder is missing or unreadable, a symbolic link leads nowhere, out of the folder
        (without ``follow_links``) or to a folder that counts already, it holds no image, or fewer
        than ``count``, or images of which it must be said first what they are
        (`fringe.sources.members`).
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
        self._hashes: dict[str, str] = {}  # of those that a fingerprint was asked of
        super().__init__(str(path), len(self.members), fit, limits)

    @property
    def files(self) -> list[Path]:
        """One for each image."""
        return [self.path / member for member in self.members]

    def fingerprint_at(self, indices: Indices) -> str:
        """Return SHA-256 of relative names and contents of the images, and of the resizing."""
        members = [self.members[index] for index in indices]
        new = [member for member in members if member not in self._hashes]
        paths = [f"{self.path}/{member}" for member in new]
        found = file_digests(paths, self.cache, self._checked_digest)
        self._hashes.update(zip(new, found, strict=True))
        return self._digest("folder", *((member, self._hashes[member]) for member in members))

    def _labels_content(self) -> tuple[bytes, str] | None:
        """Return what ``dataset.json`` holds, and what messages call it; None if there is none."""
        place = self.path / LABELS_FILE
        if not place.exists():
            return None
        with readable(place):
            return read_regular(place, LARGEST_LABELS), str(place)

    @cached_property
    def stored_labels(self) -> Labels | None:
        """Labels of the images, as ``dataset.json`` in the folder has them; None if it has none.

        Raises
        ------
        FringeError
            If the file cannot be read, is not as StyleGAN's dataset tool writes it, or an image has
            no label.
        """
        found = self._labels_content()
        return None if found is None else labels_in(found[0], self.members, found[1])

    @cached_property
    def stored_class_names(self) -> tuple[str, ...] | None:
        """Names of classes by number, where ``dataset.json`` states them (`names_in`).

        Raises
        ------
        FringeError
            As `stored_labels` and `names_in` do.
        """
        found = self._labels_content()
        return None if found is None else names_in(*found)

    def _checked_digest(self, path: Path) -> str:
        """Return the hex SHA-256 of an image that is read, and has the size of the first one."""
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
    """Tell whether any image that can be read lies under ``folder``."""
    with readable(folder):
        return any(map(is_image_name, _pictures(folder, follow_links)))


def _pictures(folder: Path, follow_links: bool) -> Iterator[str]:
    """Yield names of images, read or not, relative to ``folder``, in no order."""
    root = str(folder.resolve(strict=True))
    seen = {root: str(folder)}  # folders, by their real path
    waiting = [(str(folder), root, "")]  # a list, since folders may be thousands deep
    while waiting:
        path, real, prefix = waiting.pop()
        before = seen.setdefault(real, path)
        if before != path:
            raise FringeError(
                f"{printable(path)}: is the same folder as {printable(before)}, by a "
                "symbolic link, and its images would count twice; remove the link"
            )
        names, folders = _inside(path, real, prefix, None if follow_links else root)
        yield from names
        waiting += reversed(folders)


def _inside(
    place: str, real: str, prefix: str, root: str | None
) -> tuple[list[str], list[tuple[str, str, str]]]:
    """Return the names of images in one folder; and its folders: path, real path, and prefix.

    ``prefix`` goes before the names; links must lead into ``root`` if that is given.
    """
    names, folders = [], []
    with os.scandir(place) as entries:
        for entry in entries:  # of which there may be millions
            name = entry.name
            if entry.is_symlink():
                is_folder = os.path.isdir(entry.path)  # noqa: PTH112 - False, if it leads nowhere
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
    """Return names of files under ``folder``, to say what it holds instead of images."""
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
    """Return the real path that ``link`` leads to, which must be inside ``root`` if that is given.

    Raises
    ------
    FringeError
        If nothing is there, or it lies elsewhere.
    """
    target = os.path.realpath(link)
    if not os.path.exists(target):  # noqa: PTH110
        raise FringeError(
            f"{printable(link)}: a symbolic link that leads nowhere ({printable(target)}); remove "
            "it or restore the file"
        )
    if root is not None and not Path(target).is_relative_to(root):
        raise FringeError(
            f"{printable(link)}: a symbolic link that leads out of the folder "
            f"({printable(target)}); set "
            "`follow_links: true` to follow such links, or put copies in their place"
        )
    return target
