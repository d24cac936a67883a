"""A whole run: its estimate, and Snakemake, which makes it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from fringe.costs.jobs import Device
from fringe.devices.claims import gpu_is_here
from fringe.errors import FringeError
from fringe.running.estimate import estimate_run
from fringe.running.places import submits
from fringe.running.planner import Planner

__all__ = ["Made", "call", "run", "snakemake_command"]

# Snakemake's options whose values `run` depends on, and what to use in their place.
OWN = {
    "--configfile": "name the file as `fringe run CONFIG.yaml`",
    "--configfiles": "name the file as `fringe run CONFIG.yaml`",
    "--config": "write it in the configuration",
    "-C": "write it in the configuration",
    "--report": "the report is always written to the folder of the run",
    "--snakefile": "give --snakefile before --",
    "-s": "give --snakefile before --",
    "--workflow-profile": "give --profile before --",
    "--directory": "start `fringe run` in that folder",
    "-d": "start `fringe run` in that folder",
}

STOPPED = (
    "the run stopped before its end; look for `error` in the lines above. The same command goes on "
    "where the run stopped."
)


class Made(NamedTuple):
    """The folder of a run, Snakemake's exit status, and whether Snakemake only showed its jobs."""

    folder: Path
    status: int
    only_shown: bool


def run(
    planner: Planner, others: Sequence[str] = (), device: Device | None = None, gpus: int = 1
) -> Made:
    """Print and keep the estimate of a run, and let Snakemake make the run.

    Parameters
    ----------
    planner : Planner
        The configuration, and how Snakemake is called.
    others : sequence of str
        Further options and targets for Snakemake.
    device, gpus
        As in `estimate_run`.

    Raises
    ------
    FringeError
        If the configuration has faults, or ``others`` has an option that this function sets.
    """
    _refuse_own(others)
    only_shown = any(map(_is_dry, others))
    print(f"Planning {planner.configfile}", flush=True)
    with _ended_by_sigterm():
        estimated = estimate_run(planner, device, gpus, kept=not only_shown)
    print(estimated.text, flush=True)
    report = None if only_shown or planner.targets else estimated.folder / "report.html"
    # An option of Snakemake's may take any number of values: its targets are none of them.
    targets = ["--", *planner.targets] if planner.targets else []
    status = call([*snakemake_command(planner, report), *others, *targets])
    if status and not only_shown:
        print(f"fringe: {STOPPED}", file=sys.stderr)
    return Made(estimated.folder, status, only_shown)


def snakemake_command(planner: Planner, report: Path | None) -> list[str]:
    """Return the call of Snakemake that makes a run; ``report`` is written at its end, if given.

    A profile that submits jobs says itself how many cores and GPUs they may use.
    """
    command = [sys.executable, "-m", "snakemake", "--configfile", str(planner.configfile)]
    quiet = ["reason", "host"]
    if not submits(planner.profile):
        command += ["--cores", str(planner.cores)]
        command += ["--resources", "gpu=1"] if gpu_is_here() else []
        # A job here prints its own errors. With this, those of submitted jobs would not be shown.
        quiet.append("rules")
    command += ["--config", "missing=skip"] if planner.allow_missing else []
    command += ["--quiet", *quiet]
    command += ["--report", str(report), "--report-after-run"] if report else []
    command += ["--workflow-profile", str(planner.profile)]
    return [*command, "--snakefile", str(planner.snakefile)]


def _refuse_own(others: Sequence[str]) -> None:
    for option in others:
        name = option.partition("=")[0]
        if name in OWN:
            raise FringeError(f"{name} after --: `fringe run` sets this option; {OWN[name]}")


def _is_dry(option: str) -> bool:
    """Return whether an option of Snakemake's asks it to show jobs only, also as in ``-np``."""
    return (
        option in ("--dry-run", "--dryrun")
        or re.fullmatch("-[npFRf]*n[npFRf]*", option) is not None
    )


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM unwind a block, so that a process it waits for ends too."""

    def end(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def call(command: Sequence[str]) -> int:
    """Run a command to its end, and return its exit status; signals reach it once.

    SIGTERM, SIGHUP and SIGINT are passed on. Ctrl-C is not: the terminal sends it to the command
    too, and a second SIGINT would disturb how Snakemake ends its jobs.
    """
    waiting: list[int] = []
    process: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _: FrameType | None) -> None:
        if number == signal.SIGINT and _is_in_foreground():
            return
        if process is None:
            waiting.append(number)
        else:
            process.send_signal(number)

    before = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup: the command ignores it too
            before[number] = signal.signal(number, pass_on)
    try:
        environment = {"OMP_NUM_THREADS": "1", **os.environ}
        process = subprocess.Popen(command, env=environment)
        for missed in waiting:
            process.send_signal(missed)
        status = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status


def _is_in_foreground() -> bool:
    """Return whether this process is in the foreground of a terminal, which Ctrl-C reaches."""
    with suppress(OSError):
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        finally:
            os.close(terminal)
    return False
