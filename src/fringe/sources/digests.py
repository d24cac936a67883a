"""What is learnt by reading whole files, above all their hashes, and a cache of it."""

import base64
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from fringe.files import atomic_path
from fringe.progress import progress
from fringe.sources.base import readable

__all__ = [
    "file_digests",
    "pack",
    "parts_used",
    "read_cache",
    "remembered",
    "unpack",
    "write_cache",
]


def file_digests(paths: Sequence[Path], cache: Path | None = None) -> list[str]:
    """Return the hex SHA-256 of each file's content, each read once (see `remembered`).

    Raises
    ------
    FringeError
        If a file cannot be read, or the cache cannot be written.
    """
    return remembered(paths, cache, "", _sha256)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remembered(
    paths: Sequence[Path], cache: Path | None, what: str, learn: Callable[[Path], str]
) -> list[str]:
    """Return ``learn(path)`` of each file, from the cache where its state has not changed.

    Parameters
    ----------
    paths : sequence of Path
        The files.
    cache : Path, optional
        A JSON file that remembers answers by ``what``, absolute path, size, and times of
        modification and of status change (which alone betrays a copy that kept the old
        modification time). What was not known is added. A cache that cannot be read is begun
        afresh.
    what : str
        What is asked, to tell it from other questions of the same file.
    learn : callable
        The question; reads the file.

    Raises
    ------
    FringeError
        If a file cannot be read, or the cache cannot be written.
    """
    known = read_cache(cache)
    fresh: dict[str, str] = {}
    keys = []
    for path in paths:
        with readable(path):
            state = path.stat()  # before reading: a change meanwhile makes the entry void
        place = os.path.abspath(path)  # noqa: PTH100 - keeps symlinks
        keys.append(f"{what}{place}:{state.st_size}:{state.st_mtime_ns}:{state.st_ctime_ns}")
    missing = [(key, path) for key, path in zip(keys, paths, strict=True) if key not in known]
    for key, path in progress(missing, "reading files", total=len(missing), unit="files"):
        with readable(path):
            fresh[key] = learn(path)
    if cache is not None and fresh:
        write_cache(cache, fresh)
    known |= fresh
    return [known[key] for key in keys]


def parts_used(
    contents: Sequence[str], starts: Sequence[int], first: int, last: int
) -> list[tuple[str, int, int]]:
    """Return what images ``first`` to ``last - 1`` use of files that hold many images each.

    Parameters
    ----------
    contents : sequence of str
        The hash of each file.
    starts : sequence of int
        The index of the first image of each file, and at the end that behind the last.

    Returns
    -------
    list of (str, int, int)
        Of each file that is used, the hash, and the range of its own images.
    """
    return [
        (content, max(first - begin, 0), min(last, end) - begin)
        for content, begin, end in zip(contents, starts, starts[1:], strict=False)
        if begin < last and end > first
    ]


def read_cache(cache: Path | None) -> dict[str, str]:
    """Return what a cache remembers; nothing if it cannot be read."""
    if cache is not None:
        with suppress(OSError, ValueError):
            content = json.loads(cache.read_text("utf-8"))
            if isinstance(content, dict):
                return content
    return {}


def write_cache(cache: Path, fresh: Mapping[str, str]) -> None:
    """Add ``fresh`` answers to the cache.

    Raises
    ------
    FringeError
        If it cannot be written.
    """
    # Read again: another process may have added its own since. What one of two simultaneous
    # writers loses is only learnt once more. An entry of the same file's earlier state goes.
    stale = {_cached_path(key) for key in fresh}
    entries = {
        key: value for key, value in read_cache(cache).items() if _cached_path(key) not in stale
    }
    with atomic_path(cache) as partial:
        partial.write_text(json.dumps({**entries, **fresh}, indent=0), "utf-8")


def _cached_path(key: str) -> str:
    return key.rsplit(":", 3)[0]


def pack(data: bytes) -> str:
    """Return ``data``, compressed, as text that a cache can hold."""
    return base64.b64encode(zlib.compress(data)).decode()


def unpack(text: str) -> bytes:
    """Return what `pack` was given.

    Raises
    ------
    ValueError
        If that cannot be.
    """
    try:
        return zlib.decompress(base64.b64decode(text, validate=True))
    except zlib.error as error:
        raise ValueError(str(error)) from error
