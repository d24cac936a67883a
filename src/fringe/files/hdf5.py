"""Open and create HDF5 files."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py

from fringe import __version__
from fringe.errors import DamagedFileError, FringeError
from fringe.files.atomic import _HDF5_WORDS, atomic_path
from fringe.files.reasons import unwritable
from fringe.files.regular import check_regular

__all__ = ["attributes", "create_h5", "h5_file", "is_made_from", "open_h5", "scratch_copy"]


def h5_file(path: str | os.PathLike[str], mode: str = "r") -> h5py.File:
    """Open an HDF5 file, and the files that its virtual datasets refer to, without locks.

    Locks are not needed: each file has one writer, and readers see only complete files. On file
    systems without locks, HDF5 would fail. Its "best effort" setting handles only one of the errors
    that such file systems return. If ``HDF5_USE_FILE_LOCKING`` is set, HDF5 obeys that variable.

    Raises
    ------
    FringeError
        If the file is opened for reading and is not a regular file.
    OSError
        If the file cannot be opened.
    """
    if mode == "r":
        check_regular(path)
    # The oldest format with all features that Fringe uses; h5py's default format is older.
    libver = "v110" if mode == "w" else None
    return h5py.File(path, mode, libver=libver, locking=False)


@contextmanager
def create_h5(
    path: str | os.PathLike[str],
    provenance: Mapping[str, str | int | float],
    *,
    scratch: bool = False,
) -> Iterator[h5py.File]:
    """Yield a new HDF5 file that gets its name when the block succeeds.

    ``provenance`` (the inputs on which the content depends) becomes attributes of the file, next to
    the versions of the packages that wrote it. With ``scratch``, the file is written in the node's
    temporary folder and copied when it is complete, for results on a network file system.

    Raises
    ------
    FringeError
        If the folder or the file cannot be written, or a disk is full.
    """
    with (
        atomic_path(path) as partial,
        _written_in_scratch(partial) if scratch else nullcontext(partial) as place,
        h5_file(place, "w") as file,
    ):
        file.attrs.update(provenance)
        file.attrs["fringe"] = __version__
        for package in ("numpy", "h5py"):
            file.attrs[package] = version(package)
        yield file


@contextmanager
def open_h5(
    path: str | os.PathLike[str], original: str | os.PathLike[str] | None = None
) -> Iterator[h5py.File]:
    """Yield the HDF5 file at ``path`` for reading.

    ``original`` is the path that errors name, if ``path`` is a copy.

    Raises
    ------
    DamagedFileError
        If the file is missing, is not a file, is not HDF5 or is cut short, if a checksum in it
        fails, or if it does not contain a dataset or attribute that the block reads.
    """
    named = original or path
    try:
        try:
            opened = h5_file(path)
        except FringeError as error:
            advice = "if a run wrote it, delete it and run again to rebuild it"
            raise DamagedFileError(f"{error}; {advice}", named) from None
        with opened as file:
            yield file
    except (OSError, KeyError, RuntimeError) as error:
        if not isinstance(error, OSError) and not _is_of_hdf5(error):
            raise
        raise DamagedFileError(
            f"{named}: missing or damaged ({error}); delete it and run again to rebuild it",
            named,
        ) from error


def _is_of_hdf5(error: Exception) -> bool:
    """Return whether an error is from HDF5: part of a file is missing or damaged."""
    return str(error.args[0] if error.args else "").startswith(_HDF5_WORDS)


def attributes(file: h5py.File) -> dict[str, Any]:
    """Return the attributes of an HDF5 file as plain Python values."""
    return {
        key: value.item() if hasattr(value, "item") else value for key, value in file.attrs.items()
    }


def is_made_from(path: str | os.PathLike[str], provenance: Mapping[str, str | int | float]) -> bool:
    """Return whether a complete HDF5 file exists that was made from exactly this ``provenance``."""
    if not os.path.exists(path):  # noqa: PTH110 - called for thousands of shards
        return False
    try:
        with open_h5(path) as file:
            found = attributes(file)
    except (ValueError, TypeError):  # an attribute is damaged
        return False
    return all(found.get(key) == value for key, value in provenance.items())


@contextmanager
def scratch_copy(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a copy of the HDF5 file at ``path`` in the node's temporary folder.

    The copy is removed after the block, also after an error.

    Raises
    ------
    DamagedFileError
        If the file is missing or cut short.
    FringeError
        If the temporary folder cannot be written or has too little space.
    """
    with _scratch_folder() as folder:
        copy = folder / Path(path).name
        with open_h5(path):
            size = Path(path).stat().st_size
        with _taking_room(folder.parent):
            free = shutil.disk_usage(folder).free
            if size > free:
                raise OSError(errno.ENOSPC, f"{size} bytes are needed and {free} are free")
            shutil.copyfile(path, copy)
        yield copy


@contextmanager
def _written_in_scratch(path: Path) -> Iterator[Path]:
    """Yield a path in the node's temporary folder; copy the file to ``path`` at the end."""
    with _scratch_folder() as folder:
        place = folder / path.name
        with _taking_room(folder.parent):
            yield place
        shutil.copyfile(place, path)


@contextmanager
def _scratch_folder() -> Iterator[Path]:
    """Yield a new folder in the folder ``TMPDIR``; remove it with its content afterwards."""
    named = Path(os.environ.get("TMPDIR") or tempfile.gettempdir())
    with _taking_room(named):
        # Python would silently use another folder, perhaps a small one in memory.
        if not named.is_dir():
            raise OSError(errno.ENOTDIR, "no such folder")
        folder = tempfile.TemporaryDirectory(prefix="fringe-", dir=named)
    with folder as place:
        yield Path(place)


@contextmanager
def _taking_room(folder: Path) -> Iterator[None]:
    """Raise a message with a fix if the block cannot write to ``folder`` on the node."""
    try:
        yield
    except BaseException as error:
        why = unwritable(error)
        if why is None:
            raise
        raise FringeError(
            f"{folder}: cannot hold the images that a job works on ({why[0]}); let TMPDIR name a "
            "folder on the node with enough space, or set `extraction/scratch: false`"
        ) from error
