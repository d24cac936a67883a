"""Start of a whole run: first its estimate, then Snakemake."""

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
from fringe.running.published import fetch_catalogue_files
from fringe.running.run_line import RunLine

__all__ = ["Made", "call", "run", "snakemake_command"]

# Options of Snakemake that `run` sets itself, and what the user can do instead.
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

# Options of Snakemake that request its own log.
LOGGING = ("--verbose", "--debug-dag", "--printshellcmds", "-p", "--logger")

LOGS = Path(".snakemake", "log")  # where Snakemake keeps its log of each run

STOPPED = (
    "the run stopped before its end; look for `error` in the lines above. The same command "
    "continues the run."
)


class Made(NamedTuple):
    """Folder of a run, Snakemake's exit status, and whether Snakemake only listed the jobs."""

    folder: Path
    status: int
    only_shown: bool


def run(
    planner: Planner, others: Sequence[str] = (), device: Device | None = None, gpus: int = 1
) -> Made:
    """Print and store the estimate of a run, and then let Snakemake make the run.

    Missing files of the catalogue that the configuration names are fetched first.

    A line on stderr shows the progress of the run (`fringe.running.run_line`). Snakemake's own log
    is shown instead if the environment has ``VERBOSE=1``, or if ``others`` request a dry run or
    that log.

    Parameters
    ----------
    planner : Planner
        The configuration and the options of Snakemake.
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
            fetch_catalogue_files(planner.configfile, planner.allow_missing)
        estimated = estimate_run(planner, device, gpus, kept=not only_shown)
    print(estimated.text, flush=True)
    report = None if only_shown or planner.targets else estimated.folder / "report.html"
    # "--" separates targets from an option of Snakemake that takes any number of values.
    targets = ["--", *planner.targets] if planner.targets else []
    line = None
    if not (only_shown or _is_verbose() or any(_asks_for_log(option) for option in others)):
        line = _run_line(planner, estimated, gpus, report, at_once=not others)
    started = time.time()
    command = snakemake_command(planner, report, followed=line is not None)
    status = call([*command, *others, *targets], line)
    if status and not only_shown:
        log = "".join(f" Snakemake's full log: {path}" for path in _logs_since(started)[-1:])
        print(f"fringe: {STOPPED}{log}", file=sys.stderr)
    return Made(estimated.folder, status, only_shown)


def snakemake_command(
    planner: Planner, report: Path | None, *, followed: bool = False
) -> list[str]:
    """Return the command line of Snakemake for a run.

    If ``report`` is given, Snakemake writes its report to this path at the end. If ``followed``,
    Snakemake sends its events to this process and prints no log. The numbers of cores and GPUs are
    not set for a profile that submits jobs, because such a profile sets them itself.
    """
    command = [sys.executable, "-m", "snakemake", "--configfile", str(planner.configfile)]
    quiet = ["reason", "host"]
    if not submits(planner.profile):
        command += ["--cores", str(planner.cores)]
        command += ["--resources", "gpu=1"] if gpu_is_here() else []
        # A local job prints its own errors. For submitted jobs, this option would hide the errors.
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
    """Return whether an option of Snakemake requests a dry run, also combined as in ``-np``."""
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
    """Return the line that shows the progress of a run.

    Without ``at_once``, the line is shown only when Snakemake starts jobs.
    """
    if submits(planner.profile):
        time_left = TimeLeft(estimated.planned, jobs=jobs_at_a_time(planner.profile))
    else:
        time_left = TimeLeft(estimated.planned, cores=planner.cores, gpus=gpus)
    last = "writing the report" if report else "ending"
    first = "planning jobs" if estimated.planned else last
    return RunLine(estimated.folder, time_left, first, last, at_once=at_once)


def _logs_since(started: float) -> list[Path]:
    """Return the logs that Snakemake has written since ``started``, the newest log last."""
    found = [(path.stat().st_mtime, path) for path in LOGS.glob("*.log")]
    return [path for changed, path in sorted(found) if changed >= started]


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM raise SystemExit in a block, so that a process that the block waits for ends."""

    def end(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def call(command: Sequence[str], line: RunLine | None = None) -> int:
    """Run a command to its end, and return its exit status. Each signal reaches the command once.

    With ``line``, the command must be Snakemake with `LOGGER_OPTIONS`; the line receives its
    events.

    SIGTERM, SIGHUP and SIGINT are passed on to the command. Ctrl-C is not passed on, because the
    terminal sends it to the command too. A second SIGINT would disturb how Snakemake ends its jobs.
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
        if signal.getsignal(number) != signal.SIG_IGN:  # under nohup, it ignores SIGHUP too
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
    """Return whether this process is in the foreground of a terminal, so that Ctrl-C reaches it."""
    with suppress(OSError):
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        finally:
            os.close(terminal)
    return False
