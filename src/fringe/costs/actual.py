"""What a run cost, beside what it was thought to cost.

Snakemake's benchmark files tell how long jobs took; their logs, where each computed, how busy the
GPU was, with how many threads, and what was made from what; ``estimate.json``, if an estimate was
made before the run (`fringe.running.estimate`), what was planned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fringe.costs.jobs import Device, Job, part
from fringe.costs.logs import _log, _text, device_of, read_description, read_seconds
from fringe.costs.longest_path import depths, longest_path
from fringe.costs.records import has_run, read_kept, stamp_of
from fringe.costs.text import aligned, linked, span
from fringe.devices import utilization
from fringe.errors import FringeError

__all__ = ["Actual", "Taken", "read_actual", "remarks", "report_actual", "stage_rows"]


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
