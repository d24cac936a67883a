"""Whether a run is alone in its folder, and the locks that a killed one left there."""

import fcntl
import os
import platform
import shutil
import uuid
from pathlib import Path

from fringe.files.atomic import open_lock, written

__all__ = ["clear_stale_locks"]


def clear_stale_locks(folder: Path) -> bool:
    """Remove Snakemake's locks in ``folder`` (``.snakemake``) if no run that made them is alive.

    They are plain files, so a killed run leaves them, and the next one would ask for a manual
    `snakemake --unlock`. Each run that calls this function holds a lock of the operating system
    besides, shared, until its process ends in whatever way. A run that gets it alone knows that no
    other is alive; it trusts the file system so far only if the last run was on this machine.

    Returns
    -------
    bool
        Whether locks were removed. If not, and there are any, Snakemake refuses to start.

    Raises
    ------
    FringeError
        If the file of the lock is a link, or cannot be written.
    """
    with written(folder):
        folder.mkdir(parents=True, exist_ok=True)
    # Never closed: the lock is to last as long as the process. Children do not inherit it.
    handle = open_lock(folder / "fringe.lock")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(handle, fcntl.LOCK_SH)
        return False
    except OSError:  # a file system without such locks: nothing can be known
        return False
    locks = folder / "locks"
    stale = locks.is_dir() and any(locks.iterdir())
    here = f"{platform.node()} {uuid.getnode():x}".encode()
    known = os.pread(handle, 1000, 0) == here
    if stale and known:
        shutil.rmtree(locks)
        locks.mkdir()
    if known or not stale:
        os.ftruncate(handle, 0)
        os.pwrite(handle, here, 0)
    fcntl.flock(handle, fcntl.LOCK_SH)
    return stale and known
