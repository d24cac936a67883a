"""A round: several strikes on a run, which is started again until it is done."""

from __future__ import annotations

import random
import re
import shutil
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from fringe.costs.logs import read_description

from .compare import differences
from .disk import Disk, small_disk
from .kinds import STRIKES, Strike, Undo, nothing
from .project import Project, Start, build, clone

__all__ = ["CODE", "DONE", "Round", "divide", "prepare", "strike_round"]

CODE, DONE = "code", "done"

STATES = 4  # progress of the unfinished runs from which rounds start
MOST_ACTS = 40
MOST_STARTS = 4  # starts without a further strike; a run that needs more is not healed by starts
GONE = (
    "is missing",
    "is not a regular file",
)  # files whose damage cannot be noticed before they are read
HEADINGS = re.compile(r"\s+(input|output|log|benchmark|reason|jobid|wildcards|resources|params):")


@dataclass
class Round:
    """The outcome of a round."""

    number: int
    state: str
    strikes: list[Strike]
    starts: int = 0  # number after the last strike until the run was done; 0 if it never was
    settled: bool = False  # whether one more start had no jobs
    texts: list[str] = field(default_factory=list)  # output of each start
    failed: list[bool] = field(default_factory=list)  # whether each start failed
    unread: dict[str, str] = field(
        default_factory=dict
    )  # files that differed until a job read them
    wrong: dict[str, str] = field(default_factory=dict)
    hung: list[str] = field(default_factory=list)  # starts that did not end by themselves
    seconds: float = 0.0

    @property
    def is_bad(self) -> bool:
        return bool(self.wrong or self.hung or not self.starts)


def prepare(folder: Path, cores: int, timeout: float) -> None:
    """Run the project undisturbed in a new folder, and keep copies during the run and at its end.

    All processes of the run are stopped while a copy is made. So the copy is the state that a kill
    at this moment would leave.
    """
    undisturbed = folder / "undisturbed"
    undisturbed.mkdir(parents=True)
    build(undisturbed)
    project = Project(undisturbed, clone(folder / CODE), cores)
    _copy(undisturbed, folder / "state-0")
    states = 1
    start = project.start()
    deadline = time.monotonic() + timeout
    while start.running and time.monotonic() < deadline:
        share = re.findall(r"(\d+) of (\d+) steps", start.text)
        done, total = map(int, share[-1]) if share else (0, 1)
        if states < STATES and done >= total * states / STATES:
            start.signal(signal.SIGSTOP)
            _copy(undisturbed, folder / f"state-{states}")
            start.signal(signal.SIGCONT)
            states += 1
        time.sleep(0.05)
    if not start.wait(1) or not start.done:
        raise SystemExit(f"the run that nobody struck failed:\n{start.text[-5000:]}")
    undisturbed.rename(folder / DONE)


def _copy(one: Path, other: Path) -> None:
    shutil.copytree(one, other, symlinks=True)


def strike_round(
    number: int,
    strikes: list[Strike],
    state: Path,
    reference: Path,
    place: Path,
    rng: random.Random,
    *,
    code: Path,
    cores: int,
    timeout: float,
    keep: Path | None = None,
) -> Round:
    """Strike a copy of the run in ``state``, start it until it is done, and compare.

    The round uses the new folder ``place``. If something goes wrong, the folder is copied to
    ``keep``.
    """
    began = time.monotonic()
    folder = place / "project"
    about = Round(number, state.name, strikes)
    with small_disk(place) as disk:
        _copy(state, folder)
        project = Project(folder, code, cores, reference / "data")
        acts = divide(strikes, rng)
        while acts:
            late = _strike(acts.pop(0), about, project, disk, rng, timeout)
            if len(about.texts) < MOST_ACTS:
                acts += [[strike] for strike in late]
        _finish(about, project, timeout)
        found = _compare(reference, folder)
        about.unread = {name: what for name, what in found.items() if what in GONE}
        other = {name: what for name, what in found.items() if what not in GONE}
        if about.starts and about.unread and _remove_readers(project, set(about.unread)):
            # Damage of an unread file cannot be noticed, so the results that depend on it are made
            # again.
            _finish(about, project, timeout)
            about.wrong = other | _compare(reference, folder)
        else:
            about.wrong = found
        about.unread = {k: v for k, v in about.unread.items() if k not in about.wrong}
        _judge(about)
        about.seconds = time.monotonic() - began
        if about.is_bad and keep is not None:
            shutil.rmtree(keep, ignore_errors=True)
            shutil.copytree(folder, keep, symlinks=True, ignore=_fifos)
    return about


