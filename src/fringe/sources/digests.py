"""Hashes and other results of reading whole files, and their cache."""

import base64
import hashlib
import os
import time
import zlib
from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fringe.errors import ChangedError, FringeError
from fringe.files.regular import LARGEST_CHECKPOINT, open_regular
from fringe.files.steadiness import settled, wait_until_settled
from fringe.progress import activity, advance
from fringe.sources.base import Indices, as_path, readable
from fringe.sources.memory import Memory
from fringe.sources.refusals import MOST, several
from fringe.sources.suffixes import printable

__all__ = [
    "ImageDigests",
    "file_digests",
    "forget",
    "most_remembered",
    "pack",
    "remembered",
    "state_of",
    "unpack",
]

BLOCK = 1 << 20  # bytes of a file to read at a time
SAVED = 60.0  # seconds after which new results are saved, while others are computed
BYTES = 16  # of the SHA-256 of an image to keep, enough to make a collision impossible in practice


def file_digests(
    paths: Sequence[str | Path],
    cache: Path | None = None,
    learn: Callable[[Path], str] | None = None,
    limit: int | None = LARGEST_CHECKPOINT,
) -> list[str]:
    """Return the hex SHA-256 of each file's content. Each file is read once (see `remembered`).

    Parameters
    ----------
    paths, cache
        See `remembered`.
    learn : callable, optional
        Returns the hex SHA-256 of a file. It may also check the content while reading it.
    limit : int or None
        Most bytes of a file. Not used with ``learn``, which must check its own limit.

    Raises
    ------
    FringeError
        If a file cannot be read or is larger than ``limit``, or the cache cannot be written.
    """
    return remembered(paths, cache, "", learn or partial(_sha256, limit=limit), in_bytes=True)


def _sha256(path: Path, limit: int | None = None) -> str:
    whole = hashlib.sha256()
    with open_regular(path, limit) as file:
        block = memoryview(bytearray(BLOCK))
        while held := file.readinto(block):
            whole.update(block[:held])
            advance(held)
    return whole.hexdigest()


def remembered(
    paths: Sequence[str | Path],
    cache: Path | None,
    what: str,
    learn: Callable[[Path], str],
    *,
    in_bytes: bool = False,
    doing: str = "reading",
) -> list[str]:
    """Return ``learn(path)`` for each file, from the cache if the file did not change.

    Parameters
    ----------
    paths : sequence of str or Path
        The files.
    cache : Path, optional
        The folder of a `Memory`. It stores answers by ``what``, absolute path, size, and times of
        modification and of status change (only the latter reveals a copy that kept the old
        modification time). New answers are added, unless a later change of the file might not show
        in these times (`fringe.files.steadiness`). Unreadable entries are computed again.
    what : str
        Name of the question, which distinguishes different questions about the same file.
    learn : callable
        Answers the question by reading the file.
    in_bytes : bool
        Whether ``learn`` reads the whole file and calls `fringe.progress.advance` with each part.
    doing : str
        Name of this activity in messages.

    Raises
    ------
    FringeError
        If a file cannot be read, or the cache cannot be written. All other files are read first, so
        that one message names all refused files (`fringe.sources.refusals`).
    """
    notes = _Notes(paths, cache, what)
    missing = [number for number, answer in enumerate(notes.answers) if answer is None]
    if missing:
        sizes = [notes.sizes[number] for number in missing]
        total = sum(sizes) if in_bytes else None
        title = f"{doing} {_named([paths[number] for number in missing])}"
        faults: list[tuple[str, FringeError]] = []
        with activity(title, total=total), notes.saved():
            for number in missing:
                try:
                    with readable(paths[number]):
                        notes.learn(number, learn(Path(paths[number])))
                except FringeError as error:
                    faults.append((printable(str(paths[number])), error))
                    if len(faults) == MOST:
                        break
        if faults:
            raise several(faults) from faults[0][1]
    return [answer for answer in notes.answers if answer is not None]


def _named(paths: Sequence[str | Path]) -> str:
    if len(paths) == 1:
        return str(paths[0])
    return f"{len(paths):,} files in {os.path.commonpath(map(os.path.dirname, paths)) or '.'}"


