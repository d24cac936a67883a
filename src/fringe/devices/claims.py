"""Claim one GPU per process, with file locks.

A scheduler such as SLURM shows each job only its own GPU. Without a scheduler, all jobs on a
machine with several GPUs would take the first GPU: ``--resources gpu=4`` counts GPUs and names
none of them. So each process locks the GPU that it takes, for as long as the process lives.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fringe.errors import FringeError
from fringe.files.atomic import open_lock, written

__all__ = ["claim", "gpu_is_here", "lock_folder"]

# Open files are what holds locks; they close, and locks go, when the process ends, however it does.
_held: dict[str, int] = {}


def gpu_is_here() -> bool:
    """Tell whether this machine has a GPU of NVIDIA's, without PyTorch, which is slow to load."""
    command = shutil.which("nvidia-smi")
    return command is not None and bool(subprocess.run([command, "-L"], capture_output=True).stdout)


def claim(names: Sequence[str], folder: Path | None = None) -> int | None:
    """Return the index of a GPU that no other process holds, and hold it until this one ends.

    A process that holds one of them already keeps it.

    Parameters
    ----------
    names : sequence of str
        Of each GPU a name that is the same in all processes of the machine, such as its UUID.
    folder : Path, optional
        Of the lock files; `lock_folder` by default.

    Returns
    -------
    int or None
        None if others hold them all.

    Raises
    ------
    FringeError
        If the folder or a lock in it is somebody else's.
    """
    for index, name in enumerate(names):
        if name in _held:
            return index
    place = lock_folder() if folder is None else folder
    with written(place):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_foreign(place)
    for index, name in enumerate(names):
        handle = open_lock(place / f"{name}.lock")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        _held[name] = handle
        return index
    return None


def _refuse_foreign(place: Path) -> None:
    """Raise if somebody else made the folder, whose name anybody can guess."""
    about = place.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o002:
        raise FringeError(
            f"{place}: is a link, belongs to another user, or everyone may write there, so its "
            "locks of GPUs mean nothing; remove it, or let TMPDIR name a folder of your own"
        )


def lock_folder() -> Path:
    """Return where this user's processes lock GPUs: on the machine itself, where GPUs are too."""
    return Path(tempfile.gettempdir(), f"fringe-gpus-{os.getuid()}")
