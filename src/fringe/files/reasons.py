"""Reasons and advice for errors of the operating system about files."""

from __future__ import annotations

import errno
import os

__all__ = ["unreadable", "unwritable"]

_UNREADABLE = {
    errno.ENOENT: "does not exist; correct the path or put the data there",
    errno.EACCES: "may not be read; give yourself read permission (chmod u+r)",
    errno.EPERM: "may not be read; give yourself read permission (chmod u+r)",
    errno.EISDIR: "is a folder, not a file; correct the path, or put the file there",
    errno.ENOTDIR: "one of its folders is a file; correct the path",
    errno.ELOOP: "symbolic links in it form a loop; remove the link or correct the path",
    errno.ENAMETOOLONG: (
        "has a path that is longer than this system can open; shorten the names of folders, or "
        "move deeply nested files to a higher folder"
    ),
    errno.ESTALE: (
        "its server has lost or replaced it (stale file handle); make sure that the folder is "
        "mounted, then run again"
    ),
    errno.EIO: "its disk cannot read it (input/output error); copy it from another place",
    errno.EMFILE: "too many files are open in this process; raise `ulimit -n`, then run again",
    errno.ENFILE: "too many files are open on this machine; close other programs, then run again",
    errno.ETIMEDOUT: "its file server does not answer; wait until it does, then run again",
}

_ROOM = "free some space or choose a folder that you may write to"
_UNWRITABLE = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: "delete some of your files, or choose a folder where you have more quota",
    errno.EFBIG: (
        "the file would be larger than the limit: raise the limit (`ulimit -f unlimited`), or "
        "choose a folder on another file system"
    ),
    errno.EROFS: _ROOM,
    errno.EACCES: _ROOM,
    errno.EPERM: _ROOM,
    errno.ENOTDIR: "one of its folders is a file: remove it or choose another folder",
    errno.EEXIST: "remove the existing file or choose another folder",
    errno.EISDIR: "a folder has its name: remove the folder or choose another place",
    errno.ENOTEMPTY: "a folder has its name: remove the folder or choose another place",
    errno.ELOOP: "symbolic links in its path form a loop: remove the link",
    errno.ENAMETOOLONG: "choose shorter names for the run, its data sets or its folder",
    errno.ESTALE: "its file server has lost the folder: make sure that it is mounted",
    errno.EIO: "its disk cannot write it: choose a folder on another disk",
    errno.ENXIO: "the existing path is not a file: remove it",
    errno.ENODEV: "the existing path is not a file: remove it",
    errno.EMFILE: "too many files are open in this process: raise `ulimit -n`",
    errno.ENFILE: "too many files are open on this machine: close other programs",
    errno.ETIMEDOUT: "its file server does not answer: wait until it does",
}
_LONGEST = 100  # characters of a reason; messages of HDF5 fill several lines
# When writing fails while a file is closed, HDF5 reports no error number, only these words.
_WORDS = {os.strerror(number): number for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)}


def unreadable(error: OSError) -> str | None:
    """Return the reason why a file cannot be read, and a fix; None if the reason is unknown.

    Examples
    --------
    >>> unreadable(FileNotFoundError(errno.ENOENT, "No such file or directory"))
    'does not exist; correct the path or put the data there'
    """
    return _UNREADABLE.get(error.errno or 0)


def unwritable(error: BaseException) -> tuple[str, str] | None:
    """Return the reason why a file cannot be written, and a fix; None for other errors.

    The reason is one line. HDF5 raises an ``OSError`` or, when a file is closed, a ``RuntimeError``
    of several lines.

    Examples
    --------
    >>> unwritable(OSError(errno.ENOSPC, "No space left on device"))
    ('No space left on device', 'free some space or choose a folder that you may write to')
    """
    if not isinstance(error, OSError | RuntimeError):
        return None
    reason = str(getattr(error, "strerror", None) or error)
    for words, number in _WORDS.items():
        if words in reason:
            is_long = "\n" in reason or len(reason) > _LONGEST
            return words if is_long else reason, _UNWRITABLE[number]
    advice = _UNWRITABLE.get(getattr(error, "errno", None) or 0)
    return None if advice is None else (reason, advice)
