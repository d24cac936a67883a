"""What a run will cost before it starts, and what it cost afterwards.

``python -m fringe.estimate --configfile my.yaml`` lets Snakemake plan the run twice: as things are,
and, if anything is there, as if nothing were. It gives every planned job the time it took before;
else the time that other jobs of its rule took for each unit of their work, in this run or in
another; else a default (`fringe.costs`). ``--keep`` is for a run that starts now: what it said is
kept in ``results/<run>/estimate.json``, and with ``--actual`` it is set against what the jobs took
(`fringe.actual`).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from fringe import plan
from fringe.actual import (
    aligned,
    device_of,
    has_run,
    linked,
    read_kept,
    read_seconds,
    report_actual,
    span,
    stamp_of,
)
from fringe.config import load_schema
from fringe.configfile import read_config
from fringe.costs import (
    MACHINES,
    START,
    Device,
    Job,
    Work,
    demanded_device,
    parse_shard_file,
    part,
    work,
)
from fringe.dag import depths, longest_path
from fringe.errors import FringeError
from fringe.files import atomic_path
from fringe.gpus import gpu_is_here
from fringe.omission import summarize
from fringe.paths import as_path
from fringe.progress import activity
from fringe.shard_sizes import remember_sizes

__all__ = [
    "Estimate",
    "Planner",
    "Record",
    "done",
    "estimate",
    "estimate_run",
    "keep",
    "read_jobs",
    "read_records",
    "table",
    "tasks_of",
]

# The line of a table for steps that are not measured.
SHORT = "draws, figures, tables"

ALL_DONE = "all jobs are done."

# What a job had to do: `Work`'s group and units.
Task = tuple[str, float]


@dataclass(frozen=True)
class Record:
    """What a job took, and what it had to do then: `Work`'s ``group`` and ``units``."""

    run: str
    benchmark: str
    rule: str
    device: Device
    seconds: float
    group: str
    units: float


@dataclass(frozen=True)
class Estimate:
    """The seconds that a planned job is thought to take, and what that rests on."""

    job: Job
    work: Work
    seconds: float
    basis: str
    device: Device


def read_jobs(text: str, folder: str) -> list[Job]:
    """Return the jobs that make files, from what ``snakemake --dry-run`` prints.

    ``folder`` is ``results/<run>`` as it stands in the paths.
    """
    found: list[tuple[str, dict[str, str]]] = []
    inside = False
    for line in text.splitlines():
        if head := re.match(r"\s*(?:local)?(?:rule|checkpoint) (\S+):$", line):
            found.append((head[1], {}))
            inside = True
        elif inside and (item := re.match(r"\s+(\w+): (.*)$", line)):
            found[-1][1][item[1]] = item[2]
        else:
            inside = False
    return [_job(rule, told, folder) for rule, told in found if "output" in told]


def _job(rule: str, told: Mapping[str, str], folder: str) -> Job:
    def pairs(key: str) -> dict[str, str]:
        return dict(item.split("=", 1) for item in told.get(key, "").split(", ") if "=" in item)

    def paths(key: str) -> tuple[str, ...]:
        listed = told.get(key, "").split(", ")
        return tuple(path.removeprefix(f"{folder}/") for path in listed if path)

    resources = pairs("resources")
    return Job(
        # One rule for each data set makes the weights of its sweep.
        "optimize_sweep" if rule.startswith("optimize_sweep_") else rule,
        paths("input"),
        paths("output"),
        pairs("wildcards"),
        int(told.get("threads", 1)),
        int(resources.get("gpu", 0)),
        next(iter(paths("benchmark")), None),
    )


def done(whole: Iterable[Job], planned: Iterable[Job]) -> list[Job]:
    """Return the jobs of the ``whole`` plan that are done: nothing of what they make is planned."""
    to_make = {path for job in planned for path in job.outputs}
    return [job for job in whole if to_make.isdisjoint(job.outputs)]


