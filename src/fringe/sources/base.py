"""The protocol of an image source, and the base classes of sources that read files."""

import hashlib
import os
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt
from PIL import Image

from fringe.errors import ChangedError, FringeError
from fringe.files.paths import as_path
from fringe.files.reasons import unreadable
from fringe.files.stand_ins import refuse_stand_in
from fringe.sources.decoding import decode_pixels, size_of
from fringe.sources.fitting import Fit
from fringe.sources.limits import LIMITS, Limits
from fringe.sources.refusals import MOST, several
from fringe.sources.suffixes import suffix_of

__all__ = [
    "REVISION",
    "EncodedSource",
    "FileSource",
    "Fingerprinted",
    "ImageSource",
    "Images",
    "Indices",
    "PerProcess",
    "as_path",
    "check_count",
    "check_indices",
    "digest",
    "readable",
    "refuse_escape",
]

#: Part of every fingerprint of files: raise it when the same files give other pixels.
REVISION = 1
# The same for sets that contain TIFFs. Since 2, the orientation tag is not applied.
_TIFF_REVISION = 2

Images = npt.NDArray[np.uint8]
Indices = Sequence[int] | npt.NDArray[np.integer]
Handle = TypeVar("Handle")


@runtime_checkable
class ImageSource(Protocol):
    """Anything with a length, a fingerprint and images that can be read by index.

    Attributes
    ----------
    name : str
        Name in messages: a path, ``photos (seed 0)``, ...
    resolution : tuple of int
        Height and width of every image, in pixels.
    fingerprint : str
        Hex SHA-256. It changes when the images change, but not when their file is touched or moved.
    simulated : bool
        Whether the images simulate those of a generator. Every number is then labelled "simulated".

    Examples
    --------
    Any class with these attributes and methods is an image source:

    >>> import numpy as np
    >>> from fringe.sources import ImageSource
    >>> class Gray:
    ...     name, resolution, simulated = "gray", (32, 32), False
    ...     fingerprint = "gray of 32 x 32 pixels"
    ...
    ...     def __len__(self):
    ...         return 100
    ...
    ...     def read(self, indices):
    ...         return np.full((len(indices), 32, 32, 3), 128, np.uint8)
    ...
    ...     def fingerprint_of(self, first, last):
    ...         return self.fingerprint
    >>> isinstance(Gray(), ImageSource)
    True
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - described above
    @property
    def resolution(self) -> tuple[int, int]: ...  # noqa: D102
    @property
    def fingerprint(self) -> str: ...  # noqa: D102
    @property
    def simulated(self) -> bool: ...  # noqa: D102

    def __len__(self) -> int:
        """Return the number of images."""
        ...

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices`` as uint8 RGB, shape (n, H, W, 3)."""
        ...

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return the `fingerprint` of images ``first`` to ``last - 1`` only.

        If the format permits, it does not change when other images or their number change.
        """
        ...


class PerProcess(Generic[Handle]):
    """A file handle that each process, and each thread, opens when it first needs it.

    A handle inherited by fork shares its position with the handle of the parent. Two processes
    that read would each get bytes that the other one requested. A pickle contains only the
    function that opens the file.

    Parameters
    ----------
    open_handle : callable
        Opens the file and returns the handle.
    threads_share : bool
        Whether threads may use one handle at the same time.
    """

    def __init__(self, open_handle: Callable[[], Handle], threads_share: bool = False) -> None:
        """Store the function; do not open the file yet."""
        self._open = open_handle
        self._threads_share = threads_share
        self._own: Any = SimpleNamespace() if threads_share else threading.local()

    def get(self) -> Handle:
        """Return the handle of this process (and thread); open the file if necessary."""
        opened: tuple[int, Handle] | None = getattr(self._own, "opened", None)
        if opened is None or opened[0] != os.getpid():
            opened = os.getpid(), self._open()
            self._own.opened = opened
        return opened[1]

    def __reduce__(self) -> tuple[type["PerProcess[Handle]"], tuple[Callable[[], Handle], bool]]:
        """Pickle only the function that opens the file."""
        return PerProcess, (self._open, self._threads_share)


def digest(parts: Iterable[object]) -> str:
    """Return the hex SHA-256 of the representations of ``parts``, which must be plain values."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(repr(part).encode("utf-8", "surrogateescape") + b"\0")
    return whole.hexdigest()


