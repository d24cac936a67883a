"""The overhead of SLURM and Snakemake for jobs, and for the whole paper.

    python benchmarks/scheduling.py --jobs 200
    python benchmarks/scheduling.py --plan

The first command starts the SLURM of tests/cluster (it needs root and Debian's packages) and runs
one-second jobs in four ways: only with `sbatch`, which is the lower limit; with Snakemake and
`profiles/slurm` as separate jobs; and the same in groups of 25 and 100. The second command plans
config/config.yaml with substitute images in the paper's numbers, and simulates the run on a
cluster, with and without the latencies that the first command measured. Jobs take the default times
of `make estimate` (src/fringe/costs/rates.py).
"""

from __future__ import annotations

import argparse
import heapq
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from fringe.config import choices
from fringe.config.model import RunConfig
from fringe.costs import remembered_sizes
from fringe.costs.context import JobContext
from fringe.costs.jobs import Job
from fringe.costs.rates import START
from fringe.costs.registry import work
from fringe.costs.resources import gpu
from fringe.costs.shard_sizes import choose_sizes
from fringe.running import opening
from fringe.running.planner import Planner, read_jobs

ROOT = Path(__file__).resolve().parents[1]
PROFILE = ROOT / "profiles" / "slurm"

SNAKEFILE = """\
rule all:
    input: expand("done/{n}", n=range(int(config["number"])))
    localrule: True

rule sleep:
    output: "done/{n}"
    group: "pages"
    shell: "sleep 1; touch {output}"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=200, help="number of one-second jobs")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[1, 25, 100], help="sizes of groups"
    )
    parser.add_argument("--plan", action="store_true", help="simulate the whole paper instead")
    parser.add_argument("--nodes", type=int, default=16, help="CPU nodes of 16 cores")
    parser.add_argument("--gpus", type=int, default=8)
    options = parser.parse_args()
    if options.plan:
        simulate_paper(16 * options.nodes, options.gpus)
    else:
        time_small_jobs(options.jobs, options.sizes)


# One-second jobs on a real SLURM.


def time_small_jobs(number: int, sizes: Sequence[int]) -> None:
    sys.path.insert(0, str(ROOT / "tests" / "cluster"))
    from slurm import Cluster, why_not  # type: ignore[import-not-found]

    if (reason := why_not()) is not None:
        sys.exit(f"error: {reason}")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cluster = Cluster(folder / "slurm")
        cluster.folder.mkdir()
        cluster.start()
        try:
            floor = time_sbatch(number, folder, cluster)
            print(f"{number} jobs of 1 s on 4 CPUs of a SLURM on this machine")
            print(f"  only sbatch               {floor:7.1f} s")
            for size in sizes:
                seconds = time_snakemake(number, size, folder / f"size{size}", cluster)
                name = f"Snakemake, {size} in a job"
                print(f"  {name:25} {seconds:7.1f} s, {seconds / floor:.2f} times the floor")
        finally:
            cluster.stop()


def time_sbatch(number: int, folder: Path, cluster: Any) -> float:
    start = time.monotonic()
    for _ in range(number):
        cluster.run(
            "sbatch", "--mem=500", "--output=/dev/null", f"--chdir={folder}", "--wrap=sleep 1"
        )
    while cluster.jobs():
        time.sleep(0.2)
    return time.monotonic() - start


def time_snakemake(number: int, size: int, folder: Path, cluster: Any) -> float:
    folder.mkdir()
    (folder / "Snakefile").write_text(SNAKEFILE)
    start = time.monotonic()
    subprocess.run(
        [
            *(sys.executable, ROOT / "tests" / "cluster" / "fast_polling.py"),
            *("--workflow-profile", PROFILE, "--config", f"number={number}"),
            *("--group-components", f"pages={size}", "--cores", "2", "--quiet", "all"),
            *("--default-resources", "mem_mb=500", "runtime=5", "--latency-wait", "5"),
            *("--slurm-init-seconds-before-status-checks", "1"),
        ],
        cwd=folder,
        env=cluster.environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.monotonic() - start


# The whole paper, simulated.

LATENCY = 8.0  # seconds from sbatch until the job's own work starts: Snakemake starts twice
STEP = 4.0  # seconds until a step of a job with several steps starts: Snakemake starts once more
SUBMISSION = 0.5  # seconds that Snakemake takes to submit a job to SLURM
POLLS = (
    10.0,
    30.0,
)  # seconds between two queries, first and longest (fringe.running.slurm_polling)
QUEUED = 50  # `jobs` in the profile


@dataclass
class Unit:
    """One job of SLURM, or of the submitting host."""

    seconds: float
    cores: int
    gpus: int
    local: bool
    waits: set[int] = field(default_factory=set)
    steps: float = 0.0  # for a job with several steps, the consecutive ones


def simulate_paper(cores: int, gpus: int) -> None:
    print(f"The paper on {cores} cores and {gpus} GPUs, at most {QUEUED} jobs queued:")
    minutes = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["extraction"]
    for shards, extraction, groups in (
        ("of 5,000 images, a job each", {"shard_size": 5000}, {}),
        ("of 20 minutes, a job each", minutes, {}),
        ("of 20 minutes, in groups", minutes, components()),
    ):
        jobs, seconds, planning = plan_paper(extraction)
        units = assemble(jobs, seconds, groups)
        without = simulate(units, cores, gpus, overhead=False)
        real = planning + simulate(units, cores, gpus, overhead=True)
        print(
            f"  shards {shards:28} {len(jobs)} jobs of {sum(seconds) / 3600:.1f} h, "
            f"{sum(not unit.local for unit in units)} submitted, planned in {planning:.0f} s: "
            f"{without / 60:.1f} min without overhead, {real / 60:.1f} with, "
            f"{real / without - 1:.1%} more"
        )


def plan_paper(extraction: dict[str, Any]) -> tuple[list[Job], list[float], float]:
    """Return the paper's jobs, the seconds of each job, and the seconds of planning."""
    written, truth = stand_in()
    written["extraction"] = extraction
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        try:
            if "minutes_per_job" in extraction:
                remember_sizes(written, truth)
            Path("paper.yaml").write_text(yaml.safe_dump(written, sort_keys=False))
            start = time.monotonic()
            text = Planner(Path("paper.yaml"), ROOT / "Snakefile", PROFILE, 2).plan()
            planning = time.monotonic() - start
            config, sources = opening.check(written)
        finally:
            os.chdir(here)
    config = true_to(config, truth)
    jobs = read_jobs(text, f"results/{written['run']}")
    # The plan's substitutes for generators request no GPU.
    asking = [
        replace(job, gpus=gpu(JobContext(job, config, sources, weight_files={}))) for job in jobs
    ]
    return asking, [time_of(job, config, sources) for job in asking], planning


