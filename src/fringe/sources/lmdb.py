"""Images in an LMDB environment, as LSUN comes."""

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

KEYS = 10_000  # read at a time at least, where there are as many
ENDS = 2  # of the first and of the last values that are looked at when a file is opened


class LmdbSource(EncodedSource):
    """The values of an LMDB environment, encoded images all, sorted by key.

    What tools note beside images, under keys such as ``length`` or ``__keys__``, does not count
    (`fringe.sources.lmdb_keys.BOOKKEEPING`). Values are read from the main database, or from the
    named one that is all that the main one holds.

    Keys are read up to that of the image asked for, and held: about 85 bytes each where they have
    40, as LSUN's do.

    LMDB has no checksums. What lies in the tree of keys is checked before it is used
    (`fringe.sources.lmdb_tree`), but flipped bits of an image are noticed only where it no longer
    decodes.

    Parameters
    ----------
    path : path-like
        The folder that holds ``data.mdb`` (LSUN names it ``..._lmdb``), or the file itself. The
        lock file is neither needed nor made.
    fit : Fit, optional
        How every image is cropped and resized; None: all must be alike.
    count : int, optional
        Use only the first ``count`` images.
    cache : path-like, optional
        Where hashes of values are remembered for the fingerprint (`ImageDigests`).
    choice : Choice
        Which keys count; all are read at once if it says so.
    limits : Limits
        How large may be what is decoded at once.

    Raises
    ------
    FringeError
        If the file is missing, unreadable, cut short or not LMDB, or holds no image or fewer than
        ``count``; if one of the first or last values is not an image, if it holds several named
        databases, or if images are there in several sizes.
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
        """Open the environment, to check how many images it holds."""
        place = as_path(path)
        self.path = place / DATA_FILE if os.path.isdir(place) else place  # noqa: PTH112
        with readable(path):
            check_regular(self.path)  # before links are followed, for the message
        self.cache = cache
        self.limits = limits
        self._choice = choice
        # Of the first images. Threads share it, so it is replaced by a longer list, never changed.
        self._keys: list[bytes] = []
        self._opened: tuple[tuple[int, int, int], Tree] | None = None
        with self._tree() as tree:
            self._skipped = frozenset(bookkeeping(tree))
            if choice == ALL:
                sized = first_of_sizes(tree)
                held = tree.entries - len(self._skipped)
                # Tells hashes of images that are numbered like this from others.
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
        """Yield those of ``keys`` that count."""
        for key in keys:
            if key not in self._skipped and (self._choice == ALL or self._choice.takes(text(key))):
                yield key

    def _refuse_several_sizes(self, sized: Mapping[int, bytes]) -> None:
        """Raise if images are as large as the numbers that their keys begin with, or in proportion.

        ``sized`` has a key for each number.
        """
        scales = {
            Fraction(min(self._size(key, self._value(key))), number)
            for number, key in sized.items()
        }
        if len(sized) > 1 and len(scales) == 1:
            told = ", ".join(map(str, sorted(sized)))
            raise FringeError(
                f"{self.name}: holds images in several sizes ({told}, by their keys); choose one "
                f'with `select: "{max(sized)}-*"`'
            )

    def _check_ends(self, tree: Tree, with_last: bool) -> None:
        """Look at the first values, and the last ones if they count: unknown notes sort there."""
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
        """Yield the tree of the file, opened again if the file was replaced or its size changed.

        Threads may open it twice, which does no harm.
        """
        with readable(self.path, DamagedTreeError):
            found = self.path.stat()
            state = found.st_dev, found.st_ino, found.st_size
            opened = self._opened
            if opened is None or opened[0] != state:
                self._opened = opened = state, Tree(self.path, self.limits.bytes)
            yield opened[1]

    def _value(self, key: bytes) -> bytes:
        """Return the value of a key that is there."""
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
                f"{label}: is no longer there: the file was changed since it was opened, or its "
                "tree of keys is damaged; open it again"
            )
        return value

    def _key(self, index: int) -> bytes:
        """Return the key of an image; keys are read in their order, ever more at a time."""
        if index >= len(self._keys):
            self._keys = self._more_keys(self._keys, index + 1)
        return self._keys[index]

    def _more_keys(self, keys: list[bytes], needed: int) -> list[bytes]:
        """Return the keys that are known and those that follow, at least as many as needed."""
        wanted = min(self.count, max(needed, 2 * len(keys), KEYS))
        with self._tree() as tree:
            found = tree.keys(keys[-1] if keys else None)
            if keys and next(found, None) != keys[-1]:
                found = iter(())
            counted = self._counted(found)
            keys = [*keys, *islice(counted, wanted - len(keys))]
            if len(keys) == self._held and any(counted):
                raise FringeError(
                    f"{self.path}: is damaged (it holds more than {self._held} values, which it "
                    "says it has); make it again"
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
        """Return SHA-256 of the values of the images in that order, and of the resizing.

        Neither keys nor other values count, nor where in the file a value lies.
        """
        return self._digest("lmdb", self._contents.of(indices, self._checked))

    def _is_other(self, index: int, data: bytes | memoryview) -> bool:
        return self._contents.differs(index, data)

    def _label(self, index: int) -> str:
        return f"{self.path}!{text(self._key(index))}"

    def _bytes(self, index: int) -> bytes:
        return self._value(self._key(index))

    def __getstate__(self) -> dict[str, Any]:
        """Pickle without the opened file, and without keys, which are quicker read again."""
        return {**vars(self), "_keys": [], "_opened": None}


@contextmanager
def _advice(key: bytes) -> Iterator[None]:
    """Say what to do if what is under a key is not meant to be an image."""
    try:
        yield
    except FringeError as error:
        name = pattern_of(text(key))
        start = name.rstrip("0123456789")
        is_numbered = start not in {"", name}
        alike = f', or all such notes with `ignore: "{start}*"`' if is_numbered else ""
        raise FringeError(
            f'{error}; if it is a note beside the images, leave it out with `ignore: "{name}"`'
            f"{alike}"
        ) from error
