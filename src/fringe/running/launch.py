"""A whole run: its estimate, and Snakemake, which makes it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from fringe.costs.jobs import Device
from fringe.costs.time_left import TimeLeft
from fringe.devices.claims import gpu_is_here
from fringe.errors import FringeError
from fringe.running.estimate import Estimated, estimate_run
from fringe.running.following import LOGGER_OPTIONS, follow, start
from fringe.running.places import jobs_at_a_time, submits
from fringe.running.planner import Planner
from fringe.running.published import fetch_what_is_named
from fringe.running.run_line import RunLine

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

# Snakemake's options that ask for its log.
LOGGING = ("--verbose", "--debug-dag", "--printshellcmds", "-p", "--logger")

LOGS = Path(".snakemake", "log")  # where Snakemake keeps its log of each run

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

    Files of the catalogue that the configuration names, and that are not there, are fetched before.

    A line on stderr shows how far the run is (`fringe.running.run_line`). Snakemake's log takes its
    place if the environment has ``VERBOSE=1``, or if ``others`` ask for a dry run or for that log.

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
        if not only_shown:
            fetch_what_is_named(planner.configfile, planner.allow_missing)
        estimated = estimate_run(planner, device, gpus, kept=not only_shown)
    print(estimated.text, flush=True)
    report = None if only_shown or planner.targets else estimated.folder / "report.html"
    # An option of Snakemake's may take any number of values: its targets are none of them.
    targets = ["--", *planner.targets] if planner.targets else []
    line = None
    if not (only_shown or _is_verbose() or any(_asks_for_log(option) for option in others)):
        line = _run_line(planner, estimated, gpus, report, at_once=not others)
    started = time.time()
    command = snakemake_command(planner, report, followed=line is not None)
    status = call([*command, *others, *targets], line)
    if status and not only_shown:
        whole = "".join(f" Snakemake's whole log: {path}" for path in _logs_since(started)[-1:])
        print(f"fringe: {STOPPED}{whole}", file=sys.stderr)
    return Made(estimated.folder, status, only_shown)


def snakemake_command(
    planner: Planner, report: Path | None, *, followed: bool = False
) -> list[str]:
    """Return the call of Snakemake that makes a run; ``report`` is written at its end, if given.

    Where it is ``followed``, Snakemake tells its events to this process, and shows nothing itself.
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
    command += [*LOGGER_OPTIONS] if followed else []
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


def _is_verbose() -> bool:
    return os.environ.get("VERBOSE", "") not in ("", "0")


def _asks_for_log(option: str) -> bool:
    return option.partition("=")[0] in LOGGING


def _run_line(
    planner: Planner, estimated: Estimated, gpus: int, report: Path | None, at_once: bool
) -> RunLine:
    """Return the line that tells how far a run is; it may have to wait until Snakemake starts."""
    if submits(planner.profile):
        time_left = TimeLeft(estimated.planned, jobs=jobs_at_a_time(planner.profile))
    else:
        time_left = TimeLeft(estimated.planned, cores=planner.cores, gpus=gpus)
    last = "writing the report" if report else "ending"
    first = "planning jobs" if estimated.planned else last
    return RunLine(estimated.folder, time_left, first, last, at_once=at_once)


def _logs_since(started: float) -> list[Path]:
    """Return the logs that Snakemake has written since, the newest one last."""
    found = [(path.stat().st_mtime, path) for path in LOGS.glob("*.log")]
    return [path for changed, path in sorted(found) if changed >= started]


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


def call(command: Sequence[str], line: RunLine | None = None) -> int:
    """Run a command to its end, and return its exit status; signals reach it once.

    A ``line`` is told of what happens. The command is Snakemake's with `LOGGER_OPTIONS` then.

    SIGTERM, SIGHUP and SIGINT are passed on. Ctrl-C is not: the terminal sends it to the command
    too, and a second SIGINT would disturb how Snakemake ends its jobs.
    """
    waiting: list[int] = []
    process: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _: FrameType | None) -> None:
        if line is not None:
            line.stop()
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
        if line is None:
            process = subprocess.Popen(command, env=environment)
        else:
            followed = start(command, environment)
            process = followed.process
        for missed in waiting:
            process.send_signal(missed)
        if line is not None:
            follow(followed, line)
        status = process.wait()
    finally:
        if line is not None:
            line.close()
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
