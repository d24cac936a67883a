"""Progress of a run, as one moving line in a terminal, or as occasional lines of a log."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from fringe.costs.stages import STAGES, stage_of
from fringe.costs.text import format_seconds
from fringe.costs.time_left import TimeLeft
from fringe.progress import columns, has_line, move_line
from fringe.running.failures import describe_failure
from fringe.texts import escaped

__all__ = ["RunLine"]

EVERY = 30.0  # seconds between two lines of a log

# Messages of Snakemake that appear in every run or repeat the lines of `describe_failure`.
NOISE = (
    r"Using (workflow specific )?profile .*",
    r"Exiting because a job execution failed\..*",
    r"WorkflowError.*\nAt least one job did not complete successfully\.",
)


class _Job(NamedTuple):
    """A started job: its stage, its name in the estimate, and whether it is in a group."""

    stage: str
    name: str
    in_group: bool


class RunLine:
    """A `fringe.running.following.Follower` that shows the progress of a run on stderr.

    Parameters
    ----------
    folder : Path
        The folder of the run, as written in the paths of its jobs.
    time_left : TimeLeft
        Estimator of the remaining time.
    first, last : str
        Texts that are shown before the first job is known, and after the last job.
    at_once : bool
        Whether jobs will certainly run. Otherwise Snakemake may have been called for another
        purpose (--summary, --unlock, ...). Then Snakemake's messages are shown if no job is
        planned.
    """

    def __init__(
        self, folder: Path, time_left: TimeLeft, first: str, last: str, *, at_once: bool = True
    ) -> None:
        self._folder = folder
        self._time_left = time_left
        self._first, self._last = first, last
        self._is_shown = at_once
        self._messages: list[str] = []
        self._stopping = False
        self._begun = self._said = time.monotonic()
        self._totals: Counter[str] = Counter()  # jobs of each stage
        self._done: Counter[str] = Counter()
        self._jobs: dict[int, _Job] = {}
        self._running: dict[int, _Job] = {}
        self._failed: set[int] = set()
        self._stages: list[str] = []  # with running jobs, or the last that had some
        self._printed: set[str] = set()  # lines of Snakemake, its jobs and their logs
        self._seen: set[str] = set()  # lines of Snakemake's errors and warnings
        self._held: str | None = None  # an error that the next event may describe better

    def event(self, event: Mapping[str, Any]) -> None:
        """Receive an event of Snakemake, and print errors and warnings."""
        kind, now = event.get("event"), time.monotonic()
        held, self._held = self._held, None
        if held is not None and kind != "job_error":
            self._print_once(held)
        if kind == "workflow_started":
            self._is_shown = True
        elif kind == "run_info":
            self._totals = Counter()
            for rule, count in event["stats"].items():
                if rule != "total" and (stage := stage_of(rule)):
                    self._totals[stage] += count
        elif kind == "job_info":
            self._begin(event, now)
        elif kind == "job_finished":
            self._end(event["job_id"], now)
        elif kind in ("job_error", "group_error"):
            self._fail(event, held or "")
        elif event.get("exception") == "RuleException":
            # The command of a failed job. The next event describes the failure.
            self._held = event["message"]
        elif event["level"] in ("ERROR", "CRITICAL"):
            self._print_once(event["message"])
        elif event["level"] == "WARNING":
            self._print_once(f"warning: {event['message'].removeprefix('warning: ')}")
        elif not self._is_shown and kind is None:
            self._messages.append(event["message"])

    def text(self, line: str) -> None:
        """Print a line that Snakemake or a job has written."""
        if line not in self._seen:  # Snakemake prints the error that ends it a second time
            self._print(line)

    def tick(self) -> None:
        """Show the progress of the run, if it is time to do so."""
        now = time.monotonic()
        if not self._is_shown:
            return
        if has_line():
            _move(self.line(now, columns()))
        elif now - self._said >= EVERY:
            self._write_log(self.line(now))

    def stop(self) -> None:
        """Show from now on that the run is being stopped."""
        self._stopping = True

    def close(self) -> None:
        """Clear the moving line of the terminal, and print held messages."""
        if self._held is not None:
            self._print_once(self._held)
        if has_line() and self._is_shown:
            _move("")
        for message in () if self._is_shown else self._messages:
            _write(message)

    def line(self, now: float, width: int | None = None) -> str:
        """Return the progress of the run in at most ``width`` characters."""
        spent = format_seconds(now - self._begun)
        total, done = self._totals.total(), self._done.total()
        if not total or done == total:
            doing = self._last if total else self._first
            return f"{'stopping' if self._stopping else doing} ({spent})"[:width]
        jobs = f"{done} of {total} jobs"
        failed = f", {len(self._failed)} failed" if self._failed else ""
        left = self._left(now)
        whole = f"{jobs}{failed} ({spent}{f', {left} left' if left else ''})"
        stages = ["stopping"] if self._stopping else self._stages or ["waiting"]
        shown = [f"{', '.join(stages)}: {whole}"]
        for count in range(len(stages) - 1, 0, -1):
            shown.append(f"{', '.join(stages[:count])}, ...: {whole}")
        shown += [f"{stages[0]}: {jobs}, {left} left"] if left and not failed else []
        shown += [f"{stages[0]}: {jobs}{failed}", f"{jobs}{failed}", f"{done}/{total}"]
        fitting = (one for one in shown if width is None or len(one) <= width)
        return next(fitting, shown[-1][:width])

    def _left(self, now: float) -> str | None:
        """Return the remaining time, or None if the number of jobs is not as planned."""
        total = self._totals.total()
        if self._stopping or abs(len(self._time_left) - total) > 0.1 * total:
            return None
        seconds = self._time_left.left(now)
        return None if seconds is None else format_seconds(seconds)

    def _begin(self, event: Mapping[str, Any], now: float) -> None:
        if (stage := stage_of(event["rule_name"])) is None:
            return
        number, made = event["jobid"], [event.get("benchmark"), *event["output"]]
        name = next(filter(None, made), "").removeprefix(f"{self._folder}/")
        self._jobs[number] = self._running[number] = _Job(stage, name, bool(event.get("indent")))
        self._failed.discard(number)
        self._time_left.begin(name, now)
        self._note_stages()

    def _end(self, number: int, now: float) -> None:
        job = self._running.pop(number, None)
        if job is None:
            return
        self._done[job.stage] += 1
        self._time_left.end(job.name, now, in_group=job.in_group)
        self._note_stages()
        if self._done[job.stage] == self._totals[job.stage] and not has_line():
            spent, left = format_seconds(now - self._begun), self._left(now)
            jobs = f"{self._done.total()} of {self._totals.total()} jobs"
            self._write_log(f"{job.stage} done: {jobs} ({spent}{f', {left} left' if left else ''})")

    def _fail(self, event: Mapping[str, Any], raised: str) -> None:
        number = event.get("jobid")
        if number in self._running:
            self._failed.add(number)
            self._time_left.fail(self._running.pop(number).name)
        # Failures after Ctrl-C are expected, because Ctrl-C ends the jobs too.
        if not (self._stopping and "<Signals.SIGINT:" in raised):
            for line in describe_failure(event, self._printed, raised):
                self._print(line)
        self._note_stages()

    def _note_stages(self) -> None:
        """Store the stages that have running jobs, in the order of the data flow."""
        found = {job.stage for job in self._running.values()}
        if found:
            self._stages = [*filter(found.__contains__, STAGES), *sorted(found - {*STAGES})]

    def _print_once(self, message: str) -> None:
        """Print a message of Snakemake, unless it was printed before."""
        lines = message.splitlines()
        if not any(re.fullmatch(one, message) for one in NOISE) and not self._printed >= {*lines}:
            for line in lines:
                self._print(line)
        self._seen.update(lines)

    def _print(self, line: str) -> None:
        if any(re.fullmatch(one, line) for one in NOISE):
            return
        self._printed.add(line)
        if has_line() and self._is_shown:
            _move("")
        _write(escaped(line, keep="\t"))

    def _write_log(self, line: str) -> None:
        """Write a line of a log."""
        self._said = time.monotonic()
        _write(line)


def _move(line: str) -> None:
    with suppress(OSError):
        move_line(line)


def _write(line: str) -> None:
    """Print a line if possible. A run continues even if its messages cannot be written."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)
