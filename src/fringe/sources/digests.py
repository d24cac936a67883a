"""What is learnt by reading whole files, above all their hashes, and what is remembered of it."""

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

BLOCK = 1 << 20  # bytes of a file that are read at a time
SAVED = 60.0  # seconds after which what was learnt is saved, while more is being learnt
BYTES = 16  # of a SHA-256 that are kept of each image: two images alike by chance are not to be had


def file_digests(
    paths: Sequence[str | Path],
    cache: Path | None = None,
    learn: Callable[[Path], str] | None = None,
    limit: int | None = LARGEST_CHECKPOINT,
) -> list[str]:
    """Return the hex SHA-256 of each file's content, each read once (see `remembered`).

    Parameters
    ----------
    paths, cache
        See `remembered`.
    learn : callable, optional
        Returns the hex SHA-256 of a file, and may look at the content that it reads for that.
    limit : int or None
        Bytes that such a file has at most; ``learn`` has a limit of its own.

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
    """Return ``learn(path)`` of each file, from the cache where its state has not changed.

    Parameters
    ----------
    paths : sequence of str or Path
        The files.
    cache : Path, optional
        The folder of a `Memory`. It holds answers by ``what``, absolute path, size, and times of
        modification and of status change (which alone betrays a copy that kept the old
        modification time). What was not known is added, unless a later change might not show in
        these times (`fringe.files.steadiness`). What cannot be read is learnt again.
    what : str
        What is asked, to tell it from other questions of the same file.
    learn : callable
        The question; reads the file.
    in_bytes : bool
        Whether ``learn`` reads the whole file and calls `fringe.progress.advance` with each part.
    doing : str
        What messages call that.

    Raises
    ------
    FringeError
        If a file cannot be read, or the cache cannot be written. The others are learnt before, so
        that one message names all that are refused (`fringe.sources.refusals`).
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
    """What is remembered of some files in the state in which they are, and what is added to it."""

    def __init__(self, paths: Sequence[str | Path], cache: Path | None, what: str) -> None:
        self._memory = None if cache is None else Memory(cache)
        self._fresh: dict[str, dict[str, str]] = defaultdict(dict)
        self._saved = time.monotonic()
        self._asked = []
        folders: dict[str, str] = {}
        # Before reading: a change meanwhile makes the entry void.
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
            self.answers = [_valid(known[one].get(key), state) for one, key, state in self._asked]
            if None in self.answers:
                self._take_over(what, self._memory.earlier())
            self._settle(paths, files, now)

    def state(self, number: int) -> str:
        """Return the state in which a file is taken to be."""
        return self._asked[number][2]

    def _settle(
        self, paths: Sequence[str | Path], files: Sequence[os.stat_result], now: float
    ) -> None:
        """Look again at files that may yet change without a trace, before anything is learnt."""
        missing = [number for number, answer in enumerate(self.answers) if answer is None]
        fresh = [number for number in missing if not settled(files[number], now)]
        # Also where there is nothing to wait for: the step may have ended since ``now``.
        wait_until_settled(files[number] for number in fresh)
        now = time.time()
        for number in fresh:
            about = _stat(paths[number])
            self._asked[number] = (*self._asked[number][:2], _state(about))
            self.sizes[number] = about.st_size
            self._lasting[number] = settled(about, now)

    def _take_over(self, what: str, earlier: Mapping[str, str]) -> None:
        """Note what earlier versions remembered."""
        for number, (place, key, state) in enumerate(self._asked):
            name = key.removeprefix(f"{what}/")
            answer = earlier.get(f"{what}{os.path.join(place, name)}:{state}")  # noqa: PTH118
            if answer is not None and self.answers[number] is None:
                self.learn(number, answer)
        self.save()

    def learn(self, number: int, answer: str) -> None:
        """Note an answer of one file, and save all from time to time."""
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
        """Add to the memory what was learnt."""
        if self._memory is not None:
            for place, entries in self._fresh.items():
                self._memory.add(place, entries)
        self._fresh.clear()
        self._saved = time.monotonic()

    @contextmanager
    def saved(self) -> Iterator[None]:
        """Save after the block, also where it was interrupted: reading may have taken hours."""
        try:
            yield
        finally:
            self.save()


