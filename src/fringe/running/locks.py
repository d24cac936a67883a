"""Whether a run is alone in its folder, and the locks that a killed one left there."""

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
    """Lock a run's folder, ``results/<run>``, until this process ends in whatever way.

    A second run there would take files that are being made for damaged ones. It is the folder
    itself that is locked. Some network file systems lock no folders: then only Snakemake's own
    locks keep two runs apart.

    Raises
    ------
    FringeError
        If another run works there, or the folder cannot be made.
    """
    with written(run):
        run.mkdir(parents=True, exist_ok=True)
    # Never closed: the lock is to last as long as the process. Children do not inherit it.
    _lock(run, os.open(run, FOLDER))


def refuse_held(run: Path) -> None:
    """Raise a `FringeError` if a run works in the folder ``run``."""
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
            f"{run}: another run works in this folder; wait until it ends, or give this run "
            "another name"
        ) from error
    except OSError:  # a file system without such locks: nothing can be known
        pass


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
    # Never closed, as in `hold`.
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