def read_records(folder: Path, known: Mapping[str, Task]) -> list[Record]:
    """Return what the jobs of a run took.

    ``known`` tells what they had to do: `Work`'s group and units by benchmark file. Where it does
    not, the file's own path may: it tells network and number of images.
    """
    found = []
    for path in sorted((folder / "benchmarks").rglob("*.tsv")):
        benchmark = path.relative_to(folder).as_posix()
        task, seconds = known.get(benchmark) or _told_by_path(benchmark), read_seconds(path)
        if task and seconds is not None:
            device = device_of(folder, benchmark)
            found.append(Record(folder.name, benchmark, part(benchmark, 1), device, seconds, *task))
    return found


def _told_by_path(benchmark: str) -> Task | None:
    shard = parse_shard_file(benchmark)
    if shard is None or part(benchmark, 1) not in ("extract_features", "measure_sensitivity"):
        return None
    return Path(benchmark).parts[-2], shard[1] - shard[0]


def estimate(
    job: Job, task: Work, records: Sequence[Record], run: str, device: Device = "cpu"
) -> Estimate:
    """Return what a job of the run ``run`` is thought to take.

    ``device`` is where a job computes that asks for a GPU; times measured elsewhere do not count.
    """
    place = job.place(device)
    alike = [
        record
        for record in records
        if (record.rule, record.group, record.device) == (job.rule, task.group, place)
    ]
    own = [record for record in alike if (record.run, record.benchmark) == (run, job.benchmark)]
    here = [record for record in alike if record.run == run]
    if own and own[0].units == task.units:
        return Estimate(job, task, own[0].seconds, "measured here", place)
    chosen = own or here or alike
    if not chosen:
        return Estimate(job, task, START + task.default, f"default ({MACHINES[place]})", place)
    # Of a short job at least half is work, lest a long one cost nothing.
    rate = median(max(r.seconds - START, r.seconds / 2) / r.units for r in chosen)
    runs = sorted({record.run for record in chosen})
    basis = "measured here" if runs == [run] else f"measured in {', '.join(runs)}"
    return Estimate(job, task, START + rate * task.units, basis, place)


def table(
    finished: Sequence[Job], planned: Sequence[Estimate], run: str, cores: int, gpus: int = 1
) -> str:
    """Return the estimate as text: a line for each stage, their sum, and what bounds the time.

    ``cores`` and ``gpus`` are those of one machine.
    """
    jobs = [*finished, *(item.job for item in planned)]
    depth = depths(jobs)
    stages = {_stage(job): depth[job.name] for job in sorted(jobs, key=lambda j: depth[j.name])}
    done_of = Counter(map(_stage, finished))
    to_do: defaultdict[str, list[Estimate]] = defaultdict(list)
    for item in planned:
        to_do[_stage(item.job)].append(item)
    rows = [["stage", "done", "jobs", "GPU-hours", "CPU-hours", "GB", "rests on"]]
    for stage in sorted(stages, key=lambda name: (name == SHORT, stages[name])):
        bases = Counter(item.basis for item in to_do[stage])
        told = [f"{name} ({n})" if len(bases) > 1 else name for name, n in sorted(bases.items())]
        rows.append([stage, *_sums(done_of[stage], to_do[stage]), ", ".join(told) or "done"])
    rows.append(["sum", *_sums(len(finished), planned), ""])
    seconds = {item.job.name: item.seconds for item in planned}
    path, chain = longest_path([item.job for item in planned], seconds)
    on_gpu, on_cpu = _gpu_seconds(planned), _cpu_seconds(planned)
    bound = max(path, on_cpu / cores, on_gpu / gpus)
    machine = " and ".join([_number(cores, "core"), *([_number(gpus, "GPU")] if on_gpu else [])])
    links = linked((job.rule, seconds[job.name]) for job in chain)
    lines = [
        f"{run}: {len(finished)} of {len(finished) + len(planned)} jobs are done.",
        "",
        aligned(rows, words=(0, len(rows[0]) - 1)),
        "",
        f"Longest path: {span(path)}, on however many nodes ({links}).",
        f"On one machine with {machine}: {span(bound)} at least.",
    ]
    return "\n".join(lines if planned else [f"{run}: {ALL_DONE}"])


