"""The saved state of an optimizer, from which an interrupted run continues."""

import hashlib
import logging
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from fringe.errors import FringeError
from fringe.files.atomic import atomic_path
from fringe.files.hdf5 import attributes, h5_file, open_h5
from fringe.files.regular import open_regular
from fringe.metrics.arrays import Array

__all__ = ["Checkpoint", "State", "signature"]

LOGGER = logging.getLogger(__name__)

State: TypeAlias = dict[str, Array]

ROWS = 8192  # rows of an array that are hashed at a time
_MARK = b"sha256:"  # before the digest at the end of a file
INTERVAL = 20.0  # seconds between two saves; the times of saves do not change the result


def signature(*parts: Any) -> str:
    """Return a hex SHA-256 of ``parts``: matrices by type, shape and content, others by repr.

    A part that has a shape and a dtype counts as a matrix, and is read block by block.
    """
    digest = hashlib.sha256()
    for part in parts:
        if hasattr(part, "shape") and hasattr(part, "dtype"):
            digest.update(f"{np.dtype(part.dtype).str}{tuple(part.shape)}".encode())
            for first in range(0, len(part), ROWS):
                digest.update(np.ascontiguousarray(part[first : first + ROWS]).data)
        else:
            digest.update(repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()


class Checkpoint:
    """A file that contains the latest state of one optimization.

    Parameters
    ----------
    path : path or None
        If None, nothing is saved.
    key : str
        `signature` of everything that the result depends on. A file with another key is not used.
    """

    def __init__(self, path: str | os.PathLike[str] | None, key: str) -> None:
        self._path = None if path is None else Path(path)
        self._key = key
        self._saved = time.monotonic()

    def load(self) -> State | None:
        """Return the saved state, or None if no state with this key is saved.

        A damaged file, or a file with another key, causes a warning and is overwritten later.
        """
        if self._path is None or not self._path.exists():
            return None
        try:
            _refuse_damaged(self._path)
            with open_h5(self._path) as file:
                about = attributes(file)
                if about.get("key") == self._key and about.get("names") != _names(file):
                    reason = "is incomplete"
                elif about.get("key") == self._key:
                    LOGGER.info("%s: continuing from this state", self._path)
                    return {name: np.asarray(dataset) for name, dataset in file.items()}
                else:
                    reason = "belongs to other input or settings"
        except (OSError, ValueError, TypeError) as error:
            reason = str(error)
        LOGGER.warning("%s: checkpoint not used: %s", self._path, reason)
        return None

    def due(self) -> bool:
        """Return whether the last save was at least `INTERVAL` seconds ago."""
        return self._path is not None and time.monotonic() - self._saved >= INTERVAL

    def save(self, state: State) -> None:
        """Write ``state`` to the file, if a path was given."""
        if self._path is None:
            return
        with atomic_path(self._path) as partial:
            with h5_file(partial, "w") as file:
                file.attrs.update({"key": self._key, "names": _names(state)})
                for name, array in state.items():
                    checked = array.ndim > 0 and array.size > 0
                    file.create_dataset(name, data=array, fletcher32=checked)
            _append_digest(partial)
        self._saved = time.monotonic()


def _append_digest(path: Path) -> None:
    """Append a digest to an HDF5 file. HDF5 ignores bytes after the end of its own data."""
    with path.open("r+b") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.write(_MARK + digest.encode())


def _refuse_damaged(path: Path) -> None:
    """Raise FringeError if the digest at the end of a file is wrong: HDF5 may hang on such a file.

    A file without a digest was written by an earlier version of Fringe.
    """
    with open_regular(path) as file:
        left = max(0, os.fstat(file.fileno()).st_size - len(_MARK) - 64)
        file.seek(left)
        end = file.read()
        if not end.startswith(_MARK):
            return
        file.seek(0)
        digest = hashlib.sha256()
        while left and (block := file.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
    if end != _MARK + digest.hexdigest().encode():
        raise FringeError("is damaged (its digest does not match its content)")


def _names(state: Iterable[str]) -> str:
    return " ".join(sorted(state))
