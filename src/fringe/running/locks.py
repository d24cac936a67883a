"""Locks that keep two runs out of one folder, and removal of the locks of a killed run."""

import fcntl
import os
import platform
import shutil
import uuid
from pathlib import Path

from fringe.errors import FringeError
from fringe.files.atomic import open_lock, written

__all__ = ["clear_stale_locks", "hold", "refuse_held"]

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def hold(run: Path) -> None:
    """Lock a run's folder, ``results/<run>``, until this process ends, however it ends.

    A second run in the folder would take files that are being written for damaged files. The lock
    is on the folder itself. Some network file systems cannot lock folders. There, only Snakemake's
    own locks keep two runs apart.

    Raises
    ------
    FringeError
        If another run works in the folder, or the folder cannot be made.
    """
    with written(run):
        run.mkdir(parents=True, exist_ok=True)
    # Never closed, because the lock must last as long as the process. Children do not inherit it.
    _lock(run, os.open(run, FOLDER))


def refuse_held(run: Path) -> None:
    """Raise FringeError if a run works in the folder ``run``."""
    if run.is_dir():
        handle = os.open(run, FOLDER)
        try:
            _lock(run, handle)
        finally:
            os.close(handle)


def _lock(run: Path, handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise FringeError(
            f"{run}: another run works in this folder; wait until that run ends, or give this run "
            "another name"
        ) from error
    except OSError:  # the file system does not support such locks
        pass


def clear_stale_locks(folder: Path) -> bool:
    """Remove Snakemake's locks in ``folder`` (``.snakemake``) if the runs that made them are dead.

    Snakemake's locks are plain files. A killed run leaves them behind, and the next run would
    require a manual `snakemake --unlock`. So each run that calls this function also holds a shared
    lock of the operating system until its process ends, however it ends. A run that gets this lock
    exclusively knows that no other run is alive. This is trusted only if the last run was on the
    same machine, because not all file systems share locks between machines.

    Returns
    -------
    bool
        Whether locks were removed. If locks remain, Snakemake refuses to start.

    Raises
    ------
    FringeError
        If the lock file is a link or cannot be written.
    """
    with written(folder):
        folder.mkdir(parents=True, exist_ok=True)
    # Never closed, as in `hold`.
    handle = open_lock(folder / "fringe.lock")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(handle, fcntl.LOCK_SH)
        return False
    except OSError:  # the file system does not support such locks
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
