"""Images in an LMDB environment, the format of LSUN."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from fringe.errors import FringeError
from fringe.files.regular import check_regular
from fringe.sources.base import (
    EncodedSource,
    Indices,
    as_path,
    check_count,
    digest,
    readable,
)
from fringe.sources.decoding import size_of
from fringe.sources.digests import ImageDigests
from fringe.sources.fitting import Fit
from fringe.sources.limits import LIMITS, Limits
from fringe.sources.lmdb_keys import bookkeeping, first_of_sizes, size_in, text
from fringe.sources.lmdb_tree import DamagedTreeError, Tree
from fringe.sources.patterns import ALL, Choice, pattern_of

__all__ = ["DATA_FILE", "LmdbSource"]

#: The name of the file inside an environment's folder.
DATA_FILE = "data.mdb"

KEYS = 10_000  # to read at a time, at least
ENDS = 2  # of the first and of the last values, which are checked when a file is opened


class LmdbSource(EncodedSource):
    """The values of an LMDB environment, which are encoded images, sorted by key.

    Notes of tools, under keys such as ``length`` or ``__keys__``, do not count
    (`fringe.sources.lmdb_keys.BOOKKEEPING`). Values are read from the main database, or from a
    named database that is its only content.

    Keys are read up to the key of the requested image, and are held in memory: about 85 bytes each
    for keys of 40 bytes, such as those of LSUN.

    LMDB has no checksums. Data in the tree of keys are checked before they are used
    (`fringe.sources.lmdb_tree`), but flipped bits of an image are only noticed if the image can no
    longer be decoded.

    Parameters
    ----------
    path : path-like
        The folder that contains ``data.mdb`` (LSUN names it ``..._lmdb``), or the file itself. A
        lock file is neither needed nor created.
    fit : Fit, optional
        How every image is cropped and resized; None: all must have the same size.
    count : int, optional
        Use only the first ``count`` images.
    cache : path-like, optional
        Folder that stores hashes of values for the fingerprint (`ImageDigests`).
    choice : Choice
        Selects the keys that count. With patterns, all keys are read at once.
    limits : Limits
        Limits on the size of decoded data.

    Raises
    ------
    FringeError
        If the file is missing, unreadable, truncated or not LMDB, or contains no images, or fewer
        than ``count``; if one of the first or last values is not an image; if it contains several
        named databases, or the images in several sizes.

    Examples
    --------
    >>> import io
    >>> import tempfile
    >>> import lmdb
    >>> import numpy as np
    >>> from PIL import Image
    >>> from fringe.sources import LmdbSource
    >>> file = io.BytesIO()
    >>> Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(file, "PNG")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with lmdb.open(folder) as environment, environment.begin(write=True) as writer:
    ...         for key in (b"img0", b"img1"):
    ...             _ = writer.put(key, file.getvalue())
    ...     print(LmdbSource(folder).read([0, 1]).shape)
    (2, 8, 8, 3)
    """

    def __init__(
        self,
        path: str | Path,
        fit: Fit | None = None,
        count: int | None = None,
        cache: Path | None = None,
        choice: Choice = ALL,
        limits: Limits = LIMITS,
    ) -> None:
        """Open the environment, to check its number of images."""
        place = as_path(path)
        self.path = place / DATA_FILE if os.path.isdir(place) else place  # noqa: PTH112
        with readable(path):
            check_regular(self.path)  # before links are followed, for the message
        self.cache = cache
        self.limits = limits
        self._choice = choice
        # Keys of the first images. Threads share the list, so it is replaced, never changed.
        self._keys: list[bytes] = []
        self._opened: tuple[tuple[int, int, int], Tree] | None = None
        with self._tree() as tree:
            self._skipped = frozenset(bookkeeping(tree))
            if choice == ALL:
                sized = first_of_sizes(tree)
                held = tree.entries - len(self._skipped)
                # Distinguishes hashes of images that are numbered this way from others.
                self._numbered = f"without {sorted(self._skipped)}" if self._skipped else ""
            else:
                keys = [*tree.keys()]
                choice.refuse_idle([*map(text, keys)], str(path))
                self._keys = [*self._counted(keys)]
                sized = dict(filter(None, map(size_in, reversed(self._keys))))
                held = len(self._keys)
                if others := len(keys) - len(self._skipped) - held:
                    self.left_out = "1 value" if others == 1 else f"{others:,} values"
                self._numbered = f"under keys {digest(self._keys)}"
            self._held = held
            super().__init__(str(path), check_count(held, count, str(path)), fit, limits)
            if not choice.everything:
                self._refuse_several_sizes(sized)
            self._check_ends(tree, with_last=self.count == held)

    def _counted(self, keys: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the ``keys`` that count."""
        for key in keys:
            if key not in self._skipped and (self._choice == ALL or self._choice.takes(text(key))):
                yield key

    def _refuse_several_sizes(self, sized: Mapping[int, bytes]) -> None:
        """Raise if images have the sizes that their keys begin with, or proportional sizes.

        ``sized`` has one key for each size.
        """
        scales = {
            Fraction(min(self._size(key, self._value(key))), number)
            for number, key in sized.items()
        }
        if len(sized) > 1 and len(scales) == 1:
            listed = ", ".join(map(str, sorted(sized)))
            raise FringeError(
                f"{self.name}: holds images in several sizes ({listed}, by their keys); select "
                f'one size with `select: "{max(sized)}-*"`'
            )

    def _check_ends(self, tree: Tree, with_last: bool) -> None:
        """Check the first values, and the last values if they count: unknown notes are there."""
        few = min(ENDS, self.count)
        first: Iterable[bytes] = self._keys
        last: Iterable[bytes] = reversed(self._keys)
        if self._choice == ALL:
            first, last = self._counted(tree.keys()), self._counted(tree.last_keys())
        for key in [*islice(first, few), *islice(last, few if with_last else 0)]:
            self._size(key, self._value(key))

    def _size(self, key: bytes, value: bytes) -> tuple[int, int]:
        """Return width and height of the image under a key."""
        with _advice(key):
            return size_of(value, f"{self.path}!{text(key)}", limits=self.limits)

    def _size_of(self, index: int, data: bytes, only_read: bool = False) -> tuple[int, int]:
        with _advice(self._key(index)):
            return super()._size_of(index, data, only_read)

    @contextmanager
    def _tree(self) -> Iterator[Tree]:
        """Yield the tree of the file; open it again if the file was replaced or changed its size.

        Threads may open it twice, which is harmless.
        """
        with readable(self.path, DamagedTreeError):
            found = self.path.stat()
            state = found.st_dev, found.st_ino, found.st_size
            opened = self._opened
            if opened is None or opened[0] != state:
                self._opened = opened = state, Tree(self.path, self.limits.bytes)
            yield opened[1]

    def _value(self, key: bytes) -> bytes:
        """Return the value of an existing key."""
        label = f"{self.path}!{text(key)}"
        with self._tree() as tree:
            try:
                value = tree.get(key)
            except DamagedTreeError as error:
                raise FringeError(
                    f"{label}: is damaged ({error}); fetch or make the file again"
                ) from error
        if value is None:
            raise FringeError(
                f"{label}: no longer exists: the file was changed since it was opened, or its "
                "tree of keys is damaged; open it again"
            )
        return value

    def _key(self, index: int) -> bytes:
        """Return the key of an image. Keys are read in order, more and more at a time."""
        if index >= len(self._keys):
            self._keys = self._more_keys(self._keys, index + 1)
        return self._keys[index]

    def _more_keys(self, keys: list[bytes], needed: int) -> list[bytes]:
        """Return the known keys and the next ones, at least ``needed`` keys in total."""
        wanted = min(self.count, max(needed, 2 * len(keys), KEYS))
        with self._tree() as tree:
            found = tree.keys(keys[-1] if keys else None)
            if keys and next(found, None) != keys[-1]:
                found = iter(())
            counted = self._counted(found)
            keys = [*keys, *islice(counted, wanted - len(keys))]
            if len(keys) == self._held and any(counted):
                raise FringeError(
                    f"{self.path}: is damaged (it holds more than the {self._held} values that it "
                    "states); create it again"
                )
        if len(keys) < wanted:
            raise FringeError(
                f"{self.path}: has {len(keys)} values, not {self.count}: it is damaged or was "
                "changed since it was opened; open or fetch it again"
            )
        return keys

    @property
    def files(self) -> list[Path]:
        """The file."""
        return [self.path]

    @cached_property
    def _contents(self) -> ImageDigests:
        return ImageDigests([self.path], [0, self.count], self._numbered, self.cache)

    def fingerprint_at(self, indices: Indices) -> str:
        """Return the SHA-256 of the values of the images in that order, and of the resizing.

        Keys, other values, and the positions of values in the file do not count.
        """
        return self._digest("lmdb", self._contents.of(indices, self._checked))

    def _is_other(self, index: int, data: bytes | memoryview) -> bool:
        return self._contents.differs(index, data)

    def _label(self, index: int) -> str:
        return f"{self.path}!{text(self._key(index))}"

    def _bytes(self, index: int) -> bytes:
        return self._value(self._key(index))

    def __getstate__(self) -> dict[str, Any]:
        """Pickle without the opened file and the keys: it is faster to read keys again."""
        return {**vars(self), "_keys": [], "_opened": None}


@contextmanager
def _advice(key: bytes) -> Iterator[None]:
    """Add advice to errors, for a value that is not meant to be an image."""
    try:
        yield
    except FringeError as error:
        name = pattern_of(text(key))
        start = name.rstrip("0123456789")
        is_numbered = start not in {"", name}
        alike = f', or all such notes with `ignore: "{start}*"`' if is_numbered else ""
        raise FringeError(
            f'{error}; if it is a note and not an image, leave it out with `ignore: "{name}"`'
            f"{alike}"
        ) from error
