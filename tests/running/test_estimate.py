"""Estimates of runs from Snakemake's plan and benchmark files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from fringe.config import choices
from fringe.config.model import RunConfig
from fringe.costs.actual import read_actual
from fringe.costs.jobs import Job
from fringe.costs.prediction import Estimate, estimate
from fringe.costs.rates import START
from fringe.costs.records import JobRecord, read_records, tasks_of
from fringe.costs.work import Work
from fringe.running import opening
from fringe.running.estimate import estimate_run, keep, table
from fringe.running.planner import Planner

REPOSITORY = Path(__file__).resolve().parents[2]


def config(tmp_path: Path, **changed: Any) -> tuple[RunConfig, choices.Sources]:
    """A completed configuration of 60 photographs and 120 imitations, and its sources."""
    written = {
        "run": "mine",
        "results": str(tmp_path),
        "network": "efficientnet-lite0",
        "sources": {
            "real": {"kind": "photos", "count": 60, "resolution": 32},
            "fake": {"kind": "imitation", "count": 120, "resolution": 32},
        },
        "datasets": {"faces": {"real": "real", "generated": "fake"}},
        "evaluation": {"n_real": 40, "n_generated": 60},
        "schemes": {"top": [1], "middle": [2]},
        **changed,
    }
    return opening.check(written)


def job(name: str, *after: str, rule: str = "score_scheme", **settings: Any) -> Job:
    """A job that makes the file ``name`` from the files ``after``."""
    benchmark = f"benchmarks/{rule}/{name}.tsv"
    inputs = tuple(f"{other}.csv" for other in after)
    return Job(rule, inputs, (f"{name}.csv",), **{"benchmark": benchmark, **settings})


def write_benchmark(folder: Path, name: str, seconds: float, log: str = "") -> Path:
    path = folder / "benchmarks" / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:00\t100.0\n")
    (folder / "logs" / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / "logs" / f"{name}.log").write_text(log)
    return path


def record(
    seconds: float, run: str = "mine", name: str = "x", units: float = 10.0, device: Any = "cpu"
) -> JobRecord:
    return JobRecord(
        run, f"benchmarks/score_scheme/{name}.tsv", "score_scheme", device, seconds, "net", units
    )


@pytest.mark.parametrize(
    ("records", "seconds", "basis"),
    [
        ([], START + 7, "default (CPU)"),
        ([record(50, name="a", units=20)], 50, "measured here"),
        # The job's own time for half the work takes precedence over another job's time.
        ([record(24, name="a"), record(100, units=20)], START + 40, "measured here"),
        ([record(14), record(24), record(999), record(1, "other")], START + 40, "measured here"),
        ([record(14, "other"), record(34, "third")], START + 40, "measured in other, third"),
        ([record(14, device="cuda")], START + 7, "default (CPU)"),
        # Half of a short job's time counts as work.
        ([record(4)], START + 4, "measured here"),
    ],
)
def test_estimates_use_the_closest_records(
    records: list[JobRecord], seconds: float, basis: str
) -> None:
    found = estimate(job("a"), Work("net", 20, 7), records, "mine", "cuda")
    assert (found.seconds, found.basis, found.device) == (pytest.approx(seconds), basis, "cpu")


def test_an_estimate_names_its_basis() -> None:
    task = Work("net", 20, 7, assumed="5e9 multiply-adds for an image in my:net")
    found = estimate(job("a"), task, [], "mine")
    assert found.basis == "default (CPU; assumed: 5e9 multiply-adds for an image in my:net)"
    assert estimate(job("a"), task, [record(14)], "mine").basis == "measured here"


def test_records_of_other_rules_groups_and_devices_are_not_used() -> None:
    other_rule = JobRecord("mine", "b", "score_kernels", "cuda", 100, "net", 1)
    other_group = JobRecord("mine", "b", "score_scheme", "cuda", 100, "others", 1)
    records = [other_rule, other_group, record(100)]
    on_gpu = job("a", gpus=1)
    found = estimate(on_gpu, Work("net", 20, 7), records, "mine", "cuda")
    assert (found.seconds, found.basis) == (START + 7, "default (H100)")
    records.append(record(14, device="cuda"))
    found = estimate(on_gpu, Work("net", 20, 7), records, "mine", "cuda")
    assert (found.seconds, found.basis) == (START + 20, "measured here")


def test_records_are_read_from_benchmark_files(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    write_benchmark(folder, "extract_features/fake/net/0000040-0000060", 12.5, "computing on H100")
    write_benchmark(folder, "score_scheme/faces/random/net", 3)
    write_benchmark(folder, "score_sizes/faces", 3)
    (folder / "benchmarks/score_scheme/cut.tsv").write_text("s\th:m:s\n")
    (folder / "benchmarks/score_scheme/empty.tsv").write_text("")
    known = {
        f"benchmarks/score_scheme/{name}.tsv": ("net", 5.0)
        for name in ("faces/random/net", "cut", "empty")
    }
    extraction, scoring = read_records(folder, known)
    assert extraction == JobRecord(
        "old",
        "benchmarks/extract_features/fake/net/0000040-0000060.tsv",
        "extract_features",
        "cuda",
        12.5,
        "net",
        20,
    )
    assert (scoring.seconds, scoring.group, scoring.units) == (3, "net", 5)
    assert scoring.device == "cpu"
    assert read_records(tmp_path / "missing", {}) == []


def planned(seconds: float, *arguments: Any, size: float = 0.0, **settings: Any) -> Estimate:
    item = job(*arguments, **settings)
    task = Work("net", 10 * seconds, 1, size)
    return Estimate(item, task, seconds, "default (CPU)", item.place("cuda"))


def test_the_table_has_rules_sums_and_bounds() -> None:
    waited = planned(3600, "b", "a", rule="extract_features", threads=2, gpus=1, size=5e8)
    items = [waited, planned(7200, "a"), planned(1800, "c", size=1.5e9)]
    finished = [job("e", rule="draw", benchmark=None), job("d")]
    printed = table(finished, items, "mine", cores=2).splitlines()
    assert printed[0] == "mine: 2 of 5 jobs are done."
    # In the order of the data flow; rules that are not measured come last.
    rows = [line.split(maxsplit=6) for line in printed[3:5]]
    assert rows == [
        ["score_scheme", "1", "3", "0.00", "2.50", "1.50", "default (CPU)"],
        ["extract_features", "0", "1", "1.00", "2.00", "0.50", "default (CPU)"],
    ]
    assert printed[5].split("tables")[1].split() == ["1", "1", "0.00", "0.00", "0.00", "done"]
    assert printed[6].split() == ["sum", "2", "5", "1.00", "4.50", "2.00"]
    assert "Longest path: 3.0 h" in printed[-2]
    assert "score_scheme 2.0 h > extract_features 60 min" in printed[-2]
    assert printed[-1] == "On one machine with 2 cores and 1 GPU: at least 3.0 h."
    assert table([], items, "mine", cores=1).endswith("1 core and 1 GPU: at least 4.5 h.")
    assert table([job("d")], [], "mine", cores=2) == "mine: all jobs are done."


def test_a_stale_job_keeps_its_earlier_work(tmp_path: Path) -> None:
    """The earlier work is kept, however often the job is estimated before it runs again."""
    name = "benchmarks/score_scheme/a.tsv"
    keep(tmp_path, [], [planned(10, "a")], {})
    path = write_benchmark(tmp_path, "score_scheme/a", 15)
    assert tasks_of(tmp_path) == {name: ("net", 100)}
    for _ in range(2):
        keep(tmp_path, [], [planned(30, "a")], {name: ("net", 300), **tasks_of(tmp_path)})
        assert tasks_of(tmp_path) == {name: ("net", 100)}
        assert read_actual(tmp_path).taken == ()
    write_benchmark(tmp_path, "score_scheme/a", 40)
    os.utime(path, ns=(1, 1))  # set explicitly, because the clock may not have advanced
    assert tasks_of(tmp_path) == {name: ("net", 300)}
    (taken,) = read_actual(tmp_path).taken
    assert (taken.seconds, taken.planned) == (40, 30)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small configuration that has not been run."""
    folder = tmp_path_factory.mktemp("project")
    settings, _ = config(folder)
    written = {
        key: value
        for key, value in settings.plain().items()
        if key in ("run", "network", "datasets", "evaluation", "schemes")
    }
    written["sources"] = {
        "real": {"kind": "photos", "count": 60, "resolution": 32},
        "fake": {"kind": "imitation", "count": 120, "resolution": 32},
        "gone": {"path": "gone.zip"},
    }
    written["datasets"] = {
        "faces": {"real": "real", "generated": "fake"},
        "gone": {"real": "gone", "generated": "fake"},
    }
    written["extraction"] = {"shard_size": 1000, "batch_size": 50}
    (folder / "config.yaml").write_text(yaml.safe_dump(written | {"device": "cpu"}))
    return folder