class Fingerprinted(ABC):
    """A source whose fingerprint is computed from fingerprints of its parts."""

    @abstractmethod
    def __len__(self) -> int: ...  # noqa: D105

    @abstractmethod
    def fingerprint_of(self, first: int, last: int) -> str:
        """Return a hex SHA-256 of all that determines images ``first`` to ``last - 1``."""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the number of images and of all that determines them."""
        return digest([len(self), self.fingerprint_of(0, len(self))])


class FileSource(Fingerprinted):
    """A set of images in files, either unchanged or each cropped and resized.

    Parameters
    ----------
    name : str
        Name in messages.
    count : int
        The number of images.
    fit : Fit, optional
        How images are cropped and resized, which changes FID. None: images are not changed.
    limits : Limits
        Limits on the size of decoded data.
    """

    simulated = False
    #: Whether files store images in groups, so that reading one image reads its whole group.
    grouped = False
    #: Whether images with a decoder warning are refused. Otherwise they are counted.
    strict = False
    #: Files that `select` and `ignore` leave out, by suffix ("2 .heic, 1 .exr"); "" if none.
    left_out = ""

    def __init__(self, name: str, count: int, fit: Fit | None, limits: Limits = LIMITS) -> None:
        """Store the arguments."""
        self.name = name
        self.count = count
        self.fit = fit
        self.limits = limits

    @abstractmethod
    def fingerprint_at(self, indices: Indices) -> str:
        """Return a hex SHA-256 of all that determines the images at ``indices``, in that order.

        If images must be read for the fingerprint, only these images are read.

        Raises
        ------
        FringeError
            If an image cannot be read.
        """

    @abstractmethod
    def _stored(self, indices: Sequence[int]) -> Iterator[bytes]:
        """Yield the stored bytes of the images at ``indices``, which must increase."""

    @abstractmethod
    def from_stored(self, indices: Indices, stored: Callable[[int], bytes]) -> Images:
        """Return the images at ``indices``, decoded from ``stored(index)`` instead of the files.

        Raises
        ------
        FringeError
            As `read` does.
        """

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return `fingerprint_at` of images ``first`` to ``last - 1``."""
        return self.fingerprint_at(range(first, last))

    @abstractmethod
    def _label(self, index: int) -> str:
        """Return the name of one image in messages."""

    def _is_other(self, index: int, data: bytes | memoryview) -> bool:
        """Return whether stored data differ from the data that the image's fingerprint is of.

        Always False for an image whose fingerprint was not requested yet.
        """
        return False

    def _refuse_other(self, index: int, data: bytes | memoryview) -> None:
        """Raise if an image was changed after its fingerprint was computed."""
        if self._is_other(index, data):
            raise self._changed(index)

    def _changed(self, index: int) -> ChangedError:
        return ChangedError(
            f"{self._label(index)}: was changed since the data set was opened; wait until nothing "
            "changes it any more, then run again"
        )

    @abstractmethod
    def image_size(self, index: int) -> tuple[int, int]:
        """Return width and height of one stored image, without decoding it."""

    @abstractmethod
    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices`` as uint8 RGB, shape (n, H, W, 3).

        Raises
        ------
        FringeError
            If an index is out of range or an image cannot be read. A `ChangedError` if an image
            was changed after its fingerprint was computed.
        """

    @property
    @abstractmethod
    def files(self) -> Sequence[Path]:
        """The files that hold the images."""

    @cached_property
    def resolution(self) -> tuple[int, int]:
        """Height and width; without ``fit``, of the first image."""
        if self.fit is not None:
            return self.fit.size, self.fit.size
        width, height = self.image_size(0)
        return height, width

    def __len__(self) -> int:
        """Return the number of images."""
        return self.count

    def _digest(self, kind: str, *parts: object) -> str:
        """Return the fingerprint of ``parts``, which determine the pixels of files of ``kind``."""
        fit = None if self.fit is None else self.fit.identity
        return digest([kind, self._revision, fit, *parts])

    @property
    def _revision(self) -> int | tuple[int, int]:
        return REVISION


class EncodedSource(FileSource):
    """A set of encoded image files (PNG, JPEG, ...). Images are decoded when they are read.

    Without ``fit``, all images must have the size of the first image.
    """

    members: Sequence[str] = ()  # names of the images, if they have names

    @cached_property
    def _revision(self) -> int | tuple[int, int]:
        has_tiffs = any(suffix_of(member) in {".tif", ".tiff"} for member in self.members)
        return (REVISION, _TIFF_REVISION) if has_tiffs else REVISION

    @abstractmethod
    def _bytes(self, index: int) -> bytes:
        """Return one encoded image."""

    def _stored(self, indices: Sequence[int]) -> Iterator[bytes]:
        """Yield the encoded images at ``indices``, which must increase."""
        return map(self._bytes, indices)

    def image_size(self, index: int) -> tuple[int, int]:
        """Return width and height of one stored image, from its header."""
        return self._size_of(index, self._bytes(index))

    def _size_of(self, index: int, data: bytes, only_read: bool = False) -> tuple[int, int]:
        return size_of(data, self._label(index), only_read=only_read, limits=self.limits)

    def _checked(self, indices: Sequence[int]) -> Iterator[bytes]:
        """Yield the encoded images at ``indices`` for hashing, and check their headers.

        Planning a run therefore finds files that are not images, images of refused kinds, and
        images of another size. After the first such image nothing more is yielded. The remaining
        images are still checked, so that one message names all refused images.
        """
        faults: list[tuple[str, FringeError]] = []
        for index, data in zip(indices, self._stored(indices), strict=True):
            try:
                size = self._size_of(index, data, only_read=True)
                self._check_size(self._label(index), *size)
            except FringeError as error:
                faults.append((self._label(index), error))
                if len(faults) == MOST:
                    break
            if not faults:
                yield data
        if faults:
            raise several(faults) from faults[0][1]

    def _check_size(self, label: str, width: int, height: int) -> None:
        """Raise if there is no ``fit`` and an image differs in size from the first image."""
        if self.fit is None and (height, width) != self.resolution:
            raise FringeError(
                f"{label}: {_size((height, width))}, but {self._label(0)} is "
                f"{_size(self.resolution)}; give all images the same size, or set `resolution` "
                "(--resolution of `fringe compare`) to have each cropped to a centred square and "
                "resized"
            )

    def _pixels(self, index: int, data: bytes) -> Images:
        pixels = decode_pixels(data, self._label(index), self.strict, self.limits)
        return pixels if self.fit is None else np.asarray(self.fit(Image.fromarray(pixels)))

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices`` as uint8 RGB, shape (n, H, W, 3).

        Raises
        ------
        FringeError
            If an index is out of range, or an image cannot be decoded, is of a refused kind, or
            differs in size from the first image. With ``strict``, also if a decoder warns of an
            image.
        """
        return self.from_stored(indices, self._bytes)

    def from_stored(self, indices: Indices, stored: Callable[[int], bytes]) -> Images:
        """Return the images at ``indices``, decoded from the bytes that ``stored(index)`` returns.

        Raises
        ------
        FringeError
            As `read` does.
        """
        wanted = check_indices(indices, len(self), self.name)
        height, width = self.resolution
        images = np.empty((len(wanted), height, width, 3), np.uint8)
        # Increasing order is fastest for files that are read as streams.
        for row in sorted(range(len(wanted)), key=wanted.__getitem__):
            index = wanted[row]
            data = stored(index)
            self._refuse_other(index, data)
            pixels = self._pixels(index, data)
            if self.fit is None:
                self._check_size(self._label(index), pixels.shape[1], pixels.shape[0])
            images[row] = pixels
        return images