def stand_in() -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the paper's configuration with images that need no files, and the replaced sources."""
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    counts = {"ffhq": 70000, "lsun-places": 50000}
    truth = {}
    for name, about in config["sources"].items():
        count = about.get("count") or counts[name]
        size = 512 if name.startswith("afhqv2") else 256
        truth[name] = {"kind": about.get("kind", "files"), "path": about["path"]}
        stand = {"kind": "imitation", "count": count, "resolution": size, "seed": len(truth)}
        config["sources"][name] = stand
    for dataset in config["datasets"].values():
        dataset.pop("snapshots", None)  # a substitute is not a training with several snapshots
        if "seeds" in dataset.get("examples", {}):
            dataset["examples"] = {"images": [0, 1, 2, 3, 4, 5]}
    config["device"] = "cuda"
    return config, truth


def true_to(config: RunConfig, truth: dict[str, dict[str, Any]]) -> RunConfig:
    """Return the configuration with the original sources."""
    plain = config.plain()
    for name, about in truth.items():
        count = plain["sources"][name]["count"]
        plain["sources"][name] = {**about, "count": count}
    return RunConfig.model_validate(plain)


def remember_sizes(written: dict[str, Any], truth: dict[str, dict[str, Any]]) -> None:
    """Give the plan the shards that the original images would have."""
    extraction = {
        key: value for key, value in written["extraction"].items() if "minutes" not in key
    }
    checked, sources = opening.check(written | {"extraction": extraction | {"shard_size": 50000}})
    true = {**true_to(checked, truth).plain(), "extraction": written["extraction"]}
    config = RunConfig.model_validate(true)
    sizes, device = choose_sizes(config, sources)
    for name, about in sources.items():
        about |= {"shard_size": sizes[name], "device": device}
    remembered_sizes.remember_sizes(config, sources)


def time_of(job: Job, config: RunConfig, sources: choices.Sources) -> float:
    return START + (work(job, config, sources, "cuda").default if job.benchmark else 0.0)


def components() -> dict[str, int]:
    profile = yaml.safe_load((PROFILE / "config.yaml").read_text())
    return dict(profile["group-components"])


def group_of() -> dict[str, str]:
    """Return the groups of the rules that have a group."""
    found = {}
    for path in (ROOT / "rules").glob("*.smk"):
        for block in re.split(r"^rule ", path.read_text(), flags=re.M)[1:]:
            if group := re.search(r'^    group:\s+"(\w+)"', block, re.M):
                found[block.split(":")[0]] = group[1]
    return found