def _state(about: os.stat_result) -> str:
    return f"{about.st_size}:{about.st_mtime_ns}:{about.st_ctime_ns}"


def _stat(path: str | Path) -> os.stat_result:
    """Return the state of a file. Asked of tens of thousands at each start, so without detours."""
    try:
        return os.stat(path)  # noqa: PTH116
    except ValueError:  # a null character
        return as_path(path).stat()
    except OSError:
        with readable(path):
            raise


def _valid(entry: str | None, state: str) -> str | None:
    """Return the answer of an entry; None if it is of another state of the file."""
    found, _, answer = (entry or "").partition(" ")
    return answer if entry is not None and found == state else None


def forget(path: Path, cache: Path | None) -> None:
    """Forget what is remembered of a file in the state in which it is.

    For a file that turns out to be another one than remembered: otherwise that would stay so.
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
    """Return a digest of path, size and times of files, which changes when one of them may have.

    Raises
    ------
    FringeError
        If one is missing.
    """
    whole = hashlib.sha256()
    places = list(paths)
    wait_until_settled(_stat(path) for path in places)  # so that a later change shows
    files = [_stat(path) for path in places]
    for path, about in zip(places, files, strict=True):
        place = os.path.abspath(path)  # noqa: PTH100 - keeps symlinks
        state = (place, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
        whole.update(repr(state).encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


class ImageDigests:
    """Hashes of images as files store them, for files that hold many and no checksums of them.

    An image is read when it is first asked for; what was learnt is remembered as in `remembered`.
    So of a large file that is used in part only that part is read, and more images cost the reading
    of the new ones.

    Parameters
    ----------
    files : sequence of Path
        The files.
    starts : sequence of int
        The index of the first image of each file, and at the end that behind the last one.
    what : str
        What the images are in the files, to tell their hashes from those of other things.
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
        """Keep them; nothing is read yet."""
        self._files = list(files)
        self._starts = list(starts)
        self._what = f"hashes of images {what}".strip()
        self._cache = cache
        # Of each file the hashes of its images up to the last known one, and zeros of those between
        # that are not known; and the state of the file that they are of.
        self._known = [np.zeros((0, BYTES), np.uint8)] * len(self._files)
        self._states = [""] * len(self._files)

    def of(self, indices: Indices, read: Callable[[list[int]], Iterable[bytes]]) -> str:
        """Return a hex SHA-256 of the images at ``indices``, in that order.

        ``read`` yields what is stored of the images at increasing indices.

        Raises
        ------
        FringeError
            If an image cannot be read, the cache cannot be written, or a file was changed since it
            was first asked for.
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

    def tells_apart(self, index: int, data: bytes | memoryview) -> bool:
        """Tell whether an image is another one than that of which `of` told the hash, if it did."""
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
        """Make the hashes of some images of a file known, by their increasing rows in the file."""
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
    """Return the hashes that a cache holds as text, shape (n, BYTES); none if it is damaged."""
    try:
        data = unpack(text, most)
    except ValueError:
        data = b""
    whole = len(data) // BYTES
    return np.frombuffer(data, np.uint8, whole * BYTES).reshape(whole, BYTES)


def most_remembered(size: int) -> int:
    """Return how many bytes may be remembered of what is in a file of ``size`` bytes."""
    return max(64 << 20, 4 * size)


def pack(data: bytes) -> str:
    """Return ``data``, compressed, as text that a cache can hold."""
    return base64.b64encode(zlib.compress(data)).decode()


def unpack(text: str, most: int) -> bytes:
    """Return what `pack` was given.

    Raises
    ------
    ValueError
        If that cannot be, or it was more than ``most`` bytes.
    """
    packed = base64.b64decode(text, validate=True)
    decompressor = zlib.decompressobj()
    try:
        data = decompressor.decompress(packed, most + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not decompressor.eof or len(data) > most:
        raise ValueError(f"ends early, or becomes more than {most} bytes")
    return data
