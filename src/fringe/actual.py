"""What a run cost, beside what it was thought to cost.

Snakemake's benchmark files tell how long jobs took; their logs, where each computed, how busy the
GPU was, with how many threads, and what was made from what; ``estimate.json``, if an estimate was
made before the run (`fringe.estimate`), what was planned.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fringe import utilization
from fringe.costs import Device, Job, part
from fringe.dag import depths, longest_path
from fringe.errors import FringeError
from fringe.parsing import parse_json
from fringe.regular import read_text
from fringe.stage import read_description

__all__ = [
    "Actual",
    "Taken",
    "aligned",
    "device_of",
    "has_run",
    "linked",
    "read_actual",
    "read_kept",
    "read_seconds",
    "remarks",
    "report_actual",
    "span",
    "stage_rows",
    "stamp_of",
]


@dataclass(frozen=True)
class Taken:
    """What a job took: ``seconds``, and ``planned`` ones, None where it was not estimated.

    ``utilization`` is that of its GPU in percent, and the number of samples; None if unknown.
    """

    job: Job
    seconds: float
    planned: float | None
    device: Device
    utilization: tuple[float, int] | None


@dataclass(frozen=True)
class Actual:
    """What a run took: its measured jobs in the order of the flow, and its longest path.

    ``path`` is the time of the ``chain`` of measured jobs, each waiting for the one before, that
    takes longest, in seconds; ``untold`` the number of jobs whose logs do not tell what they waited
    for.
    """

    taken: tuple[Taken, ...]
    path: float
    chain: tuple[Taken, ...]
    untold: int

    @property
    def cpu_seconds(self) -> float:
        """Threads times time, of jobs on a GPU too."""
        return sum(item.job.threads * item.seconds for item in self.taken)

    @property
    def gpu_seconds(self) -> float:
        """Time of jobs on a GPU; each has one."""
        return sum(item.seconds for item in self.taken if item.device == "cuda")


def read_actual(folder: Path) -> Actual:
    """Return what the jobs of the run in ``folder`` (``results/<run>``) took.

    Those that were planned when it was estimated last, and those that have run since; without an
    estimate all that left a benchmark file. Steps of a few seconds have none (draws, tables,
    figures).
    """
    kept = read_kept(folder)
    since = (stamp_of(folder, "estimate.json") or 0) if kept else 0
    described = {job.name: job for job in _described(folder)}
    found = []
    for path in sorted((folder / "benchmarks").rglob("*.tsv")):
        name = path.relative_to(folder).as_posix()
        told = kept.get(name)
        belongs = has_run(folder, told) if told else path.stat().st_mtime_ns > since
        seconds = read_seconds(path)
        if belongs and seconds is not None:
            job = described.get(name) or Job(part(name, 1), benchmark=name)
            planned = told["seconds"] if told else None
            busy = utilization.parse(_log(folder, name))
            found.append(Taken(job, seconds, planned, device_of(folder, name), busy))
    jobs = [*described.values(), *(item.job for item in found if item.job.name not in described)]
    depth = depths(jobs)
    by_name = {item.job.name: item for item in found}
    total, chain = longest_path(jobs, {name: item.seconds for name, item in by_name.items()})
    return Actual(
        tuple(sorted(found, key=lambda item: depth[item.job.name])),
        total,
        tuple(by_name[job.name] for job in chain if job.name in by_name),
        sum(item.job.name not in described for item in found),
    )


def _described(folder: Path) -> list[Job]:
    """Return the jobs that came to their end, as their logs describe them."""
    jobs = []
    for path in sorted((folder / "logs").rglob("*.log")):
        if told := read_description(_text(path)):
            place = path.relative_to(folder / "logs")
            benchmark = Path("benchmarks", place).with_suffix(".tsv")
            jobs.append(
                Job(
                    place.with_suffix("").parts[0],
                    tuple(told["inputs"]),
                    tuple(told["outputs"]),
                    threads=told["threads"],
                    benchmark=benchmark.as_posix() if (folder / benchmark).exists() else None,
                )
            )
    return jobs


def read_seconds(path: Path) -> float | None:
    """Return the wall time in a benchmark file of Snakemake's, its mean if it was repeated."""
    try:
        head, *rows = [line.split("\t") for line in read_text(path).splitlines()]
        values = [float(row[head.index("s")]) for row in rows]
        return sum(values) / len(values)
    except (OSError, ValueError, ZeroDivisionError):
        return None  # cut short, or being written


def device_of(folder: Path, benchmark: str) -> Device:
    """Return where a job computed: its log names a GPU."""
    return "cuda" if "computing on " in _log(folder, benchmark) else "cpu"


def _log(folder: Path, benchmark: str) -> str:
    """Return the log of a job, which lies as its benchmark file does; "" if it is not there."""
    return _text((folder / "logs" / Path(benchmark).relative_to("benchmarks")).with_suffix(".log"))


def _text(path: Path) -> str:
    """Return a log; "" if there is none that can be read."""
    try:
        return read_text(path, errors="replace")
    except (OSError, FringeError):
        return ""


