"""Search for jobs of a killed run that are still queued or running on SLURM.

A Snakemake that was killed with SIGKILL cancels no jobs. When it is started again, it does not know
about these jobs. It would submit the same jobs a second time, and two jobs would write the same
file. So a run does not start while such jobs exist. Its message says what to do: cancel the jobs
with ``fringe cancel`` and start the run again (``make resume`` does both).
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
TIMEOUT = 30.0  # longest time in seconds to wait for an answer of SLURM


def left_over(folder: Path) -> list[str]:
    """Return the numbers of this user's SLURM jobs that were submitted by a run in ``folder``.

    The list is empty on a machine without SLURM.

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
    """Raise FringeError if jobs of an earlier run in ``folder`` are still queued or running.

    If SLURM does not answer, only a warning is logged, because the run may not need SLURM.
    """
    try:
        jobs = left_over(folder)
    except FringeError as error:
        LOGGER.warning("%s", error)
        return
    if jobs:
        raise FringeError(
            f"{len(jobs)} jobs of an earlier run in this folder are still queued or running on "
            f"SLURM ({', '.join(jobs[:5])}{', ...' if len(jobs) > 5 else ''}), and would write the "
            "same files; cancel these jobs with `fringe cancel` and start the run again, or wait "
            "until they have ended (squeue --me)"
        )


def cancel(folder: Path, seconds: float = 120.0) -> list[str]:
    """Cancel the jobs of earlier runs in ``folder``, wait for their end, and return their numbers.

    Raises
    ------
    FringeError
        If SLURM does not answer, or a job has not ended after ``seconds``.
    """
    jobs = left_over(folder)
    if not jobs:
        return []
    _ask("scancel", *jobs)
    deadline = time.monotonic() + seconds
    while remaining := left_over(folder):
        if time.monotonic() > deadline:
            raise FringeError(
                f"jobs {', '.join(remaining)} have not ended {seconds:.0f} s after they were "
                "cancelled (perhaps a node does not answer); check with `squeue --me` and try again"
            )
        time.sleep(1)
    return jobs


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", None) or error).strip().splitlines()[-1]
        raise FringeError(
            f"{command[0]}: SLURM does not answer ({said}), so jobs of an earlier run may still be "
            "active; try again when SLURM answers"
        ) from error
    return done.stdout
