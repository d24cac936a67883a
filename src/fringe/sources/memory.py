"""Cache of results of reading files, shared by all runs in one folder of results.

It needs no lock, because some network file systems have none. A file of the cache never changes: a
process with new entries writes a new file, which also contains the entries of the existing files,
and then removes these files. Two processes that write at the same time leave two files, and the
next process that writes joins them.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from fringe.errors import FringeError
from fringe.files.atomic import atomic_path
from fringe.files.parsing import parse_json
from fringe.files.regular import read_text
from fringe.files.seals import is_whole, with_digest

__all__ = ["Memory"]

# Names of the files of a group. Other files in the folder are never removed.
_NAME = re.compile(r"\d+-[0-9a-f]{8}\.json")
TRIES = 5  # attempts to read files that other processes are joining

# State and entries of the files that this process has read, by folder.
_read: dict[Path, tuple[list[tuple[str, int, int]], dict[str, str]]] = {}


class Memory:
    """Text entries in groups. A group is read and written as a whole.

    Parameters
    ----------
    folder : Path
        Folder of the entries, created when something is added.
    """

    def __init__(self, folder: Path) -> None:
        """Store the folder; read nothing yet."""
        self.folder = folder

    def read(self, group: str) -> Mapping[str, str]:
        """Return the entries of a group; none if nothing is stored, or if it is unreadable."""
        return self._entries(self._place(group))[1]

    def add(self, group: str, fresh: Mapping[str, str]) -> None:
        """Add entries to a group; they replace entries with the same keys.

        Raises
        ------
        FringeError
            If the folder cannot be written, or is a symbolic link.
        """
        place = self._place(group)
        if place.is_symlink():
            raise FringeError(f"{place}: is a symbolic link to another folder; remove it")
        names, entries = self._entries(place)
        content = with_digest({"group": group, "entries": {**entries, **fresh}})
        with atomic_path(place / f"{time.time_ns()}-{uuid.uuid4().hex[:8]}.json") as partial:
            partial.write_text(json.dumps(content, indent=0))
        for name in names:
            with suppress(OSError):
                (place / name).unlink()

    def earlier(self) -> Mapping[str, str]:
        """Return the entries of versions before 0.1.0, stored in a file per run next to the folder.

        Keys consist of a question, a path, and its size and times, as in
        ``images of /data/a.tar:12:34:56``.
        """
        return _earlier(self.folder.parent)

    def _place(self, group: str) -> Path:
        return self.folder / _folder(group)

    def _entries(self, place: Path) -> tuple[list[str], dict[str, str]]:
        """Return the names of a group's files, and their entries. Later files override earlier.

        A file that disappears meanwhile was joined into another file.
        """
        entries: dict[str, str] = {}
        for _ in range(TRIES):
            try:
                state = _state(place)
                if place in _read and _read[place][0] == state:
                    entries = _read[place][1]
                else:
                    entries = {}
                    for name, *_ in state:
                        entries |= _content(place / name)
                    _read[place] = state, entries
                return [name for name, *_ in state], entries
            except FileNotFoundError:
                continue
            except OSError:
                break
        return [], entries


def _state(place: Path) -> list[tuple[str, int, int]]:
    """Return name, size and time of each file of a group, in the order of their creation."""
    if not place.is_dir() or place.is_symlink():
        return []
    paths = sorted(path for path in place.iterdir() if _NAME.fullmatch(path.name))
    return [(path.name, (about := path.stat()).st_size, about.st_mtime_ns) for path in paths]


def _content(path: Path) -> dict[str, str]:
    """Return the entries in a file; none if it is damaged."""
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        content = parse_json(read_text(path))
        # A wrong hash would be used for its file forever.
        if is_whole(content) and _folder(content["group"]) == path.parent.name:
            return {str(key): str(value) for key, value in content["entries"].items()}
    return {}


def _folder(group: str) -> str:
    """Return the name of the folder with the files of a group."""
    return hashlib.sha256(group.encode("utf-8", "surrogateescape")).hexdigest()[:16]


@cache
def _earlier(results: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in results.glob("*/fingerprints.json"):
        with suppress(OSError, ValueError, AttributeError):
            stored = parse_json(read_text(path))
            found |= {str(key): str(value) for key, value in stored.items()}
    return found
