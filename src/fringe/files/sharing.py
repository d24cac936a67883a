"""Find folders that are unsafe for results, because everyone may replace the files in them."""

import os
import stat
from pathlib import Path

__all__ = ["open_to_all"]


def open_to_all(folder: Path) -> str | None:
    """Return a fault if a folder belongs to another user and everyone may write there; else None.

    Trusted are folders of the user and of root, folders that the owner shares with a group of the
    user (as clusters do for projects), folders that an access list opens to the user, and folders
    with the sticky bit, where nobody can remove the files of other users.

    Parameters
    ----------
    folder : Path
        An existing folder.

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
        "so anyone could replace its files"
    )


def _owner(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