def _stage(job: Job) -> str:
    """Return the stage that a job belongs to: its rule, or `SHORT` if nothing measures it."""
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
    """Keep what was estimated in ``estimate.json``; of jobs that are done, what it was before.

    A planned job may have run before, with other work to do, which is ``known`` (`read_records`)
    and kept as long as that benchmark file is there.
    """
    before = read_kept(folder)
    told: list[tuple[Job, Work, float | None, Sequence[object] | None]] = [
        (job, task, before.get(job.name, {}).get("seconds"), None) for job, task in finished
    ]
    for item in planned:
        stamp = stamp_of(folder, item.job.benchmark)
        earlier = known.get(item.job.name) if stamp else None
        told.append((item.job, item.work, item.seconds, [stamp, *earlier] if earlier else None))
    content = {
        job.name: {
            "rule": job.rule,
            "benchmark": job.benchmark,
            "group": task.group,
            "units": task.units,
            "seconds": seconds,
            "earlier": earlier,
        }
        for job, task, seconds, earlier in told
    }
    with atomic_path(folder / "estimate.json") as path:
        path.write_text(json.dumps(content, indent=1))


def tasks_of(folder: Path) -> dict[str, Task]:
    """Return what the jobs behind a run's benchmark files had to do, as far as it was kept."""
    tasks = {}
    for told in read_kept(folder).values():
        if has_run(folder, told):
            tasks[told["benchmark"]] = told["group"], told["units"]
        elif told["earlier"]:
            tasks[told["benchmark"]] = told["earlier"][1], told["earlier"][2]
    return tasks


@dataclass(frozen=True)
class Planner:
    """How Snakemake is called: from the folder that the configuration's paths are relative to."""

    configfile: Path
    snakefile: Path
    profile: Path
    cores: int
    allow_missing: bool = False

    def read(self) -> dict[str, Any]:
        """Return the configuration as it is written, or as the command line has it."""
        return {**read_config(self.configfile), **self._changes()}

    def _changes(self) -> dict[str, str]:
        return {"missing": "skip"} if self.allow_missing else {}

    def plan(self, results: str | None = None) -> str:
        """Return what ``snakemake --dry-run`` prints, with the results elsewhere if ``results``.

        Raises
        ------
        FringeError
            With what Snakemake says, where it cannot plan.
        """
        changes = {**self._changes(), **({"results": results} if results else {})}
        command = [
            *(sys.executable, "-m", "snakemake", "--dry-run", "--nocolor"),
            *("--snakefile", str(self.snakefile), "--configfile", str(self.configfile)),
            *("--workflow-profile", str(self.profile), "--cores", str(self.cores)),
            *(["--config", *map("=".join, changes.items())] if changes else []),
        ]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if run.returncode:
            raise FringeError(f"Snakemake cannot plan this run:\n{run.stdout.strip()}")
        return run.stdout

    def plan_afresh(self, config: Mapping[str, Any], sources: Mapping[str, Any]) -> list[Job]:
        """Return all jobs of the run, as if none were done.

        ``config`` and ``sources`` are `fringe.plan.check`'s. What is remembered of data sets still
        holds: to read them again takes hours. So do the sizes of shards.
        """
        with tempfile.TemporaryDirectory() as empty:
            elsewhere = {**config, "results": empty}
            known = plan.hash_cache(config)
            if known.is_dir():
                plan.hash_cache(elsewhere).symlink_to(known.absolute())
            remember_sizes(elsewhere, sources)
            return read_jobs(self.plan(empty), str(Path(empty, config["run"])))

    def place(self, config: Mapping[str, Any]) -> Device:
        """Return where jobs that ask for a GPU compute.

        With ``device: auto`` that is a GPU if there is one here, or if the profile sends jobs
        elsewhere: a scheduler gives them what they ask for.
        """
        if demanded := demanded_device(config):
            return demanded
        profile = self.profile / "config.yaml"
        sent = "executor" in (
            yaml.safe_load(profile.read_text()) or {} if profile.is_file() else {}
        )
        return "cuda" if sent or gpu_is_here() else "cpu"