@pytest.mark.dag
def test_a_real_plan(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    rate = 2.0  # seconds per image in another run
    write_benchmark(
        project / "results/old",
        "extract_features/x/efficientnet-lite0/0000000-0001000",
        START + 1000 * rate,
    )
    texts = []

    class Recording(Planner):
        def plan(self, results: str | None = None) -> str:
            texts.append(super().plan(results))
            return texts[-1]

    profile = REPOSITORY / "profiles/local"
    folder, printed, planned = estimate_run(
        Recording(Path("config.yaml"), REPOSITORY / "Snakefile", profile, 2, allow_missing=True),
        kept=True,
    )
    assert folder == Path("results/mine")
    left_out, _, printed = printed.partition("\n\n")
    assert left_out.startswith("1 file is missing. Left out: gone in Tables 1, 2 and 3, ")
    assert left_out in texts[0], "Snakemake omits the same jobs"
    assert "gone" not in printed
    (text,) = texts  # the run has no files, so one plan is enough
    total = int(text.split("\ntotal")[1].split()[0])
    targets = text.count("rule all:") + sum(
        text.count(f"rule {name}:") for name in ("all_features", "tables", "figures", "comparisons")
    )
    assert printed.startswith(f"mine: 0 of {total - targets} jobs are done.")
    assert len(planned) == total - targets
    rows = {line.split()[0]: line.split(maxsplit=6)[1:] for line in printed.splitlines() if line}
    assert rows["render_images"][:2] == ["0", "1"]
    assert rows["render_images"][-1] == "default (CPU)"
    assert rows["extract_features"][-1] == "default (CPU) (2), measured in old (2)"
    kept = json.loads(Path("results/mine/estimate.json").read_text())
    name = "benchmarks/extract_features/fake/efficientnet-lite0/0000000-0000120.tsv"
    assert kept[name]["seconds"] == pytest.approx(START + 120 * rate)
    assert not list(project.glob("results/mine/features"))


def test_a_finished_run_is_planned_once(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is known of it was kept; a job that nobody estimated would ask for another plan."""
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text((project / "config.yaml").read_text())
    asked: list[str | None] = []

    class Idle(Planner):
        def plan(self, results: str | None = None) -> str:
            asked.append(results)
            return "Nothing to be done (all requested files are present and up to date)."

    folder = Path("results/mine")
    write_benchmark(folder, "score_scheme/a", 15)
    keep(folder, [(job("a"), Work("net", 100))], [], {})
    before = (folder / "estimate.json").stat().st_mtime_ns
    planner = Idle(Path("config.yaml"), REPOSITORY / "Snakefile", tmp_path, 2, allow_missing=True)
    assert estimate_run(planner) == (folder, "mine: all jobs are done.", ())
    assert asked == [None]
    assert (folder / "estimate.json").stat().st_mtime_ns == before
    write_benchmark(folder, "score_scheme/b", 15)
    assert estimate_run(planner, kept=True).text.endswith("mine: all jobs are done.")
    assert len(asked) == 3  # the jobs to do, and all jobs
    assert (folder / "estimate.json").stat().st_mtime_ns != before