def check_count(held: int, count: int | None, name: str) -> int:
    """Return the number of images to use: ``count``, or all ``held`` images.

    Raises
    ------
    FringeError
        If there are no images, or fewer than ``count``.
    """
    if held == 0:
        raise FringeError(f"{name}: holds no images; give a data set with at least one image")
    if count is None:
        return held
    if count < 1:
        raise FringeError(f"{name}: count is {count}; ask for at least one image")
    if count > held:
        raise FringeError(
            f"{name}: holds {held} images, fewer than the {count} asked for; lower `count` or add "
            "images"
        )
    return count


def check_indices(indices: Indices, count: int, name: str) -> list[int]:
    """Return ``indices`` as a list of integers; check that each is in 0 ... ``count - 1``.

    Raises
    ------
    FringeError
        If an index is out of range.
    """
    wanted = [int(index) for index in indices]
    for index in wanted:
        if not 0 <= index < count:
            raise FringeError(
                f"{name}: image {index} was asked for, but the {count} images are numbered "
                f"0 to {count - 1}"
            )
    return wanted


@contextmanager
def readable(path: str | os.PathLike[str], *damage: type[Exception]) -> Iterator[None]:
    """Turn errors of reading ``path`` (an ``OSError`` or one of ``damage``) into clear messages.

    Raises
    ------
    FringeError
        If the file is missing, not readable, or is damaged.
    """
    failures: tuple[type[Exception], ...] = (OSError, *damage)
    try:
        yield
    except FringeError:  # already a clear message
        raise
    except failures as error:
        why = unreadable(error) if isinstance(error, OSError) else None
        if why is not None:
            raise FringeError(f"{_cut(str(path))}: {why}") from error
        refuse_stand_in(path)
        raise FringeError(
            f"{path}: is damaged or not of the format that its name says ({error}); fetch or make "
            "the file again"
        ) from error


def _cut(path: str) -> str:
    return path if len(path) <= 200 else f"{path[:100]}...{path[-90:]}"


def refuse_escape(member: str, name: str) -> None:
    """Raise if unpacking ``member`` would write outside the target folder of the archive."""
    path = PurePosixPath(member.replace("\\", "/"))
    drive = re.match("[A-Za-z]:", member)
    if path.is_absolute() or ".." in path.parts or drive:
        raise FringeError(
            f"{name}!{member}: its name points outside the archive's folder; make the archive "
            "again with plain relative names"
        )


def _size(shape: Sequence[int]) -> str:
    height, width = shape[:2]
    return f"{width} x {height} pixels"