class _Notes:
    """Stored answers about some files in their current state, and new answers."""

    def __init__(self, paths: Sequence[str | Path], cache: Path | None, what: str) -> None:
        self._memory = None if cache is None else Memory(cache)
        self._fresh: dict[str, dict[str, str]] = defaultdict(dict)
        self._saved = time.monotonic()
        self._asked = []
        folders: dict[str, str] = {}
        # Before reading, so that a change during reading makes the entry invalid.
        files = [_stat(path) for path in paths]
        now = time.time()
        for path, about in zip(paths, files, strict=True):
            folder, name = os.path.split(path)
            if folder not in folders:
                folders[folder] = os.path.abspath(folder)  # noqa: PTH100 - keeps symlinks
            self._asked.append((folders[folder], f"{what}/{name}", _state(about)))
        self.sizes = [about.st_size for about in files]
        self.answers: list[str | None] = [None] * len(paths)
        self._lasting = [True] * len(paths)
        if self._memory is not None:
            places = {place for place, *_ in self._asked}
            known = {place: self._memory.read(place) for place in places}
            self.answers = [
                _valid(known[place].get(key), state) for place, key, state in self._asked
            ]
            if None in self.answers:
                self._take_over(what, self._memory.earlier())
            self._settle(paths, files, now)

    def state(self, number: int) -> str:
        """Return the recorded state of a file."""
        return self._asked[number][2]

    def _settle(
        self, paths: Sequence[str | Path], files: Sequence[os.stat_result], now: float
    ) -> None:
        """Wait for files that could still change unnoticed, and record their state again."""
        missing = [number for number, answer in enumerate(self.answers) if answer is None]
        fresh = [number for number in missing if not settled(files[number], now)]
        # Necessary even if there is no wait: the clock step may have ended since ``now``.
        wait_until_settled(files[number] for number in fresh)
        now = time.time()
        for number in fresh:
            about = _stat(paths[number])
            self._asked[number] = (*self._asked[number][:2], _state(about))
            self.sizes[number] = about.st_size
            self._lasting[number] = settled(about, now)

    def _take_over(self, what: str, earlier: Mapping[str, str]) -> None:
        """Copy answers that earlier versions stored."""
        for number, (place, key, state) in enumerate(self._asked):
            name = key.removeprefix(f"{what}/")
            answer = earlier.get(f"{what}{os.path.join(place, name)}:{state}")  # noqa: PTH118
            if answer is not None and self.answers[number] is None:
                self.learn(number, answer)
        self.save()

    def learn(self, number: int, answer: str) -> None:
        """Add an answer about one file; save all answers from time to time."""
        place, key, state = self._asked[number]
        self.answers[number] = answer
        if self._lasting[number]:
            self._fresh[place][key] = f"{state} {answer}"
        if self.are_due:
            self.save()

    @property
    def are_due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() - self._saved > SAVED

    def save(self) -> None:
        """Save the new answers."""
        if self._memory is not None:
            for place, entries in self._fresh.items():
                self._memory.add(place, entries)
        self._fresh.clear()
        self._saved = time.monotonic()

    @contextmanager
    def saved(self) -> Iterator[None]:
        """Save after the block, even if it was interrupted: reading may have taken hours."""
        try:
            yield
        finally:
            self.save()


def _state(about: os.stat_result) -> str:
    return f"{about.st_size}:{about.st_mtime_ns}:{about.st_ctime_ns}"


def _stat(path: str | Path) -> os.stat_result:
    """Return the state of a file. Fast, because each start calls it for tens of thousands."""
    try:
        return os.stat(path)  # noqa: PTH116
    except ValueError:  # a null character
        return as_path(path).stat()
    except OSError:
        with readable(path):
            raise


def _valid(entry: str | None, state: str) -> str | None:
    """Return the answer in an entry; None if the entry is for another state of the file."""
    found, _, answer = (entry or "").partition(" ")
    return answer if entry is not None and found == state else None


def forget(path: Path, cache: Path | None) -> None:
    """Delete the stored answers about a file in its current state.

    For a file that was found to differ from its stored hash: otherwise the wrong hash would stay.
    """
    if cache is None or not path.exists():
        return
    place = os.path.abspath(path.parent)  # noqa: PTH100 - keeps symlinks
    memory, state = Memory(cache), _state(_stat(path))
    wrong = [
        key
        for key, entry in memory.read(place).items()
        if key.rpartition("/")[2] == path.name and _valid(entry, state) is not None
    ]
    if wrong:
        memory.add(place, dict.fromkeys(wrong, ""))


