"""Correction of modification times of results that are in the future."""

import logging
import os
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["reset_future_times"]

LOGGER = logging.getLogger(__name__)

SKEW = 10.0  # tolerated difference in seconds between clocks of machines that share a file system


def reset_future_times(run: Path, *, dry: bool = False) -> int:
    """Set modification times in the future, of results below the folder ``run``, to the present.

    Such times occur when a clock was set back, or when the clock of another machine is fast.
    Snakemake ends a job whose output is older than an input, so every start would fail until that
    time has passed. The files keep their order and become newer than all other files, so results
    that may be out of date are made again. A warning states the number of files. With ``dry``, no
    time is changed.

    Returns
    -------
    int
        The number of files.
    """
    now = time.time_ns()
    found = []
    for folder, folders, names in os.walk(run):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118 - faster for thousands of shards
            with suppress(FileNotFoundError):  # another run may have removed it
                changed = os.lstat(path).st_mtime_ns
                if changed > now + SKEW * 1e9:
                    found.append((changed, path))
    if found:
        done = "a run would set them" if dry else "set"
        LOGGER.warning(
            "%s: the times of %d files are in the future; %s to the present time",
            *(run, len(found), done),
        )
    if not dry:
        order = {changed: rank for rank, changed in enumerate(sorted({one for one, _ in found}))}
        for changed, path in found:
            present = now - (len(order) - order[changed]) * 1_000
            with suppress(OSError):  # another user's file; Snakemake reports what is wrong
                os.utime(path, ns=(present, present), follow_symlinks=False)
    return len(found)
