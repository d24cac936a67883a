"""Actual cost of a run, compared with its estimate.

Snakemake's benchmark files contain the times of jobs. The logs of jobs contain the device, the
utilization of the GPU, the number of threads, and the files that the job read and wrote.
``estimate.json`` contains the estimate, if one was made before the run (`fringe.running.estimate`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fringe.costs.jobs import Device, Job, part
from fringe.costs.logs import device_of, read_description, read_log, read_seconds, read_text_of
from fringe.costs.longest_path import depths, longest_path
from fringe.costs.records import has_run, read_kept, stamp_of
from fringe.costs.text import format_chain, format_columns, format_seconds
from fringe.devices import utilization
from fringe.errors import FringeError
from fringe.plan import layout

__all__ = ["Actual", "JobCost", "read_actual", "remarks", "report_actual", "rule_rows"]


@dataclass(frozen=True)
class JobCost:
    """Actual cost of a job.

    ``seconds`` is the measured time. ``planned`` is the estimated time, or None without estimate.
    ``utilization`` is the mean utilization of the job's GPU in percent and the number of samples,
    or None if unknown.
    """

    job: Job
    seconds: float
    planned: float | None
    device: Device
    utilization: tuple[float, int] | None


@dataclass(frozen=True)
class Actual:
    """Actual cost of a run.

    ``taken`` contains the measured jobs in the order of the data flow. ``chain`` is the chain of
    measured jobs that takes longest; each job of a chain waits for the previous job. ``path`` is
    the time of this chain in seconds. ``undescribed`` is the number of jobs whose logs do not
    record their inputs.
    """

    taken: tuple[JobCost, ...]
    path: float
    chain: tuple[JobCost, ...]
    undescribed: int

    @property
    def cpu_seconds(self) -> float:
        """Threads times time, summed over all jobs, including jobs on a GPU."""
        return sum(item.job.threads * item.seconds for item in self.taken)

    @property
    def gpu_seconds(self) -> float:
        """Time of jobs on a GPU; each job has one GPU."""
        return sum(item.seconds for item in self.taken if item.device == "cuda")


def read_actual(folder: Path) -> Actual:
    """Return the actual cost of the run in ``folder`` (``results/<run>``).

    Jobs count if they were planned in the last estimate or have run since. Without an estimate, all
    jobs with a benchmark file count. Jobs of a few seconds (draws, tables, figures) have no
    benchmark file.
    """
    kept = read_kept(folder)
    since = (stamp_of(folder, layout.ESTIMATE) or 0) if kept else 0
    described = {job.name: job for job in _described(folder)}
    found = []
    for path in sorted((folder / layout.BENCHMARKS).rglob("*.tsv")):
        name = path.relative_to(folder).as_posix()
        entry = kept.get(name)
        belongs = has_run(folder, entry) if entry else path.stat().st_mtime_ns > since
        seconds = read_seconds(path)
        if belongs and seconds is not None:
            job = described.get(name) or Job(part(name, 1), benchmark=name)
            planned = entry["seconds"] if entry else None
            busy = utilization.parse(read_log(folder, name))
            found.append(JobCost(job, seconds, planned, device_of(folder, name), busy))
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
    """Return the jobs that have succeeded, as described in their logs."""
    jobs = []
    for path in sorted((folder / layout.LOGS).rglob("*.log")):
        if entry := read_description(read_text_of(path)):
            place = path.relative_to(folder / layout.LOGS)
            benchmark = Path(layout.BENCHMARKS, place).with_suffix(".tsv")
            jobs.append(
                Job(
                    place.with_suffix("").parts[0],
                    tuple(entry["inputs"]),
                    tuple(entry["outputs"]),
                    threads=entry["threads"],
                    benchmark=benchmark.as_posix() if (folder / benchmark).exists() else None,
                )
            )
    return jobs


def rule_rows(actual: Actual) -> list[list[str]]:
    """Return the rows of a table: a header, a row for each rule, and a row for the sum.

    The ratio covers only jobs that were planned. GPU utilization is the mean over samples. Its
    column exists only if the log of a job contains the utilization.
    """
    rules = dict.fromkeys(item.job.rule for item in actual.taken)
    rows = [["rule", "jobs", "planned hours", "actual hours", "actual / planned"]]
    rows += [_row(rule, [item for item in actual.taken if item.job.rule == rule]) for rule in rules]
    rows.append(_row("sum", actual.taken))
    if not any(item.utilization for item in actual.taken):
        return rows
    groups = [[item for item in actual.taken if item.job.rule == rule] for rule in rules]
    cells = ["GPU utilization", *map(_busy, [*groups, actual.taken])]
    return [[*row, cell] for row, cell in zip(rows, cells, strict=True)]


def _row(title: str, items: Sequence[JobCost]) -> list[str]:
    both = [(item.seconds, item.planned) for item in items if item.planned is not None]
    planned = sum(seconds for _, seconds in both)
    ratio = f"{sum(seconds for seconds, _ in both) / planned:.2f}" if planned else "-"
    return [
        *(title, str(len(items)), _hours(planned) if both else "-"),
        *(_hours(sum(item.seconds for item in items)), ratio),
    ]


def _busy(items: Iterable[JobCost]) -> str:
    known = [item.utilization for item in items if item.utilization]
    samples = sum(number for _, number in known)
    return f"{sum(mean * number for mean, number in known) / samples:.0f} %" if known else "-"


def _hours(seconds: float) -> str:
    """Return hours with three decimals, which resolves about four seconds."""
    return f"{seconds / 3600:.3f}"


def remarks(actual: Actual) -> list[str]:
    """Return sentences about CPU-hours, GPU-hours, and jobs that the numbers do not cover."""
    cpu, gpu = (_hours(seconds) for seconds in (actual.cpu_seconds, actual.gpu_seconds))
    sentences = [
        f"CPU-hours (threads times time, including jobs on a GPU): {cpu}. GPU-hours: {gpu}."
    ]
    number = sum(item.planned is None for item in actual.taken)
    if not actual.taken:
        sentences.append("No job has written its time to `benchmarks/`.")
    elif number == len(actual.taken):
        sentences.append(
            "No estimate was made before the run, so there are no planned hours. Start the run "
            "with `fringe run`, or call `fringe estimate --keep` first."
        )
    elif number:
        sentences.append(
            f"{number} of {len(actual.taken)} jobs were not estimated before they ran; "
            "actual / planned covers only the others."
        )
    if actual.undescribed:
        sentences.append(
            f"The logs of {actual.undescribed} of {len(actual.taken)} jobs do not record threads "
            "and inputs (an earlier version of Fringe wrote them, or a later attempt failed). Each "
            "of these jobs counts with one thread, and in the longest path as a job without inputs."
        )
    return sentences


def report_actual(folder: Path) -> str:
    """Return the planned and actual cost of a run as text, with a line for each rule.

    Jobs without a benchmark file (jobs of a few seconds) are left out.

    Raises
    ------
    FringeError
        If no job has written a benchmark file.
    """
    actual = read_actual(folder)
    if not actual.taken:
        raise FringeError(
            f"{folder / 'benchmarks'}: no job has written its time there; name the folder of a run "
            "(results/<run>), or start the run"
        )
    chain = format_chain((item.job.rule, item.seconds) for item in actual.chain)
    path = f"Longest path: {format_seconds(actual.path)} ({chain})."
    return "\n".join([format_columns(rule_rows(actual)), "", path, *remarks(actual)])
