"""Files that are either whole or not there."""

import errno
import hashlib
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from glob import escape
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import Any

import h5py

from fringe import __version__
from fringe.errors import DamagedFileError, FringeError
from fringe.reasons import unwritable
from fringe.regular import check_regular

__all__ = [
    "atomic_path",
    "attributes",
    "create_h5",
    "create_new",
    "h5_file",
    "is_made_from",
    "open_h5",
    "open_lock",
    "remove_partial",
    "scratch_copy",
    "written",
]

_LONGEST_STEM = 96  # bytes; a name has 255, and a temporary one has 64 of the node and 40 others


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary file beside ``path``; rename it to ``path`` when the block succeeds.

    The temporary file is empty, new, and removed when the block fails, so a reader never meets half
    a file. Its name keeps the suffix (writers choose formats by it) and holds node, process id and
    a random part, so that nobody can have put a link there that leads to another file.

    Raises
    ------
    FringeError
        If the folder or the file cannot be written, the disk is full, or somebody put something
        else in the place of the temporary file.
    """
    path = Path(path)
    partial = path.with_name(f"{_begin(path)}{_process()}-{token_hex(8)}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_folder(path)
        create_new(partial)
        try:
            yield partial
            _refuse_exchanged(partial)
            partial.replace(path)
        except BaseException:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise
    except BaseException as error:
        told = unwritable(error) if _is_about(error, path, partial) else None
        if told is None:
            raise
        raise _cannot_write(path, *told) from error


def create_new(path: str | os.PathLike[str]) -> None:
    """Create an empty file of which nothing, not even a link, is there yet.

    Raises
    ------
    OSError
        If something is there, or the folder cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open(path, flags, 0o666))


def open_lock(path: str | os.PathLike[str]) -> int:
    """Return the descriptor of a lock file, to be locked, read and written; it is made if need be.

    Raises
    ------
    FringeError
        If something else is in its place, such as a link to another file, or it cannot be written.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        handle = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise _not_a_lock(path) from error
        told = unwritable(error)
        if told is None:
            raise
        raise _cannot_write(Path(path), *told) from error
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:
        os.close(handle)
        raise _not_a_lock(path)
    return handle


def _not_a_lock(path: str | os.PathLike[str]) -> FringeError:
    return FringeError(
        f"{path}: is a link to another file, or not a file at all, where a lock must be; remove it"
    )


@contextmanager
def written(path: str | os.PathLike[str]) -> Iterator[None]:
    """Say so in one message if ``path`` cannot be written in the block.

    Raises
    ------
    FringeError
        If so. What else goes wrong in the block is not touched.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        told = unwritable(error)
        if told is None:
            raise
        raise _cannot_write(Path(path), *told) from error


def _begin(path: Path) -> str:
    """Return how the names of a file's temporary files begin; they have room for what follows."""
    stem = os.fsencode(path.stem)
    if len(stem) <= _LONGEST_STEM:
        return f".{path.stem}~"
    begin = os.fsdecode(stem[: _LONGEST_STEM // 2]).encode("utf-8", "ignore").decode()
    return f".{begin}-{hashlib.sha256(stem).hexdigest()[:16]}~"


def _process() -> str:
    """Return what tells this process from all others that may write to a shared file system."""
    return f"{socket.gethostname()[:64]}-{os.getpid()}"


def _refuse_folder(path: Path) -> None:
    """Raise before anything is computed if a name is too long, or a folder has it."""
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(path.lstat().st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))


def _refuse_exchanged(partial: Path) -> None:
    about = partial.lstat()
    if not stat.S_ISREG(about.st_mode):
        raise FringeError(
            f"{partial}: somebody put something else in its place while it was written; choose a "
            "folder that only you and people you trust may write to"
        )
    if not about.st_size:
        raise FileNotFoundError(errno.ENOENT, "nothing was written", str(partial))


def _is_about(error: BaseException, path: Path, partial: Path) -> bool:
    """Tell whether an error may be one of writing ``path``, and not of another file."""
    name = getattr(error, "filename", None)
    return name is None or Path(name) in (partial, path, *path.parents)


def _cannot_write(path: Path, reason: str, advice: str) -> FringeError:
    return FringeError(
        f"{path}: cannot be written ({reason}); {advice}, then run again: what was finished before "
        "is kept"
    )


def remove_partial(path: str | os.PathLike[str]) -> None:
    """Remove the temporary files of `atomic_path` that processes which were killed left behind."""
    path = Path(path)
    for partial in path.parent.glob(f"{escape(_begin(path))}*.part{escape(path.suffix)}"):
        with suppress(OSError):
            partial.unlink()


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

    If it is but a copy, the ``original`` is what an error is about.

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


_HDF5_WORDS = ("Unable to ", "Can't ", "Error iterating ")


def _is_of_hdf5(error: Exception) -> bool:
    """Tell whether it was HDF5 that failed: what is in a file is not there or damaged."""
    return str(error.args[0] if error.args else "").startswith(_HDF5_WORDS)


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
