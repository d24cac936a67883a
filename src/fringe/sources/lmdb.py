"""Images in an LMDB environment, as LSUN comes."""

import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import lmdb

from fringe.errors import FringeError
from fringe.sources.base import EncodedSource, Indices, as_path, check_count, digest, readable
from fringe.sources.choice import ALL, Choice, pattern_of
from fringe.sources.concatenated import refuse_lmdb
from fringe.sources.decoding import size_of
from fringe.sources.digests import ImageDigests
from fringe.sources.fitting import Fit
from fringe.sources.lmdb_keys import bookkeeping, first_of_sizes, size_in, text

__all__ = ["DATA_FILE", "LmdbSource"]

#: The name of the file inside an environment's folder.
DATA_FILE = "data.mdb"

KEYS = 10_000  # read at a time at least, where there are as many
ENDS = 2  # of the first and of the last values that are looked at when a file is opened
DATABASES = 16  # an environment of named databases holds no more of them
RECORD = 48  # bytes of the record of a named database


class LmdbSource(EncodedSource):
    """The values of an LMDB environment, encoded images all, sorted by key.

    What tools note beside images, under keys such as ``length`` or ``__keys__``, does not count
    (`fringe.sources.lmdb_keys.BOOKKEEPING`). Values are read from the main database, or from the
    named one that is all that the main one holds.

    Keys are read up to that of the image asked for, and held: about 85 bytes each where they have
    40, as LSUN's do. LMDB touches the first page of each value meanwhile, a small read for each
    image where the file is not in the system's cache.

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
        Use only the first ``count`` images.
    cache : path-like, optional
        Where hashes of values are remembered for the fingerprint (`ImageDigests`).
    choice : Choice
        Which keys count; all are read at once if it says so.

    Raises
    ------
    FringeError
        If the file is missing, unreadable, cut short or no LMDB, holds no image or fewer than
        ``count``, or if others have it open in this process through ``lmdb``; if one of the first
        or last values is not an image, if it holds several named databases, or if images are
        there in several sizes.
    """

    def __init__(
        self,
        path: str | Path,
        fit: Fit | None = None,
        count: int | None = None,
        cache: Path | None = None,
        choice: Choice = ALL,
    ) -> None:
        """Open the environment, to check how many images it holds."""
        place = as_path(path)
        self.path = place / DATA_FILE if place.is_dir() else place
        self.cache = cache
        self._choice = choice
        # Of the first images. Threads share it, so it is replaced by a longer list, never changed.
        self._keys: list[bytes] = []
        with self._environment.begin() as transaction:
            self._skipped = frozenset(bookkeeping(transaction))
            if choice == ALL:
                sized = first_of_sizes(transaction)
                # Damaged, it may claim more than the length of anything can be.
                held = min(transaction.stat()["entries"], sys.maxsize) - len(self._skipped)
                # Tells hashes of images that are numbered like this from others.
                self._numbered = f"without {sorted(self._skipped)}" if self._skipped else ""
            else:
                keys = [*map(bytes, transaction.cursor().iternext(values=False))]
                choice.refuse_idle([*map(text, keys)], str(path))
                self._keys = [*self._counted(keys)]
                sized = dict(filter(None, map(size_in, reversed(self._keys))))
                held = len(self._keys)
                if others := len(keys) - len(self._skipped) - held:
                    self.left_out = "1 value" if others == 1 else f"{others:,} values"
                self._numbered = f"under keys {digest(self._keys)}"
            super().__init__(str(path), check_count(held, count, str(path)), fit)
            if not choice.everything:
                self._refuse_several_sizes(transaction, sized)
            self._check_ends(transaction, with_last=self.count == held)

    def _counted(self, keys: Iterable[bytes | memoryview]) -> Iterator[bytes]:
        """Yield those of ``keys`` that count."""
        for key in map(bytes, keys):
            if key not in self._skipped and (self._choice == ALL or self._choice.takes(text(key))):
                yield key

    def _refuse_several_sizes(
        self, transaction: lmdb.Transaction, sized: Mapping[int, bytes]
    ) -> None:
        """Raise if images are as large as the numbers that their keys begin with, or in proportion.

        ``sized`` has a key for each number.
        """
        scales = {
            Fraction(min(self._size(key, bytes(transaction.get(key, b"")))), number)
            for number, key in sized.items()
        }
        if len(sized) > 1 and len(scales) == 1:
            told = ", ".join(map(str, sorted(sized)))
            raise FringeError(
                f"{self.name}: holds images in several sizes ({told}, by their keys); choose one "
                f'with `select: "{max(sized)}-*"`'
            )

    def _check_ends(self, transaction: lmdb.Transaction, with_last: bool) -> None:
        """Look at the first values, and the last ones if they count: unknown notes sort there."""
        few = min(ENDS, self.count)
        first: Iterable[bytes] = self._keys
        last: Iterable[bytes] = reversed(self._keys)
        if self._choice == ALL:
            first = self._counted(transaction.cursor().iternext(values=False))
            last = self._counted(transaction.cursor().iterprev(values=False))
        for key in [*islice(first, few), *islice(last, few if with_last else 0)]:
            self._size(key, bytes(transaction.get(key, b"")))

    def _size(self, key: bytes, value: bytes) -> tuple[int, int]:
        """Return width and height of the image under a key."""
        with _advice(key):
            return size_of(value, f"{self.path}!{text(key)}")

    def _size_of(self, index: int, data: bytes, only_read: bool = False) -> tuple[int, int]:
        with _advice(self._key(index)):
            return super()._size_of(index, data, only_read)

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
            keys = [*keys, *islice(self._counted(every), wanted - len(keys))]
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

    def _label(self, index: int) -> str:
        return f"{self.path}!{text(self._key(index))}"

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