def local_rules() -> set[str]:
    found = set()
    for path in [ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")]:
        for block in re.split(r"^rule ", path.read_text(), flags=re.M)[1:]:
            if "localrule: True" in block:
                found.add(block.split(":")[0])
    return found


def assemble(jobs: Sequence[Job], seconds: Sequence[float], sizes: dict[str, int]) -> list[Unit]:
    """Return the submitted jobs: connected jobs of a group, with at most ``components`` each."""
    groups, local = group_of() if sizes else {}, local_rules()
    maker = {path: number for number, job in enumerate(jobs) for path in job.outputs}
    before = [{maker[path] for path in job.inputs if path in maker} for job in jobs]
    leader = list(range(len(jobs)))

    def find(number: int) -> int:
        while leader[number] != number:
            number = leader[number]
        return number

    for number, job in enumerate(jobs):
        for other in before[number]:
            if groups.get(job.rule) and groups.get(job.rule) == groups.get(jobs[other].rule):
                leader[find(number)] = find(other)
    chunks: defaultdict[str, list[int]] = defaultdict(list)
    for number, job in enumerate(jobs):
        if job.rule in groups and find(number) == number:
            chunks[groups[job.rule]].append(number)
    for name, roots in chunks.items():
        size = sizes.get(name, 1)
        for position, root in enumerate(roots):
            leader[root] = roots[position - position % size]
    members: defaultdict[int, list[int]] = defaultdict(list)
    for number in range(len(jobs)):
        members[find(number)].append(number)
    place = {number: unit for unit, root in enumerate(members) for number in members[root]}
    units = []
    for numbers in members.values():
        whole = [jobs[number] for number in numbers]
        widest = max(job.threads for job in whole)
        cores = widest if len(whole) == 1 else max(widest, min(len(whole), 4))
        total = sum(seconds[n] * job.threads for n, job in zip(numbers, whole, strict=True))
        longest = max(seconds[number] for number in numbers)
        waits = {place[other] for number in numbers for other in before[number]}
        units.append(
            Unit(
                max(longest, total / cores),
                cores,
                max(job.gpus for job in whole),
                all(job.rule in local for job in whole),
                waits - {place[numbers[0]]},
                len(whole) / cores if len(whole) > 1 else 0.0,
            )
        )
    return units


def simulate(units: Sequence[Unit], cores: int, gpus: int, *, overhead: bool) -> float:
    """Return the seconds until all units have ended and Snakemake has noticed it.

    SLURM starts units in the order of their submission as soon as they fit. The submitting host
    runs one unit at a time.
    """
    free = {"cores": cores, "gpus": gpus, "host": 1}
    waiting, known = dict(enumerate(units)), set[int]()
    queue: list[tuple[float, int]] = []  # when SLURM receives them
    running: list[tuple[float, int]] = []
    unseen: list[int] = []
    now = driver = 0.0
    interval = poll = POLLS[0]
    in_slurm = 0

    def needs(unit: Unit) -> dict[str, int]:
        return {"host": 1} if unit.local else {"cores": unit.cores, "gpus": unit.gpus}

    while len(known) < len(units):
        for number, unit in list(waiting.items()):
            if unit.waits <= known and (unit.local or in_slurm < QUEUED or not overhead):
                del waiting[number]
                if not unit.local:
                    in_slurm += 1
                    driver = max(driver, now) + SUBMISSION * overhead
                queue.append((now if unit.local else driver, number))
        for item in sorted(queue):
            unit = units[item[1]]
            if item[0] <= now and all(free[name] >= n for name, n in needs(unit).items()):
                queue.remove(item)
                for name, n in needs(unit).items():
                    free[name] -= n
                extra = (LATENCY + STEP * unit.steps) * overhead * (not unit.local)
                heapq.heappush(running, (now + unit.seconds + extra, item[1]))
        moments = [moment for moment, _ in [*queue, *running[:1]] if moment > now]
        now = min([*moments, poll] if overhead else moments)
        while running and running[0][0] <= now:
            _, number = heapq.heappop(running)
            for name, n in needs(units[number]).items():
                free[name] += n
            if overhead and not units[number].local:
                unseen.append(number)
            else:
                known.add(number)
                in_slurm -= not units[number].local
        if overhead and now >= poll:
            interval = POLLS[0] if unseen else min(interval + 10, POLLS[1])
            poll = now + interval
            known.update(unseen)
            in_slurm -= len(unseen)
            unseen.clear()
    return now


if __name__ == "__main__":
    main()