def read_kept(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what was kept of a run's last estimate by `Job.name`, {} if it cannot be read."""
    try:
        content = parse_json(read_text(folder / "estimate.json"))
    except (OSError, ValueError):
        return {}
    right = isinstance(content, dict) and all(map(_is_kept, content.values()))
    return content if right else {}


def _is_kept(told: Any) -> bool:
    """Tell whether an entry of ``estimate.json`` has what `fringe.estimate` writes of a job."""
    number = (int, float)
    try:
        earlier = told["earlier"] or [0, "", 0]
        stamp, group, units = earlier
        return (
            isinstance(told["benchmark"], (str, type(None)))
            and isinstance(told["seconds"], (*number, type(None)))
            and isinstance(told["group"], (str, type(None)))
            and isinstance(group, (str, type(None)))
            and all(isinstance(one, number) for one in (told["units"], units, stamp))
        )
    except (KeyError, TypeError, ValueError):
        return False


def stamp_of(folder: Path, file: str | None) -> int | None:
    """Return what tells one benchmark file from the next of the same job; None if there is none."""
    path = folder / (file or "")
    return path.stat().st_mtime_ns if file and path.is_file() else None


def has_run(folder: Path, told: Mapping[str, Any]) -> bool:
    """Tell whether a job has run since it was estimated last, or was done then.

    ``told`` is what was kept of it (`read_kept`).
    """
    stamp = stamp_of(folder, told["benchmark"])
    return stamp is not None and (told["earlier"] is None or told["earlier"][0] != stamp)


def stage_rows(actual: Actual) -> list[list[str]]:
    """Return a head, a row for each stage and one for their sum: words, then numbers.

    The ratio is that of jobs that were planned alone. GPU utilization, the mean over samples, has a
    column if a job's log tells any.
    """
    stages = dict.fromkeys(item.job.rule for item in actual.taken)
    rows = [["stage", "jobs", "planned hours", "actual hours", "actual / planned"]]
    rows += [
        _row(stage, [item for item in actual.taken if item.job.rule == stage]) for stage in stages
    ]
    rows.append(_row("sum", actual.taken))
    if not any(item.utilization for item in actual.taken):
        return rows
    groups = [[item for item in actual.taken if item.job.rule == stage] for stage in stages]
    cells = ["GPU utilization", *map(_busy, [*groups, actual.taken])]
    return [[*row, cell] for row, cell in zip(rows, cells, strict=True)]


def _row(stage: str, items: Sequence[Taken]) -> list[str]:
    both = [(item.seconds, item.planned) for item in items if item.planned is not None]
    planned = sum(seconds for _, seconds in both)
    ratio = f"{sum(seconds for seconds, _ in both) / planned:.2f}" if planned else "-"
    return [
        *(stage, str(len(items)), _hours(planned) if both else "-"),
        *(_hours(sum(item.seconds for item in items)), ratio),
    ]


def _busy(items: Iterable[Taken]) -> str:
    known = [item.utilization for item in items if item.utilization]
    samples = sum(number for _, number in known)
    return f"{sum(mean * number for mean, number in known) / samples:.0f} %" if known else "-"


def _hours(seconds: float) -> str:
    """Return hours; the last figure stands for four seconds."""
    return f"{seconds / 3600:.3f}"


def remarks(actual: Actual) -> list[str]:
    """Return sentences: the hours of CPUs and GPUs, and what the numbers do not tell."""
    cpu, gpu = (_hours(seconds) for seconds in (actual.cpu_seconds, actual.gpu_seconds))
    told = [f"CPU-hours (threads times time, of jobs on a GPU too): {cpu}. GPU-hours: {gpu}."]
    number = sum(item.planned is None for item in actual.taken)
    if not actual.taken:
        told.append("No job has left its time in `benchmarks/`.")
    elif number == len(actual.taken):
        told.append(
            "No estimate was made before the run, so nothing is planned: start it with `make run`, "
            "or call `make estimate` first."
        )
    elif number:
        told.append(
            f"{number} of {len(actual.taken)} jobs were not estimated before they ran; "
            "actual / planned is of the others."
        )
    if actual.untold:
        told.append(
            f"The logs of {actual.untold} of {len(actual.taken)} jobs do not tell threads and "
            "inputs (an earlier version of Fringe wrote them, or a later try failed): they count "
            "with one thread each, and in the longest path as if they waited for nothing."
        )
    return told


def report_actual(folder: Path) -> str:
    """Return what was estimated for a run and what its jobs took, as text: a line for each stage.

    Jobs without a benchmark file (steps of a few seconds) are left out.

    Raises
    ------
    FringeError
        If none has left one.
    """
    actual = read_actual(folder)
    if not actual.taken:
        raise FringeError(f"{folder / 'benchmarks'}: no job has left its time there; start the run")
    chain = linked((item.job.rule, item.seconds) for item in actual.chain)
    path = f"Longest path: {span(actual.path)} ({chain})."
    return "\n".join([aligned(stage_rows(actual)), "", path, *remarks(actual)])


def aligned(rows: Sequence[Sequence[str]], words: Container[int] = (0,)) -> str:
    """Return rows of text as columns, those at ``words`` to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def line(row: Sequence[str]) -> str:
        cells = enumerate(zip(row, widths, strict=True))
        return "  ".join(
            cell.ljust(width) if number in words else cell.rjust(width)
            for number, (cell, width) in cells
        ).rstrip()

    return "\n".join(map(line, rows))


def span(seconds: float) -> str:
    """Return a time as a person would say it."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def linked(chain: Iterable[tuple[str, float]]) -> str:
    """Return a chain of names and seconds as text."""
    return " > ".join(f"{name} {span(seconds)}" for name, seconds in chain)