class _Environment:
    """The one opening of a file that LMDB allows a process, for all sources and threads of it.

    A forked child reads through its parent's: without locks it is but a map of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opening = threading.Lock()
        self._opened: _Opened | None = None

    @contextmanager
    def begin(self) -> Iterator[lmdb.Transaction]:
        """Begin a transaction that reads; keep it short."""
        with readable(self._path, lmdb.Error):
            opened = self._current()
            with opened.environment.begin(db=opened.database) as transaction:
                yield transaction

    def _current(self) -> "_Opened":
        """Return the environment, opened again if its file was replaced, or cut beneath the map."""
        opened = self._opened
        if opened is None or opened.state != self._state():
            with self._opening:
                state = self._state()
                opened = self._opened
                if opened is None or opened.state != state:
                    self._opened = None
                    if opened is not None:  # else LMDB would not open the same file again
                        opened.environment.close()
                    environment = _open(self._path)
                    database = _database(environment, self._path)
                    opened = self._opened = _Opened(state, environment, database)
        return opened

    def _state(self) -> tuple[int, int, int]:
        # Without its time: what is written into the file the map shows anyway, and merely touching
        # it must not close what another thread reads.
        found = self._path.stat()
        return found.st_dev, found.st_ino, found.st_size


class _Opened(NamedTuple):
    """An environment as its file was, and its named database if that is what is read."""

    state: tuple[int, int, int]
    environment: lmdb.Environment
    database: Any


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
        environment = lmdb.open(
            str(path), subdir=False, readonly=True, lock=False, readahead=False, max_dbs=DATABASES
        )
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
            "it was cut short); fetch or make it again"
        )
    try:
        refuse_lmdb(path, needed)
    except BaseException:
        environment.close()
        raise
    return environment


def _database(environment: lmdb.Environment, path: Path) -> Any:
    """Return the named database that is all that the main one holds; None: there is none.

    Raises
    ------
    FringeError
        If there are several.
    """
    with environment.begin() as transaction:
        entries = transaction.stat()["entries"]
        few = islice(transaction.cursor(), DATABASES if entries <= DATABASES else 0)
        names = [bytes(key) for key, value in few if len(value) == RECORD]
    found = {}
    for name in names:
        with suppress(lmdb.IncompatibleError):  # a plain value
            found[name] = environment.open_db(name, create=False)
    if len(found) == entries == 1:
        return found[names[0]]
    if found:
        environment.close()
        listed = ", ".join(map(text, found))
        raise FringeError(
            f"{path}: holds named databases ({listed}) beside others; copy that of the images to a "
            f"file of its own, in which it is the only one (mdb_dump -s {text(names[0])} ... | "
            "mdb_load ...)"
        )
    return None
