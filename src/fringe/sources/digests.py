"""Hashes of files, and a cache of them."""

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from fringe.files import atomic_path
from fringe.progress import progress
from fringe.sources.base import readable

__all__ = ["file_digests"]


def file_digests(paths: Sequence[Path], cache: Path | None = None) -> list[str]:
    """Return the hex SHA-256 of each file's content.

    Parameters
    ----------
    paths : sequence of Path
        The files.
    cache : Path, optional
        A JSON file that remembers hashes by absolute path, size, and times of modification and
        of status change (which alone betrays a copy that kept the old modification time). What
        was not known is added. A cache that cannot be read is begun afresh.

    Raises
    ------
    FringeError
        If a file cannot be read, or the cache cannot be written.
    """
    known = _read_cache(cache)
    fresh: dict[str, str] = {}
    keys = []
    for path in paths:
        with readable(path):
            state = path.stat()  # before hashing: a change meanwhile makes the entry void
        keys.append(
            f"{os.path.abspath(path)}:{state.st_size}:{state.st_mtime_ns}:{state.st_ctime_ns}"  # noqa: PTH100 - keeps symlinks
        )
    missing = [(key, path) for key, path in zip(keys, paths, strict=True) if key not in known]
    for key, path in progress(missing, "hashing", total=len(missing), unit="files"):
        with readable(path), path.open("rb") as file:
            fresh[key] = hashlib.file_digest(file, "sha256").hexdigest()
    if cache is not None and fresh:
        _extend_cache(cache, fresh)
    known |= fresh
    return [known[key] for key in keys]


def _read_cache(cache: Path | None) -> dict[str, str]:
    if cache is not None:
        with suppress(OSError, ValueError):
            content = json.loads(cache.read_text("utf-8"))
            if isinstance(content, dict):
                return content
    return {}


def _extend_cache(cache: Path, fresh: dict[str, str]) -> None:
    # Read again: another process may have added its own since. What one of two simultaneous
    # writers loses is only hashed once more. An entry of the same file's earlier state goes.
    stale = {_cached_path(key) for key in fresh}
    entries = {
        key: value for key, value in _read_cache(cache).items() if _cached_path(key) not in stale
    }
    with atomic_path(cache) as partial:
        partial.write_text(json.dumps(entries | fresh, indent=0), "utf-8")


def _cached_path(key: str) -> str:
    return key.rsplit(":", 3)[0]
