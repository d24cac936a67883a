"""Times of results that lie in the future."""

import logging
import os
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["bring_back"]

LOGGER = logging.getLogger(__name__)

SKEW = 10.0  # seconds by which clocks of machines that share a file system may differ


def bring_back(run: Path, *, dry: bool = False) -> int:
    """Give the results below the folder ``run`` whose times lie in the future the present time.

    A clock was set back since, or that of another machine is fast. Snakemake ends a job whose
    output is older than an input, so each start would fail until that time has come. The files
    keep their order, and become newer than all others: what may be out of date is made again.
    A warning counts them; with ``dry`` that is all.

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
            path = os.path.join(folder, name)  # noqa: PTH118 - asked of thousands of shards
            with suppress(FileNotFoundError):  # another run may have removed it
                changed = os.lstat(path).st_mtime_ns
                if changed > now + SKEW * 1e9:
                    found.append((changed, path))
    if found:
        done = "a run would set them" if dry else "set"
        LOGGER.warning(
            "%s: the times of %d files lie in the future; %s to the present time",
            *(run, len(found), done),
        )
    if not dry:
        order = {changed: rank for rank, changed in enumerate(sorted({one for one, _ in found}))}
        for changed, path in found:
            present = now - (len(order) - order[changed]) * 1_000
            with suppress(OSError):  # somebody else's file: Snakemake says what is wrong with it
                os.utime(path, ns=(present, present), follow_symlinks=False)
    return len(found)
