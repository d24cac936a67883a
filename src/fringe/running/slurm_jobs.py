"""Jobs of an earlier run that still queue or run on SLURM, where the run itself was killed.

Snakemake, killed with SIGKILL, cancels nothing, and started again knows nothing of these jobs: it
would submit the same ones a second time, and two would write one file. So a run does not start
while there are any, and says what to do: cancel them with ``fringe cancel`` and start the run again
(``make resume`` does both).
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import time
from pathlib import Path

from fringe.errors import FringeError

__all__ = ["PREFIX", "cancel", "left_over", "refuse_left_over"]

LOGGER = logging.getLogger(__name__)

PREFIX = "fringe"  # `slurm-jobname-prefix` in profiles/slurm
TIMEOUT = 30.0  # seconds that SLURM may take to answer


def left_over(folder: Path) -> list[str]:
    """Return the numbers of this user's jobs that a run in ``folder`` submitted, as SLURM knows.

    Empty where there is no SLURM.

    Raises
    ------
    FringeError
        If SLURM does not answer.
    """
    if shutil.which("squeue") is None:
        return []
    lines = _ask("squeue", "--me", "--noheader", "--format=%i|%j|%Z").splitlines()
    jobs = []
    for line in lines:
        number, name, place = line.strip().split("|", 2)
        if name.startswith(f"{PREFIX}_") and Path(place).resolve() == folder.resolve():
            jobs.append(number)
    return jobs


def refuse_left_over(folder: Path) -> None:
    """Raise FringeError if jobs of an earlier run in ``folder`` still queue or run.

    A SLURM that does not answer takes no jobs either, and is no reason not to run without it.
    """
    try:
        jobs = left_over(folder)
    except FringeError as error:
        LOGGER.warning("%s", error)
        return
    if jobs:
        raise FringeError(
            f"{len(jobs)} jobs of an earlier run in this folder still queue or run on SLURM "
            f"({', '.join(jobs[:5])}{', ...' if len(jobs) > 5 else ''}), and would write the same "
            "files: cancel them with `fringe cancel` and start the run again, or wait until they "
            "have ended (squeue --me)"
        )


def cancel(folder: Path, seconds: float = 120.0) -> list[str]:
    """Cancel the jobs of earlier runs in ``folder``; return their numbers once they are gone.

    Raises
    ------
    FringeError
        If SLURM does not answer, or they are still there after so many seconds.
    """
    jobs = left_over(folder)
    if not jobs:
        return []
    _ask("scancel", *jobs)
    deadline = time.monotonic() + seconds
    while remaining := left_over(folder):
        if time.monotonic() > deadline:
            raise FringeError(
                f"jobs {', '.join(remaining)} are still there {seconds:.0f} s after they were "
                "cancelled (a node that does not answer?); look with `squeue --me` and try again"
            )
        time.sleep(1)
    return jobs


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", None) or error).strip().splitlines()[-1]
        raise FringeError(
            f"{command[0]}: SLURM does not answer ({said}), so whether jobs of an earlier run are "
            "left is unknown; try again when it does"
        ) from error
    return done.stdout