def _fifos(folder: str, names: list[str]) -> list[str]:
    """Return the names that cannot be copied."""
    return [name for name in names if (Path(folder) / name).is_fifo()]


def divide(strikes: list[Strike], rng: random.Random) -> list[list[Strike]]:
    """Divide the strikes of a round among starts.

    Strikes that end a run come last in their start. On a full disk, no other strike is possible.
    """
    acts: list[list[Strike]] = [[]]
    for strike in strikes:
        if strike.kind == "fill":
            acts.append([])
        acts[-1].append(strike)
        if strike.kind in ("kill", "fill") or rng.random() < 0.25:
            acts.append([])
    return [act for act in acts if act]


def _strike(
    act: list[Strike],
    about: Round,
    project: Project,
    disk: Disk,
    rng: random.Random,
    timeout: float,
) -> list[Strike]:
    """Apply the strikes before a start, then start the run and apply those during it.

    Returns the strikes that have not found a target yet.
    """
    undos: list[Undo] = []
    limit = None
    for strike in act:
        if strike.kind == "fill" and not disk.fills:
            strike.during = False  # a limit on the size of files is set when the run starts
        if not strike.during:
            strike.start, strike.moment = len(about.texts), f"before start {len(about.texts) + 1}"
            if strike.kind == "fill":
                undo, limit = _fill(strike, disk, rng)
            else:
                undo = _try(strike, project, None, rng)
            undos.append(undo)
    start = project.start(limit=limit)
    for strike in act:
        if strike.during:
            strike.start = len(about.texts)
            strike.moment = _wait(start, len(about.texts) + 1, rng, soon=strike.late)
            if not start.running:  # it comes in, or before, another start
                strike.during = strike.kind == "kill"
                continue
            if strike.kind == "fill":
                undo, _ = _fill(strike, disk, rng, full=True)
            else:
                undo = _try(strike, project, start, rng)
            if undo is not nothing and rng.random() < 0.5 and start.running:
                time.sleep(rng.uniform(0.2, 4))
                undo()
                strike.how += "; put back meanwhile"
            else:
                undos.append(undo)
    if not start.wait(timeout):
        about.hung.append(f"start {len(about.texts) + 1}")
    for undo in undos:
        undo()
    about.texts.append(start.text)
    about.failed.append(not start.done)
    late = [strike for strike in act if not strike.how]
    for strike in late:
        strike.late = True
    return late


def _try(strike: Strike, project: Project, start: Start | None, rng: random.Random) -> Undo:
    """Strike; if a chosen file disappears while the run works, choose again."""
    for _ in range(20):
        try:
            return STRIKES[strike.kind](strike, project, start, rng)
        except (OSError, IndexError, ValueError):
            continue
    strike.how, strike.targets = "", []
    return nothing


def _fill(
    strike: Strike, disk: Disk, rng: random.Random, full: bool = False
) -> tuple[Undo, int | None]:
    """Fill the disk of the run, or return a limit on the size of its files."""
    if disk.fills and (full or rng.random() < 0.6):
        free = rng.choice((0, 4096, 40_000, 200_000))
        disk.fill(free)
        strike.how = f"{free} bytes left on the disk"
        return disk.make_room, None
    limit = rng.choice((1000, 5000, 20_000, 60_000))
    strike.how = f"no file above {limit} bytes"
    return nothing, limit


