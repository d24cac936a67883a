"""Open files from outside without waiting forever: only regular files are opened.

A named pipe waits until a process writes to it, a terminal or another device waits for input, and
``/dev/zero`` never ends. A path or a link can lead to any of these in place of a file.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from io import BufferedReader
from pathlib import Path

from fringe.errors import FringeError
from fringe.files.reasons import unreadable

__all__ = [
    "LARGEST_CHECKPOINT",
    "LARGEST_TEXT",
    "check_regular",
    "fault_at",
    "open_regular",
    "read_regular",
    "read_text",
]

#: Maximum bytes of a generator, weight file or file of statistics. These files are hashed whole.
LARGEST_CHECKPOINT = 16 << 30
#: Maximum bytes of a text file that is read at once (logs, CSV and JSON files).
LARGEST_TEXT = 256 << 20

_LEASE = 60.0  # seconds; Linux gives the holder of a lease 45 seconds to return it
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_regular(path: str | os.PathLike[str], limit: int | None = None) -> BufferedReader:
    """Open a regular file, or a link to one, to read its bytes.

    Parameters
    ----------
    path : path-like
        The file.
    limit : int, optional
        Maximum bytes of a file of this kind.

    Raises
    ------
    FringeError
        If the path is not a regular file (nothing is read or waited for), or the file is larger
        than ``limit``.
    OSError
        If the file cannot be opened.

    Examples
    --------
    >>> with open_regular("images.zip") as file:  # doctest: +SKIP
    ...     file.read(4)
    b'PK\\x03\\x04'
    """
    if "\0" in os.fsdecode(path):
        raise _no_path(path)
    return open(path, "rb", opener=lambda *_: _opened(path, limit)[0])


def read_regular(path: str | os.PathLike[str], limit: int) -> bytes:
    """Return the content of a regular file of at most ``limit`` bytes.

    Raises
    ------
    FringeError, OSError
        As `open_regular` does, and if the file grows beyond ``limit`` while it is read.
    """
    handle, size = _opened(path, limit)
    try:
        # Request one byte more than the size, to detect a file that has grown.
        pieces = [os.read(handle, size + 1)]
        if len(pieces[0]) == size:
            return pieces[0]
        held = len(pieces[0])
        while pieces[-1]:
            pieces.append(os.read(handle, max(size + 1 - held, 1 << 16)))
            held += len(pieces[-1])
            _refuse_larger(path, held, limit)
        return b"".join(pieces)
    finally:
        os.close(handle)


def read_text(path: str | os.PathLike[str], errors: str = "strict") -> str:
    """Return the text of a regular file in UTF-8 of at most `LARGEST_TEXT` bytes.

    Raises
    ------
    FringeError, OSError
        As `read_regular` does.
    UnicodeDecodeError
        If the text is not UTF-8.
    """
    text = read_regular(path, LARGEST_TEXT).decode("utf-8", errors)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_regular(path: str | os.PathLike[str], limit: int | None = None) -> None:
    """Raise if ``path`` is not a regular file; call this just before a library opens the path.

    If a library accepts an open file, `open_regular` is better, because nobody can replace an open
    file.

    Raises
    ------
    FringeError, OSError
        As `open_regular` does.
    """
    try:
        about = Path(path).stat()
    except ValueError:
        raise _no_path(path) from None
    _refuse_irregular(path, about.st_mode)
    _refuse_larger(path, about.st_size, limit)


def fault_at(path: str | os.PathLike[str], limit: int | None = None) -> str | None:
    """Return the reason why a path is not a readable regular file, and a fix; None if it is.

    Examples
    --------
    >>> fault_at("/tmp/none.pkl")
    '/tmp/none.pkl: does not exist; correct the path or put the data there'
    """
    try:
        check_regular(path, limit)
    except FringeError as error:
        return str(error)
    except OSError as error:
        return f"{path}: {unreadable(error) or f'cannot be read ({error}); correct the path'}"
    return None


def _opened(path: str | os.PathLike[str], limit: int | None) -> tuple[int, int]:
    """Return the descriptor of a regular file and its size."""
    end = time.monotonic() + _LEASE
    while True:
        try:
            # Not blocking, so that a named pipe opens at once; its descriptor shows what it is.
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            break
        except BlockingIOError:
            # A file server holds a lease of the file, and has just been asked to return it.
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        except ValueError:
            raise _no_path(path) from None
        except OSError as error:
            if error.errno in (errno.ENXIO, errno.ENODEV):  # a socket, or a missing device
                _refuse_irregular(path, Path(path).stat().st_mode)
            raise
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            _refuse_irregular(path, about.st_mode)
        _refuse_larger(path, about.st_size, limit)
        os.set_blocking(handle, True)  # matters on file systems that fetch files from tape
    except BaseException:
        os.close(handle)
        raise
    return handle, about.st_size


def _refuse_irregular(path: str | os.PathLike[str], mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    link = " behind a symbolic link" if Path(path).is_symlink() else ""
    kind = _KINDS.get(stat.S_IFMT(mode), "something else")
    raise FringeError(
        f"{path}: is {kind}{link}, not a file; correct the path, or put the file there"
    )


def _no_path(path: str | os.PathLike[str]) -> FringeError:
    return FringeError(f"{path}: contains a null character; correct the path")


def _refuse_larger(path: str | os.PathLike[str], size: int, limit: int | None) -> None:
    if limit is not None and size > limit:
        raise FringeError(
            f"{path}: has {size:,} bytes, and a file of its kind has at most {limit:,}; "
            "remove it or correct the path"
        )
