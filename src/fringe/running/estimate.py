"""Estimate of the time and storage of a run, before the run starts.

`estimate_run` asks Snakemake to plan the run. If the run already has files, Snakemake also plans
all jobs from the beginning. Each planned job is estimated from the time that the same job took
before. Otherwise the estimate uses the time per unit of work of other jobs of the same rule, in
this run or in another run, and otherwise a default (`fringe.costs.work`). When a run starts, its
estimate is written to ``results/<run>/estimate.json``. `fringe.costs.actual` compares this estimate
with the actual times.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fringe.costs.jobs import Device, Job
from fringe.costs.longest_path import depths, longest_path
from fringe.costs.measured_rates import MeasuredRates
from fringe.costs.prediction import Estimate, estimate
from fringe.costs.records import Task, read_kept, read_records, stamp_of, tasks_of
from fringe.costs.registry import work
from fringe.costs.text import format_chain, format_columns, format_seconds
from fringe.costs.work import Work
from fringe.errors import FringeError
from fringe.files.atomic import atomic_path
from fringe.plan import layout
from fringe.plan.omission import summarize
from fringe.progress import activity
from fringe.running import opening
from fringe.running.planner import Planner, done, read_jobs

__all__ = ["Estimated", "estimate_run", "keep", "table"]

# The row of the table for all rules that are not measured.
SHORT = "draws, figures, tables"

ALL_DONE = "all jobs are done."


def table(
    finished: Sequence[Job], planned: Sequence[Estimate], run: str, cores: int, gpus: int = 1
) -> str:
    """Return the estimate as text: a line for each rule, the sum, and lower bounds of the time.

    ``cores`` and ``gpus`` are the numbers of cores and GPUs of one machine.
    """
    jobs = [*finished, *(item.job for item in planned)]
    depth = depths(jobs)
    rules = {_row(job): depth[job.name] for job in sorted(jobs, key=lambda j: depth[j.name])}
    done_of = Counter(map(_row, finished))
    to_do: defaultdict[str, list[Estimate]] = defaultdict(list)
    for item in planned:
        to_do[_row(item.job)].append(item)
    rows = [["rule", "done", "jobs", "GPU-hours", "CPU-hours", "GB", "based on"]]
    for rule in sorted(rules, key=lambda name: (name == SHORT, rules[name])):
        bases = Counter(item.basis for item in to_do[rule])
        basis = [f"{name} ({n})" if len(bases) > 1 else name for name, n in sorted(bases.items())]
        rows.append([rule, *_sums(done_of[rule], to_do[rule]), ", ".join(basis) or "done"])
    rows.append(["sum", *_sums(len(finished), planned), ""])
    seconds = {item.job.name: item.seconds for item in planned}
    path, chain = longest_path([item.job for item in planned], seconds)
    on_gpu, on_cpu = _gpu_seconds(planned), _cpu_seconds(planned)
    bound = max(path, on_cpu / cores, on_gpu / gpus)
    machine = " and ".join([_number(cores, "core"), *([_number(gpus, "GPU")] if on_gpu else [])])
    links = format_chain((job.rule, seconds[job.name]) for job in chain)
    lines = [
        f"{run}: {len(finished)} of {len(finished) + len(planned)} jobs are done.",
        "",
        format_columns(rows, words=(0, len(rows[0]) - 1)),
        "",
        f"Longest path: {format_seconds(path)}, with any number of nodes ({links}).",
        f"On one machine with {machine}: at least {format_seconds(bound)}.",
    ]
    return "\n".join(lines if planned else [f"{run}: {ALL_DONE}"])


def _row(job: Job) -> str:
    """Return the row of the table that a job belongs to: its rule, or `SHORT` if not measured."""
    return job.rule if job.benchmark else SHORT


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}{'s' * (count > 1)}"


def _gpu_seconds(items: Iterable[Estimate]) -> float:
    return sum(item.job.gpus * item.seconds for item in items if item.device == "cuda")


def _cpu_seconds(items: Iterable[Estimate]) -> float:
    return sum(item.job.threads * item.seconds for item in items)


def _sums(finished: int, items: Sequence[Estimate]) -> list[str]:
    hours = (f"{seconds / 3600:.2f}" for seconds in (_gpu_seconds(items), _cpu_seconds(items)))
    size = sum(item.work.size for item in items) / 1e9
    return [str(finished), str(finished + len(items)), *hours, f"{size:.2f}"]


def keep(
    folder: Path,
    finished: Iterable[tuple[Job, Work]],
    planned: Iterable[Estimate],
    known: Mapping[str, Task],
) -> None:
    """Write an estimate to ``estimate.json``; finished jobs keep their earlier estimate.

    A planned job may have run before with a different amount of work. ``known`` contains that work
    (`read_records`). The file keeps the earlier work as long as the earlier benchmark file exists.
    """
    before = read_kept(folder)
    entries: list[tuple[Job, Work, float | None, Sequence[object] | None]] = [
        (job, task, before.get(job.name, {}).get("seconds"), None) for job, task in finished
    ]
    for item in planned:
        stamp = stamp_of(folder, item.job.benchmark)
        earlier = known.get(item.job.name) if stamp else None
        entries.append((item.job, item.work, item.seconds, [stamp, *earlier] if earlier else None))
    content = {
        job.name: {
            "rule": job.rule,
            "benchmark": job.benchmark,
            "group": task.group,
            "units": task.units,
            "seconds": seconds,
            "earlier": earlier,
        }
        for job, task, seconds, earlier in entries
    }
    with atomic_path(folder / layout.ESTIMATE) as path:
        path.write_text(json.dumps(content, indent=1))


class Estimated(NamedTuple):
    """Estimate of a run.

    ``folder`` is the folder of the run, ``results/<run>``. ``text`` is the estimate as printed.
    ``planned`` contains the estimates of the jobs that have to run.
    """

    folder: Path
    text: str
    planned: Sequence[Estimate] = ()


def estimate_run(
    planner: Planner,
    device: Device | None = None,
    gpus: int = 1,
    *,
    kept: bool = False,
    rates: MeasuredRates | None = None,
) -> Estimated:
    """Plan a run, and estimate its time and storage.

    Jobs that request a GPU run on ``device``, by default the device that `Planner.place` returns.
    With ``kept``, the estimate is also written to a file, for a later comparison with the actual
    times. ``rates`` are speeds that replace the defaults of their device.

    Raises
    ------
    FringeError
        If the configuration has faults.
    """
    _refuse_closed_cache()
    written = planner.read()
    # Checked here first, because the messages of Snakemake's planning are not shown.
    with activity("reading data sets"):
        files = [planner.configfile]
        config, sources = opening.check(written, files, planner.shared_cores)
    folder = Path(layout.run_folder(config))
    with activity("planning jobs"):
        jobs = read_jobs(planner.plan(), str(folder))
    if not jobs and _is_all_kept(folder):
        return Estimated(folder, f"{folder.name}: {ALL_DONE}")
    place = device or planner.place(config)

    before = []
    if not _is_new(folder):
        with activity("planning all jobs, including finished ones"):
            before = done(planner.plan_afresh(config, sources), jobs)
    finished = [(job, work(job, config, sources, place)) for job in before]
    planned = [(job, work(job, config, sources, place, rates)) for job in jobs]
    known = {
        **{job.name: (task.group, task.units) for job, task in planned},
        **tasks_of(folder),
        **{job.name: (task.group, task.units) for job, task in finished},
    }
    records = read_records(folder, known)
    for other in sorted(folder.parent.glob("*")):
        if other.name != folder.name:
            records += read_records(other, tasks_of(other))
    estimates = [estimate(job, task, records, folder.name, place, rates) for job, task in planned]
    if kept:
        keep(folder, finished, estimates, known)
    text = table([job for job, _ in finished], estimates, folder.name, planner.cores, gpus)
    if config.left_out is not None:
        text = f"{summarize(config.left_out)}\n\n{text}"
    return Estimated(folder, text, estimates)


def _refuse_closed_cache() -> None:
    """Raise unless Snakemake can write its cache; Snakemake itself would print a traceback."""
    base = os.environ.get("XDG_CACHE_HOME", "").strip() or "~/.cache"
    folder = Path(os.path.expanduser(base), "snakemake")  # noqa: PTH111 - as Snakemake does
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK | os.X_OK) else "the folder is not writable"
    except OSError as error:
        reason = str(error)
    if reason:
        raise FringeError(
            f"{folder}: Snakemake cannot write its cache there ({reason}); name a writable folder, "
            "for example: export XDG_CACHE_HOME=$PWD/.snakemake/cache"
        )


def _is_new(folder: Path) -> bool:
    """Return whether a run has no files except the files that planning writes."""
    left = {"fingerprints.json", layout.SHARD_SIZES, layout.ESTIMATE, layout.PLAN}
    return not folder.exists() or all(path.name in left for path in folder.iterdir())


def _is_all_kept(folder: Path) -> bool:
    """Return whether the stored estimate has every job that has run; then one plan is enough."""
    kept = read_kept(folder)
    files = (folder / layout.BENCHMARKS).rglob("*.tsv")
    return bool(kept) and all(path.relative_to(folder).as_posix() in kept for path in files)
