"""Images in an LMDB environment, as LSUN comes."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import lmdb

from fringe.errors import FringeError
from fringe.sources.base import EncodedSource, Indices, as_path, check_count, readable
from fringe.sources.digests import ImageDigests
from fringe.sources.fitting import Fit

__all__ = ["DATA_FILE", "LmdbSource"]

#: The name of the file inside an environment's folder.
DATA_FILE = "data.mdb"

KEYS = 10_000  # read at a time at least, where there are as many


class LmdbSource(EncodedSource):
    """The values of an LMDB environment, encoded images all, sorted by key.

    Values are read from the main database. Keys are read up to that of the image asked for, and
    held: about 85 bytes each where they have 40, as LSUN's do. LMDB touches the first page of each
    value meanwhile, a small read for each image where the file is not in the system's cache.

    LMDB has no checksums and trusts the pages of its file. A file that was cut short is refused,
    but flipped bits are noticed only where an image no longer decodes, and in the tree of keys
    they may end the process: ``python -m lmdb verify`` judges a file of doubtful origin.

    Parameters
    ----------
    path : path-like
        The folder that holds ``data.mdb`` (LSUN names it ``..._lmdb``), or the file itself. The
        lock file is neither needed nor made.
    fit : Fit, optional
        How every image is cropped and resized; None: all must be alike.
    count : int, optional
        Use only the first so many.
    cache : path-like, optional
        Where hashes of values are remembered for the fingerprint (`ImageDigests`).

    Raises
    ------
    FringeError
        If the file is missing, unreadable, cut short or no LMDB, holds no value or fewer than
        ``count``, or if others have it open in this process through ``lmdb``.
    """

    def __init__(
        self,
        path: str | Path,
        fit: Fit | None = None,
        count: int | None = None,
        cache: Path | None = None,
    ) -> None:
        """Open the environment, to check how many values it holds."""
        place = as_path(path)
        self.path = place / DATA_FILE if place.is_dir() else place
        self.cache = cache
        with self._environment.begin() as transaction:
            # Damaged, it may claim more than the length of anything can be.
            held = min(transaction.stat()["entries"], sys.maxsize)
        # Of the first images. Threads share it, so it is replaced by a longer list, never changed.
        self._keys: list[bytes] = []
        super().__init__(str(path), check_count(held, count, str(path)), fit)

    @cached_property
    def _environment(self) -> "_Environment":
        return _environment_of(self.path)

    def _key(self, index: int) -> bytes:
        """Return the key of an image; keys are read in their order, ever more at a time."""
        if index >= len(self._keys):
            self._keys = self._more_keys(self._keys, index + 1)
        return self._keys[index]

    def _more_keys(self, keys: list[bytes], needed: int) -> list[bytes]:
        """Return the keys that are known and those that follow, at least as many as needed."""
        wanted = min(self.count, max(needed, 2 * len(keys), KEYS))
        with self._environment.begin() as transaction:
            cursor = transaction.cursor()
            is_there = cursor.set_key(keys[-1]) and cursor.next() if keys else cursor.first()
            every = cursor.iternext(values=False) if is_there else iter(())
            keys = [*keys, *(bytes(key) for key in islice(every, wanted - len(keys)))]
        if len(keys) < wanted:
            raise FringeError(
                f"{self.path}: has {len(keys)} values, not {self.count}: it is damaged or was "
                "changed since it was opened; open it again, or fetch it anew"
            )
        return keys

    @property
    def files(self) -> list[Path]:
        """The file."""
        return [self.path]

    @cached_property
    def _contents(self) -> ImageDigests:
        return ImageDigests([self.path], [0, self.count], "", self.cache)

    def fingerprint_at(self, indices: Indices) -> str:
        """Return SHA-256 of the values of the images in that order, and of the resizing.

        Neither keys nor other values count, nor where in the file a value lies.
        """
        return self._digest("lmdb", self._contents.of(indices, self._stored))

    def _label(self, index: int) -> str:
        return f"{self.path}!{self._key(index).decode(errors='backslashreplace')}"

    def _bytes(self, index: int) -> bytes:
        key = self._key(index)
        with self._environment.begin() as transaction:
            value = transaction.get(key)
        if value is None:
            raise FringeError(
                f"{self._label(index)}: is no longer there: the file was changed since it was "
                "opened; open it again"
            )
        return bytes(value)

    def __getstate__(self) -> dict[str, Any]:
        """Pickle without the handle, and without keys and hashes, which are quicker read again."""
        dropped = {"_environment", "_contents"}
        return {k: v for k, v in vars(self).items() if k not in dropped} | {"_keys": []}


class _Environment:
    """The one opening of a file that LMDB allows a process, for all sources and threads of it.

    A forked child reads through its parent's: without locks it is but a map of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opening = threading.Lock()
        self._opened: tuple[object, lmdb.Environment] | None = None

    @contextmanager
    def begin(self) -> Iterator[lmdb.Transaction]:
        """Begin a transaction that reads; keep it short."""
        with readable(self._path, lmdb.Error), self._current().begin() as transaction:
            yield transaction

    def _current(self) -> lmdb.Environment:
        """Return the environment, opened anew if its file was replaced, or cut beneath the map."""
        opened = self._opened
        if opened is None or opened[0] != self._state():
            with self._opening:
                state = self._state()
                opened = self._opened
                if opened is None or opened[0] != state:
                    self._opened = None
                    if opened is not None:  # else LMDB would not open the same file again
                        opened[1].close()
                    opened = self._opened = state, _open(self._path)
        return opened[1]

    def _state(self) -> tuple[int, int, int]:
        # Without its time: what is written into the file the map shows anyway, and merely touching
        # it must not close what another thread reads.
        found = self._path.stat()
        return found.st_dev, found.st_ino, found.st_size


#: Those in use, by the file's real path; one that no source uses any more is closed.
_environments: WeakValueDictionary[Path, _Environment] = WeakValueDictionary()
_finding = threading.Lock()


def _environment_of(path: Path) -> _Environment:
    path = path.resolve()
    with _finding:
        return _environments.setdefault(path, _Environment(path))


def _open(path: Path) -> lmdb.Environment:
    with path.open("rb"):  # says more clearly than LMDB why a file may not be read
        pass
    try:
        # Keys are mostly hashes: in their order images lie all over a file larger than memory, and
        # reading ahead would fetch many times as much as is used.
        environment = lmdb.open(str(path), subdir=False, readonly=True, lock=False, readahead=False)
    except lmdb.Error as error:
        if "already open" in str(error):
            raise FringeError(
                f"{path}: is open elsewhere in this process; close that lmdb.Environment first"
            ) from error
        raise
    # So far only the first two pages were touched, without which LMDB opens nothing.
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    if path.stat().st_size < needed:
        environment.close()
        raise FringeError(
            f"{path}: is damaged (it has {path.stat().st_size} bytes, but {needed} belong to it: "
            "it was cut short); fetch or make it anew"
        )
    return environment
