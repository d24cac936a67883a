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

# The open files of the locks. They are closed, and the locks released, whenever the process ends.
_held: dict[str, int] = {}


def gpu_is_here() -> bool:
    """Return whether this machine has an NVIDIA GPU, without loading PyTorch, which is slow."""
    command = shutil.which("nvidia-smi")
    return command is not None and bool(subprocess.run([command, "-L"], capture_output=True).stdout)


def claim(names: Sequence[str], folder: Path | None = None) -> int | None:
    """Return the index of a GPU that no other process holds, and hold it until this process ends.

    A process that already holds one of the GPUs keeps it.

    Parameters
    ----------
    names : sequence of str
        A name for each GPU that is the same in all processes of the machine, such as its UUID.
    folder : Path, optional
        Folder of the lock files; `lock_folder` by default.

    Returns
    -------
    int or None
        None if other processes hold all GPUs.

    Raises
    ------
    FringeError
        If the folder or a lock in it belongs to another user.
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
    """Raise if another user made the folder, because everybody can guess its name."""
    about = place.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o002:
        raise FringeError(
            f"{place}: is a link, belongs to another user, or everyone may write there, so its "
            "locks of GPUs are not reliable; remove it, or let TMPDIR name a folder of your own"
        )


def lock_folder() -> Path:
    """Return the folder where this user's processes lock GPUs, on a disk of the machine."""
    return Path(tempfile.gettempdir(), f"fringe-gpus-{os.getuid()}")