def _wait(start: Start, number: int, rng: random.Random, soon: bool = False) -> str:
    """Wait for a random moment of a start: while it plans, or when some jobs are finished.

    If a strike missed an earlier start, because the start had no jobs, it comes ``soon``.
    """
    if soon:
        seconds, jobs = rng.uniform(0.2, 3), 0
    elif rng.random() < 0.3:
        seconds, jobs = rng.uniform(0.2, 6), 0
    else:
        seconds, jobs = rng.uniform(0, 1.5), start.finished_jobs + rng.randint(0, 10)
        while start.running and not start.planned_jobs:
            time.sleep(0.05)
    # If the start has fewer jobs, wait for the last one.
    while start.running and start.finished_jobs < min(jobs, start.planned_jobs - 2):
        time.sleep(0.05)
    deadline = time.monotonic() + seconds
    while start.running and time.monotonic() < deadline:
        time.sleep(0.02)
    if not start.running:
        return ""
    return f"in start {number}, after {start.finished_jobs} jobs and {seconds:.1f} s"


def _finish(about: Round, project: Project, timeout: float) -> None:
    """Start the run until it reports that it is done, and once more."""
    about.starts = 0
    for starts in range(1, MOST_STARTS + 1):
        start = project.start()
        ended = start.wait(timeout)
        about.texts.append(start.text)
        if not ended:
            about.hung.append(f"start {len(about.texts)}")
        elif start.done:
            about.starts = starts
            break
    else:
        return
    start = project.start()
    start.wait(timeout)
    about.settled = "Nothing to be done" in start.text
    about.texts.append(start.text)


def _compare(reference: Path, folder: Path) -> dict[str, str]:
    """Return the differences of the results and of the data, by path below the project's folder.

    Remembered hashes are ignored, because they depend on the times of files. A file without a seal
    is treated as a file of an earlier version; if it was struck as well, it is found here.
    """
    found = {
        f"{part}/{name}": what
        for part in ("results", "data")
        for name, what in differences(reference / part, folder / part).items()
    }
    return {
        name: what
        for name, what in found.items()
        if "/.fingerprints/" not in name and not ("/.seals/" in name and what == "is missing")
    }


def _remove_readers(project: Project, unread: set[str]) -> bool:
    """Remove all files that jobs made from these files, directly or indirectly.

    The inputs of jobs are read from their logs. Returns whether anything was removed.
    """
    logs = project.results.glob("logs/**/*.log")
    found = [read_description(log.read_text(errors="replace")) for log in sorted(logs)]
    jobs = [about for about in found if about]
    gone = {str(Path(name).relative_to("results/struck")) for name in unread if "struck" in name}
    removed: set[str] = set()
    while True:
        outputs = {
            output
            for about in jobs
            if not (gone | removed).isdisjoint(about["inputs"])
            for output in about["outputs"]
        }
        if outputs <= removed:
            return bool(removed)
        removed |= outputs
        for output in outputs:
            (project.results / output).unlink(missing_ok=True)


def _judge(about: Round) -> None:
    """Record for each strike how it was noticed, and whether it left anything wrong."""
    struck = {target for strike in about.strikes for target in strike.targets}
    elsewhere = {name: what for name, what in about.wrong.items() if name not in struck}
    for strike in about.strikes:
        text = "".join(about.texts[strike.start :])
        strike.again = text.count("Finished jobid: ")
        strike.starts = about.starts
        # The same start reports a strike that ends the run; a later start reports damage.
        strike.said = _lines(text if strike.targets else about.texts[strike.start], strike)
        if strike.said:
            strike.noticed = "said"
        elif any(f"output: {target}" in text for target in strike.targets):
            strike.noticed = "made again"
        elif not strike.how:
            strike.noticed = "never struck"
        elif set(strike.targets) & set(about.unread):
            strike.noticed = "when read"
        elif strike.kind in ("kill", "fill") and about.failed[strike.start]:
            strike.noticed = "ended the run"
        own = {name: what for name, what in about.wrong.items() if name in strike.targets}
        strike.wrong = "; ".join(f"{name}: {what}" for name, what in (own or elsewhere).items())


def _lines(text: str, strike: Strike) -> list[str]:
    """Return the lines in which the run reports a problem with a struck file or process."""
    found = [line.strip() for line in text.splitlines() if not HEADINGS.match(line)]
    if strike.targets:
        return [line for line in found if any(target in line for target in strike.targets)][:5]
    if strike.kind == "clock":
        return []
    words = ("error:", "Error in rule", "died", "cannot be", "Terminating", "Killed")
    return [line for line in found if any(word in line for word in words)][:5]