def estimate_run(
    planner: Planner, device: Device | None = None, gpus: int = 1, *, kept: bool = False
) -> str:
    """Plan a run, and return as text what it is estimated to take.

    ``device`` is where jobs compute that ask for a GPU, by default `Planner.place`'s answer. If
    ``kept``, the estimate is also kept, to be set beside what the run took.

    Raises
    ------
    FringeError
        If the configuration has faults.
    """
    if not planner.snakefile.is_file():
        raise FringeError(
            f"{planner.snakefile}: is not there; run this in the repository, or say where it is: "
            "--snakefile <repository>/Snakefile"
        )
    _refuse_closed_cache()
    written = planner.read()
    schema = load_schema(planner.snakefile.parent / "config" / "schema.yaml")
    # Before Snakemake reads them, whose messages are not seen here.
    with activity("reading data sets"):
        files = [planner.configfile]
        config, sources = plan.check(written, schema, files)
    folder = Path(config["results"], config["run"])
    with activity("planning jobs"):
        jobs = read_jobs(planner.plan(), str(folder))
    if not jobs and _is_all_kept(folder):
        return f"{folder.name}: {ALL_DONE}"
    place = device or planner.place(config)

    before = []
    if not _is_new(folder):
        with activity("planning all jobs, also those that are done"):
            before = done(planner.plan_afresh(config, sources), jobs)
    finished = [(job, work(job, config, sources, place)) for job in before]
    planned = [(job, work(job, config, sources, place)) for job in jobs]
    known = {
        **{job.name: (task.group, task.units) for job, task in planned},
        **tasks_of(folder),
        **{job.name: (task.group, task.units) for job, task in finished},
    }
    records = read_records(folder, known)
    for other in sorted(folder.parent.glob("*")):
        if other.name != folder.name:
            records += read_records(other, tasks_of(other))
    estimates = [estimate(job, task, records, folder.name, place) for job, task in planned]
    if kept:
        keep(folder, finished, estimates, known)
    told = table([job for job, _ in finished], estimates, folder.name, planner.cores, gpus)
    return f"{summarize(config['left_out'])}\n\n{told}" if "left_out" in config else told


def _refuse_closed_cache() -> None:
    """Raise unless Snakemake can write its cache, without which it ends in a traceback."""
    base = os.environ.get("XDG_CACHE_HOME", "").strip() or "~/.cache"
    folder = Path(os.path.expanduser(base), "snakemake")  # noqa: PTH111 - as Snakemake does
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK | os.X_OK) else "it is not yours to write to"
    except OSError as error:
        reason = str(error)
    if reason:
        raise FringeError(
            f"{folder}: Snakemake cannot write its cache there ({reason}); name a folder that you "
            "may write to, for example: export XDG_CACHE_HOME=$PWD/.snakemake/cache"
        )


def _is_new(folder: Path) -> bool:
    """Tell whether nothing of a run is there, beside what planning leaves."""
    left = {"fingerprints.json", "shards.json", "estimate.json", ".planned.json"}
    return not folder.exists() or all(path.name in left for path in folder.iterdir())


def _is_all_kept(folder: Path) -> bool:
    """Tell whether what every job of a run had to do was kept, so that it needs no other plan."""
    kept = read_kept(folder)
    files = (folder / "benchmarks").rglob("*.tsv")
    return bool(kept) and all(path.relative_to(folder).as_posix() in kept for path in files)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and print an estimate, or with ``--actual`` what a run took."""
    parser = argparse.ArgumentParser(prog="python -m fringe.estimate")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--configfile", type=as_path, help="estimate the run of this file")
    what.add_argument("--actual", type=as_path, metavar="RESULTS", help="show what that run took")
    parser.add_argument("--keep", action="store_true", help="for the page on cost: the run starts")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1, help="of one machine")
    parser.add_argument("--gpus", type=int, default=1, help="of one machine (default: 1)")
    parser.add_argument("--device", choices=["cpu", "cuda"], help="of jobs that ask for a GPU")
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="leave out what needs files that are not there, as `missing: skip` does",
    )
    parser.add_argument("--snakefile", type=as_path, default=Path("Snakefile"))
    parser.add_argument("--profile", type=as_path, help="default: profiles/local")
    given = parser.parse_args(arguments)
    profile = given.profile or given.snakefile.parent / "profiles" / "local"
    planner = Planner(given.configfile, given.snakefile, profile, given.cores, given.allow_missing)
    try:
        print(
            report_actual(given.actual)
            if given.actual
            else estimate_run(planner, given.device, given.gpus, kept=given.keep)
        )
    except FringeError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
