"""Files that are either whole or not there."""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py

from fringe import __version__
from fringe.errors import DamagedFileError, FringeError

__all__ = ["atomic_path", "attributes", "create_h5", "is_made_from", "open_h5"]


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; rename it to ``path`` when the block succeeds.

    The temporary file is removed when the block fails, so a reader never meets half a file.
    Its name keeps the suffix (writers choose formats by it) and holds the process id.

    Raises
    ------
    FringeError
        If the folder or the file cannot be written, or the disk is full.
    """
    path = Path(path)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        if not _unwritable(error):
            raise
        # HDF5's own words for a full disk fill several lines.
        reason = "No space left on device" if "No space left" in str(error) else error
        raise FringeError(
            f"{path}: cannot be written ({reason}); free some space or choose a folder that "
            "you may write to, then run again: what was finished before is kept"
        ) from error


def _unwritable(error: BaseException) -> bool:
    """Tell a full or read-only disk; HDF5 reports it as OSError or, on closing, RuntimeError."""
    if not isinstance(error, OSError | RuntimeError):
        return False
    codes = {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.ENOTDIR,
        errno.EEXIST,
    }
    return getattr(error, "errno", None) in codes or "No space left" in str(error)


@contextmanager
def create_h5(
    path: str | os.PathLike[str], provenance: Mapping[str, str | int | float]
) -> Iterator[h5py.File]:
    """Yield a new HDF5 file that gets its name when the block succeeds.

    ``provenance`` (what the content depends on) becomes attributes, beside the versions of the
    packages that wrote it.
    """
    with atomic_path(path) as partial, h5py.File(partial, "w", libver="v110") as file:
        file.attrs.update(provenance)
        file.attrs["fringe"] = __version__
        for package in ("numpy", "h5py"):
            file.attrs[package] = version(package)
        yield file


@contextmanager
def open_h5(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """Yield the HDF5 file at ``path`` for reading.

    Raises
    ------
    DamagedFileError
        If it is missing, is not HDF5, is cut short, or a chunk fails its checksum.
    """
    try:
        with h5py.File(path, "r") as file:
            yield file
    except OSError as error:
        raise DamagedFileError(
            f"{path}: missing or damaged ({error}); delete it and run again, and it is made anew",
            path,
        ) from error


def attributes(file: h5py.File) -> dict[str, Any]:
    """Return the attributes of an HDF5 file as plain Python values."""
    return {
        key: value.item() if hasattr(value, "item") else value for key, value in file.attrs.items()
    }


def is_made_from(path: str | os.PathLike[str], provenance: Mapping[str, str | int | float]) -> bool:
    """Tell whether an HDF5 file is there, whole, and was made from just this ``provenance``."""
    if not os.path.exists(path):  # noqa: PTH110 - asked of thousands of shards
        return False
    try:
        with open_h5(path) as file:
            found = attributes(file)
    except FringeError:
        return False
    return all(found.get(key) == value for key, value in provenance.items())
