"""Files that are either whole or not there."""

import errno
import hashlib
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from secrets import token_hex

from fringe.errors import FringeError
from fringe.files.reasons import unwritable

__all__ = ["atomic_path", "create_new", "open_lock", "remove_partial", "written"]

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


_HDF5_WORDS = ("Unable to ", "Can't ", "Error iterating ")
