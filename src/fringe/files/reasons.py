"""What an error of the operating system means for somebody's file, and what to do."""

from __future__ import annotations

import errno
import os

__all__ = ["unreadable", "unwritable"]

_UNREADABLE = {
    errno.ENOENT: "is not there; correct the path or put the data there",
    errno.EACCES: "may not be read; give yourself read permission (chmod u+r)",
    errno.EPERM: "may not be read; give yourself read permission (chmod u+r)",
    errno.EISDIR: "is a folder, where a file must be; correct the path, or put the file there",
    errno.ENOTDIR: "one of its folders is a file; correct the path",
    errno.ELOOP: "a symbolic link in it leads in a circle; remove the link or correct the path",
    errno.ENAMETOOLONG: (
        "a path there is longer than this system can open; shorten the names of folders, or move "
        "what is deep inside further up"
    ),
    errno.ESTALE: (
        "its server has lost or replaced it (stale file handle); see that the folder is mounted, "
        "then run again"
    ),
    errno.EIO: "its disk fails to read it (input/output error); copy it from another place",
    errno.EMFILE: "too many files are open in this process; raise `ulimit -n`, then run again",
    errno.ENFILE: "too many files are open on this machine; close other programs, then run again",
    errno.ETIMEDOUT: "its file server does not answer; wait until it does, then run again",
}

_ROOM = "free some space or choose a folder that you may write to"
_UNWRITABLE = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: "delete some of your files, or choose a folder where you have more quota",
    errno.EFBIG: (
        "the file would be larger than is allowed here: raise the limit (`ulimit -f unlimited`), "
        "or choose a folder on another file system"
    ),
    errno.EROFS: _ROOM,
    errno.EACCES: _ROOM,
    errno.EPERM: _ROOM,
    errno.ENOTDIR: "one of its folders is a file: remove it or choose another folder",
    errno.EEXIST: "remove what is in its place or choose another folder",
    errno.EISDIR: "a folder is in its place: remove it or choose another folder",
    errno.ENOTEMPTY: "a folder is in its place: remove it or choose another folder",
    errno.ELOOP: "a symbolic link in its path leads in a circle: remove the link",
    errno.ENAMETOOLONG: "choose shorter names for the run, its data sets or its folder",
    errno.ESTALE: "its file server has lost the folder: see that it is mounted",
    errno.EIO: "its disk fails to write: choose a folder on another disk",
    errno.ENXIO: "what is in its place is not a file: remove it",
    errno.ENODEV: "what is in its place is not a file: remove it",
    errno.EMFILE: "too many files are open in this process: raise `ulimit -n`",
    errno.ENFILE: "too many files are open on this machine: close other programs",
    errno.ETIMEDOUT: "its file server does not answer: wait until it does",
}
_LONGEST = 100  # letters of a reason; HDF5's own words fill several lines
# HDF5 tells no number where writing fails as a file is closed, only these words.
_WORDS = {os.strerror(number): number for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)}


def unreadable(error: OSError) -> str | None:
    """Return what is wrong with a file that cannot be read, and what to do; None if unknown.

    Examples
    --------
    >>> unreadable(FileNotFoundError(errno.ENOENT, "No such file or directory"))
    'is not there; correct the path or put the data there'
    """
    return _UNREADABLE.get(error.errno or 0)


def unwritable(error: BaseException) -> tuple[str, str] | None:
    """Return why a file cannot be written, in one line, and what to do; None if that is not it.

    HDF5 says so by an ``OSError`` or, when a file is closed, a ``RuntimeError`` of several lines.

    Examples
    --------
    >>> unwritable(OSError(errno.ENOSPC, "No space left on device"))
    ('No space left on device', 'free some space or choose a folder that you may write to')
    """
    if not isinstance(error, OSError | RuntimeError):
        return None
    told = str(getattr(error, "strerror", None) or error)
    for words, number in _WORDS.items():
        if words in told:
            return words if "\n" in told or len(told) > _LONGEST else told, _UNWRITABLE[number]
    advice = _UNWRITABLE.get(getattr(error, "errno", None) or 0)
    return None if advice is None else (told, advice)
