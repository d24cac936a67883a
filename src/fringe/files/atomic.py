"""Write files so that they are either complete or do not exist."""

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

# Bytes. A name has at most 255 bytes. A temporary name adds 64 for the node and 40 for other parts.
_LONGEST_STEM = 96


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary file next to ``path``; rename it to ``path`` when the block succeeds.

    The temporary file is new and empty, and it is removed when the block fails, so a reader never
    sees an incomplete file. Its name keeps the suffix, by which writers choose formats. The name
    also contains the node, the process id and a random part, so that nobody can have placed a link
    to another file there.

    Raises
    ------
    FringeError
        If the folder or the file cannot be written, the disk is full, or somebody replaced the
        temporary file with something else.
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
        why = unwritable(error) if _is_about(error, path, partial) else None
        if why is None:
            raise
        raise _cannot_write(path, *why) from error


def create_new(path: str | os.PathLike[str]) -> None:
    """Create an empty file at a path that does not exist yet, not even as a link.

    Raises
    ------
    OSError
        If the path exists, or the folder cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open(path, flags, 0o666))


def open_lock(path: str | os.PathLike[str]) -> int:
    """Return the descriptor of a lock file for locking, reading and writing; create it if needed.

    Raises
    ------
    FringeError
        If the path is something else, such as a link to another file, or cannot be written.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        handle = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise _not_a_lock(path) from error
        why = unwritable(error)
        if why is None:
            raise
        raise _cannot_write(Path(path), *why) from error
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:
        os.close(handle)
        raise _not_a_lock(path)
    return handle


def _not_a_lock(path: str | os.PathLike[str]) -> FringeError:
    return FringeError(
        f"{path}: is not a lock file, but a link to another file or not a file; remove it"
    )


@contextmanager
def written(path: str | os.PathLike[str]) -> Iterator[None]:
    """Raise one clear message if ``path`` cannot be written in the block.

    Raises
    ------
    FringeError
        If ``path`` cannot be written. Other errors in the block are raised unchanged.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        why = unwritable(error)
        if why is None:
            raise
        raise _cannot_write(Path(path), *why) from error


def _begin(path: Path) -> str:
    """Return the beginning of the names of a file's temporary files, short enough for the rest."""
    stem = os.fsencode(path.stem)
    if len(stem) <= _LONGEST_STEM:
        return f".{path.stem}~"
    begin = os.fsdecode(stem[: _LONGEST_STEM // 2]).encode("utf-8", "ignore").decode()
    return f".{begin}-{hashlib.sha256(stem).hexdigest()[:16]}~"


def _process() -> str:
    """Return a name that differs for all processes that may write to a shared file system."""
    return f"{socket.gethostname()[:64]}-{os.getpid()}"


def _refuse_folder(path: Path) -> None:
    """Raise before anything is computed if a name is too long, or is the name of a folder."""
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(path.lstat().st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))


def _refuse_exchanged(partial: Path) -> None:
    about = partial.lstat()
    if not stat.S_ISREG(about.st_mode):
        raise FringeError(
            f"{partial}: somebody replaced it with something else while it was written; choose a "
            "folder that only you and people you trust may write to"
        )
    if not about.st_size:
        raise FileNotFoundError(errno.ENOENT, "nothing was written", str(partial))


def _is_about(error: BaseException, path: Path, partial: Path) -> bool:
    """Return whether an error may concern writing ``path``, and not another file."""
    name = getattr(error, "filename", None)
    return name is None or Path(name) in (partial, path, *path.parents)


def _cannot_write(path: Path, reason: str, advice: str) -> FringeError:
    return FringeError(
        f"{path}: cannot be written ({reason}); {advice}, then run again: finished results are kept"
    )


def remove_partial(path: str | os.PathLike[str]) -> None:
    """Remove the temporary files of `atomic_path` that killed processes left behind."""
    path = Path(path)
    for partial in path.parent.glob(f"{escape(_begin(path))}*.part{escape(path.suffix)}"):
        with suppress(OSError):
            partial.unlink()


_HDF5_WORDS = ("Unable to ", "Can't ", "Error iterating ")
