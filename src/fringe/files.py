"""Files that are either whole or not there."""

import errno
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from glob import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py

from fringe import __version__
from fringe.errors import DamagedFileError, FringeError

__all__ = [
    "atomic_path",
    "attributes",
    "create_h5",
    "h5_file",
    "is_made_from",
    "open_h5",
    "remove_partial",
    "scratch_copy",
]


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; rename it to ``path`` when the block succeeds.

    The temporary file is removed when the block fails, so a reader never meets half a file.
    Its name keeps the suffix (writers choose formats by it) and holds node and process id.

    Raises
    ------
    FringeError
        If the folder or the file cannot be written, or the disk is full.
    """
    path = Path(path)
    partial = path.with_name(f".{path.stem}~{_process()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        if not _unwritable(error):
            raise
        raise FringeError(
            f"{path}: cannot be written ({_reason(error)}); free some space or choose a folder "
            "that you may write to, then run again: what was finished before is kept"
        ) from error


def _process() -> str:
    """Return what tells this process from all others that may write to a shared file system."""
    return f"{socket.gethostname()}-{os.getpid()}"


def remove_partial(path: str | os.PathLike[str]) -> None:
    """Remove the temporary files of `atomic_path` that processes which were killed left behind."""
    path = Path(path)
    for partial in path.parent.glob(f".{escape(path.stem)}~*.part{escape(path.suffix)}"):
        with suppress(OSError):
            partial.unlink()


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


def _reason(error: BaseException) -> str:
    """Return an error in one line; HDF5's own words for a full disk fill several."""
    return "No space left on device" if "No space left" in str(error) else str(error)


def h5_file(path: str | os.PathLike[str], mode: str = "r") -> h5py.File:
    """Open an HDF5 file, and what virtual datasets in it refer to, without locks.

    Each file has one writer, and readers meet it when it is whole: nothing needs a lock, and on
    file systems that have none HDF5 would fail (its "best effort" covers one of the ways in which
    they say so). Where ``HDF5_USE_FILE_LOCKING`` is set, HDF5 obeys that.
    """
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

    If it is but a copy, the ``original`` is what an error is about.

    Raises
    ------
    DamagedFileError
        If it is missing, is not HDF5, is cut short, or a chunk fails its checksum.
    """
    try:
        with h5_file(path) as file:
            yield file
    except OSError as error:
        named = original or path
        raise DamagedFileError(
            f"{named}: missing or damaged ({error}); delete it and run again, which makes it",
            named,
        ) from error


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
        if not _unwritable(error):
            raise
        raise FringeError(
            f"{folder}: takes no images while a job works on them ({_reason(error)}); let TMPDIR "
            "name a folder with room on the node, or set `extraction/scratch: false`"
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