def state_of(paths: Iterable[Path]) -> str:
    """Return a digest of path, size and times of files. It changes if a file may have changed.

    Raises
    ------
    FringeError
        If a file does not exist.
    """
    whole = hashlib.sha256()
    places = list(paths)
    wait_until_settled(_stat(path) for path in places)  # so that a later change changes the times
    files = [_stat(path) for path in places]
    for path, about in zip(places, files, strict=True):
        place = os.path.abspath(path)  # noqa: PTH100 - keeps symlinks
        state = (place, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
        whole.update(repr(state).encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


class ImageDigests:
    """Hashes of stored images, for files that contain many images without checksums.

    An image is read when its hash is first requested; hashes are cached as in `remembered`. If only
    part of a large file is used, only that part is read, and more images only cost reading the new
    images.

    Parameters
    ----------
    files : sequence of Path
        The files.
    starts : sequence of int
        Index of the first image of each file; at the end, the number of images.
    what : str
        Description of the images in the files, which distinguishes their hashes from others.
    cache : Path, optional
        See `remembered`.
    """

    def __init__(
        self,
        files: Sequence[Path],
        starts: Sequence[int],
        what: str,
        cache: Path | None,
    ) -> None:
        """Store the arguments; read nothing yet."""
        self._files = list(files)
        self._starts = list(starts)
        self._what = f"hashes of images {what}".strip()
        self._cache = cache
        # For each file: the hashes of its images up to the last known hash, with zeros for unknown
        # hashes, and the state of the file that these hashes belong to.
        self._known = [np.zeros((0, BYTES), np.uint8)] * len(self._files)
        self._states = [""] * len(self._files)

    def of(self, indices: Indices, read: Callable[[list[int]], Iterable[bytes]]) -> str:
        """Return a hex SHA-256 of the images at ``indices``, in that order.

        ``read`` yields the stored bytes of the images at increasing indices.

        Raises
        ------
        FringeError
            If an image cannot be read, the cache cannot be written, or a file was changed after
            hashes of its images were first requested.
        """
        wanted = np.asarray(indices, np.int64)
        numbers = np.searchsorted(self._starts, wanted, side="right") - 1
        digests = np.empty((len(wanted), BYTES), np.uint8)
        for number in np.unique(numbers).tolist():
            here = numbers == number
            rows = wanted[here] - self._starts[number]
            self._learn(number, np.unique(rows), read)
            digests[here] = self._known[number][rows]
        return hashlib.sha256(digests.tobytes()).hexdigest()

    def differs(self, index: int, data: bytes | memoryview) -> bool:
        """Return whether ``data`` differs from the image that `of` hashed; False if it did not."""
        number = bisect(self._starts, index) - 1
        row, known = index - self._starts[number], self._known[number]
        if row >= len(known) or not known[row].any():
            return False
        other: bool = hashlib.sha256(data).digest()[:BYTES] != known[row].tobytes()
        if other:
            forget(self._files[number], self._cache)
        return other

    def _learn(
        self,
        number: int,
        rows: npt.NDArray[np.int64],
        read: Callable[[list[int]], Iterable[bytes]],
    ) -> None:
        """Find the hashes of the images at increasing ``rows`` of a file."""
        known = self._known[number]
        if rows[-1] < len(known) and known[rows].any(axis=1).all():
            return
        path, start = self._files[number], self._starts[number]
        notes = _Notes([path], self._cache, self._what)
        if self._states[number] not in ("", notes.state(0)):
            raise ChangedError(f"{path}: was changed while it was read; run again")
        self._states[number] = notes.state(0)
        earlier = _hashes(notes.answers[0] or "", most_remembered(notes.sizes[0]))
        both = np.zeros((max(len(known), len(earlier), rows[-1] + 1), BYTES), np.uint8)
        both[: len(earlier)] = earlier
        own = known.any(axis=1)
        both[: len(known)][own] = known[own]
        self._known[number] = known = both
        missing = rows[~known[rows].any(axis=1)]
        if not len(missing):
            return
        with activity(f"reading {path}", total=len(missing), unit="images"), notes.saved():
            try:
                stored = read((start + missing).tolist())
                for row, data in zip(missing.tolist(), stored, strict=True):
                    digest = hashlib.sha256(data).digest()[:BYTES]
                    known[row] = np.frombuffer(digest, np.uint8)
                    advance(1)
                    if notes.are_due:
                        notes.learn(0, pack(known.tobytes()))
            finally:
                notes.learn(0, pack(known.tobytes()))


def _hashes(text: str, most: int) -> npt.NDArray[np.uint8]:
    """Return the hashes in a text of the cache, shape (n, BYTES); none if it is damaged."""
    try:
        data = unpack(text, most)
    except ValueError:
        data = b""
    whole = len(data) // BYTES
    return np.frombuffer(data, np.uint8, whole * BYTES).reshape(whole, BYTES)


def most_remembered(size: int) -> int:
    """Return the most bytes that may be cached for a file of ``size`` bytes."""
    return max(64 << 20, 4 * size)


def pack(data: bytes) -> str:
    """Return ``data``, compressed, as text for a cache."""
    return base64.b64encode(zlib.compress(data)).decode()


def unpack(text: str, most: int) -> bytes:
    """Return the data of a text that `pack` returned.

    Raises
    ------
    ValueError
        If the text is invalid, or the data have more than ``most`` bytes.
    """
    packed = base64.b64decode(text, validate=True)
    decompressor = zlib.decompressobj()
    try:
        data = decompressor.decompress(packed, most + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not decompressor.eof or len(data) > most:
        raise ValueError(f"ends early, or unpacks to more than {most} bytes")
    return data
