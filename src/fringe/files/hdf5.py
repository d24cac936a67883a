"""Opening and making HDF5 files."""

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
    """Open an HDF5 file, and what virtual datasets in it refer to, without locks.

    Each file has one writer, and readers meet it when it is whole: nothing needs a lock, and on
    file systems that have none HDF5 would fail (its "best effort" covers one of the ways in which
    they say so). Where ``HDF5_USE_FILE_LOCKING`` is set, HDF5 obeys that.

    Raises
    ------
    FringeError
        If it is to be read and is not a regular file.
    OSError
        If it cannot be opened.
    """
    if mode == "r":
        check_regular(path)
    # The oldest format that has all that is used, and not h5py's default of the oldest of all.
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

    ``provenance`` (what the content depends on) becomes attributes, beside the versions of the
    packages that wrote it. With ``scratch`` the file is written in the node's own temporary folder
    and copied when it is whole, for results on a network file system.

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
        If it is missing, is not a file, is not HDF5, is cut short, a checksum in it fails, or
        something is not in it that the block reads.
    """
    named = original or path
    try:
        try:
            opened = h5_file(path)
        except FringeError as error:
            advice = "if a run wrote it, delete it and run again, which makes it"
            raise DamagedFileError(f"{error}; {advice}", named) from None
        with opened as file:
            yield file
    except (OSError, KeyError, RuntimeError) as error:
        if not isinstance(error, OSError) and not _is_of_hdf5(error):
            raise
        raise DamagedFileError(
            f"{named}: missing or damaged ({error}); delete it and run again, which makes it",
            named,
        ) from error


def _is_of_hdf5(error: Exception) -> bool:
    """Tell whether it was HDF5 that failed: what is in a file is not there or damaged."""
    return str(error.args[0] if error.args else "").startswith(_HDF5_WORDS)


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
    except (ValueError, TypeError):  # of an attribute that is damaged
        return False
    return all(found.get(key) == value for key, value in provenance.items())


@contextmanager
def scratch_copy(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a copy of the HDF5 file at ``path`` in the node's own temporary folder.

    It is removed after the block, however that ends.

    Raises
    ------
    DamagedFileError
        If the file is missing or cut short.
    FringeError
        If the temporary folder cannot be written or has no room.
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
    """Yield a name in the node's own temporary folder; copy that file to ``path`` at the end."""
    with _scratch_folder() as folder:
        place = folder / path.name
        with _taking_room(folder.parent):
            yield place
        shutil.copyfile(place, path)


@contextmanager
def _scratch_folder() -> Iterator[Path]:
    """Yield a new folder in the one that ``TMPDIR`` names; it is removed with all that it holds."""
    named = Path(os.environ.get("TMPDIR") or tempfile.gettempdir())
    with _taking_room(named):
        # Python itself would quietly take another one, perhaps a small one in memory.
        if not named.is_dir():
            raise OSError(errno.ENOTDIR, "no such folder")
        folder = tempfile.TemporaryDirectory(prefix="fringe-", dir=named)
    with folder as place:
        yield Path(place)


@contextmanager
def _taking_room(folder: Path) -> Iterator[None]:
    """Say what to do if ``folder``, on the node, does not take what is written in the block."""
    try:
        yield
    except BaseException as error:
        told = unwritable(error)
        if told is None:
            raise
        raise FringeError(
            f"{folder}: takes no images while a job works on them ({told[0]}); let TMPDIR "
            "name a folder with room on the node, or set `extraction/scratch: false`"
        ) from error
