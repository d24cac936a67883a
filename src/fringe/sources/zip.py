"""Images in a ZIP archive, in the format of StyleGAN's dataset tool."""

from functools import cached_property, partial
from operator import attrgetter
from pathlib import Path
from zipfile import ZipInfo

from fringe.errors import FringeError
from fringe.files.zipfiles import DAMAGE, open_zip, read_member, refuse_link, refuse_unreadable
from fringe.sources.base import (
    EncodedSource,
    Indices,
    PerProcess,
    as_path,
    check_count,
    readable,
    refuse_escape,
)
from fringe.sources.fitting import Fit
from fringe.sources.labels import LABELS_FILE, LARGEST_LABELS, Labels, labels_in, names_in
from fringe.sources.limits import LIMITS, Limits
from fringe.sources.members import choose, left_out, no_images
from fringe.sources.patterns import ALL, Choice
from fringe.sources.suffixes import is_picture_name, printable

__all__ = ["ZipSource"]


class ZipSource(EncodedSource):
    """The images of a ZIP, sorted by full name; ``dataset.json`` and hidden files are ignored.

    Opening and the fingerprint only read the central directory: names, sizes and CRCs of the
    images. Files inside are never extracted. The data that is read must have these CRCs, also in
    processes that open the archive again.

    Parameters
    ----------
    path : path-like
        The archive.
    fit : Fit, optional
        How every image is cropped and resized; None: all must have the same size.
    count : int, optional
        Use only the first ``count`` images.
    choice : Choice
        Selects the files that count.
    limits : Limits
        Limits on the size of decoded data.

    Raises
    ------
    FringeError
        If the file is missing, unreadable, not a complete ZIP, or two ZIPs in a row; if it contains
        a name that escapes its folder, a duplicate name, no images, or fewer than ``count``; if it
        is ambiguous which files are the images (`fringe.sources.members`); if an image is
        encrypted, a link, or compressed in an unsupported way.

    Examples
    --------
    >>> import tempfile
    >>> import zipfile
    >>> import numpy as np
    >>> from PIL import Image
    >>> from fringe.sources import ZipSource
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with zipfile.ZipFile(f"{folder}/data.zip", "w") as archive:
    ...         for name in ("00000/img1.png", "00000/img0.png"):
    ...             with archive.open(name, "w") as file:
    ...                 Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(file, "PNG")
    ...     source = ZipSource(f"{folder}/data.zip")
    ...     print(source.members, source.read([0]).shape)
    ['00000/img0.png', '00000/img1.png'] (1, 8, 8, 3)
    """

    def __init__(
        self,
        path: str | Path,
        fit: Fit | None = None,
        count: int | None = None,
        choice: Choice = ALL,
        limits: Limits = LIMITS,
    ) -> None:
        """Read the central directory."""
        self.path = as_path(path)
        name = str(path)
        # One handle for all threads: opening reads the whole directory, and zipfile locks reads.
        self._archive = PerProcess(partial(open_zip, self.path), threads_share=True)
        with readable(name, *DAMAGE):
            infos = [info for info in self._archive.get().infolist() if not info.is_dir()]
        images: dict[str, ZipInfo] = {}  # by their path with forward slashes
        for info in infos:
            refuse_escape(info.filename, name)
            # Some programs on Windows write "\\", and others "./" at the start.
            place = info.filename.replace("\\", "/").removeprefix("./")
            if is_picture_name(place):
                if place in images:
                    raise FringeError(
                        f"{name}!{info.filename}: occurs twice; make the archive again"
                    )
                images[place] = info
        taken = choose([*images], name, choice)
        if not taken:
            raise no_images(name, [info.filename for info in infos], packed=True)
        self.left_out = left_out([*images], taken)
        used = sorted((images[place] for place in taken), key=attrgetter("filename"))
        used = used[: check_count(len(used), count, name)]
        for info in used:
            refuse_unreadable(info, name)
            refuse_link(info, name)
        self._entries = [(info.filename, info.file_size, info.CRC) for info in used]
        self.members = [info.filename for info in used]
        super().__init__(name, len(self._entries), fit, limits)

    @property
    def files(self) -> list[Path]:
        """The archive."""
        return [self.path]

    def fingerprint_at(self, indices: Indices) -> str:
        """Return the SHA-256 of names, sizes and CRCs of the images, and of the resizing."""
        return self._digest("zip", *(self._entries[index] for index in indices))

    def _labels_content(self) -> tuple[bytes, str] | None:
        """Return content and name in messages of ``dataset.json``; None if it does not exist."""
        name = f"{self.name}!{LABELS_FILE}"
        archive = self._archive.get()
        if LABELS_FILE not in archive.namelist():
            return None
        info = archive.getinfo(LABELS_FILE)
        refuse_unreadable(info, self.name)
        with readable(name, *DAMAGE):
            return read_member(archive, info, LARGEST_LABELS), name

    @cached_property
    def stored_labels(self) -> Labels | None:
        """Labels of the images from ``dataset.json``; None if there are none.

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

    def _label(self, index: int) -> str:
        return printable(f"{self.name}!{self.members[index]}")

    def _bytes(self, index: int) -> bytes:
        member, size, _ = entry = self._entries[index]
        self.limits.check_bytes(self._label(index), size)
        with readable(self._label(index), *DAMAGE):
            archive = self._archive.get()  # another process may have opened it, and later
            info = archive.NameToInfo.get(member)
            if info is None or (info.filename, info.file_size, info.CRC) != entry:
                raise self._changed(index)
            return read_member(archive, info)
