"""Whose folders results may be kept in: anybody who may write there can exchange any file."""

import os
import stat
from pathlib import Path

__all__ = ["open_to_all"]


def open_to_all(folder: Path) -> str | None:
    """Return a fault if a folder is somebody else's and everyone may write there; else None.

    These are trusted: one's own folders and those of root; what the owner shares with a group that
    one belongs to, as clusters have it for projects; what one may write by an access list; and
    folders with the sticky bit, where nobody can remove the files of others.

    Parameters
    ----------
    folder : Path
        A folder that is there.

    Examples
    --------
    >>> open_to_all(Path.home()) is None
    True
    """
    about = folder.stat()
    is_open = about.st_mode & stat.S_IWOTH and not about.st_mode & stat.S_ISVTX
    if not is_open or about.st_uid in (0, os.geteuid()):
        return None
    if about.st_mode & stat.S_IWGRP and about.st_gid in {os.getegid(), *os.getgroups()}:
        return None
    return (
        f"{folder} belongs to another user ({_owner(about.st_uid)}), and everyone may write there, "
        "so anyone could exchange its files"
    )


def _owner(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
