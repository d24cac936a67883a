"""Actual cost of a run, from the files of its jobs, compared with the estimate."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from fringe.cli import main
from fringe.costs.actual import read_actual, remarks, report_actual, rule_rows
from fringe.costs.jobs import Job
from fringe.costs.prediction import Estimate
from fringe.costs.work import Work
from fringe.errors import FringeError
from fringe.running.estimate import keep


def job(name: str, *after: str, rule: str = "score_scheme") -> Job:
    """A job that makes the file ``name`` from the files ``after``."""
    return Job(rule, after, (name,), benchmark=f"benchmarks/{rule}/{name}.tsv")


def planned(seconds: float, item: Job) -> Estimate:
    return Estimate(item, Work("net", 10 * seconds), seconds, "default (CPU)", "cpu")


def write(
    folder: Path, item: Job, seconds: float, log: Iterable[str] = (), threads: int = 1
) -> None:
    """Write the files that Snakemake and `fringe.running.script` write for a job."""
    assert item.benchmark is not None
    benchmark = folder / item.benchmark
    benchmark.parent.mkdir(parents=True, exist_ok=True)
    benchmark.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:00\t100.0\n")
    write_log(folder, f"{item.rule}/{item.outputs[0]}", item, log, threads)


def write_log(
    folder: Path, name: str, item: Job, log: Iterable[str] = (), threads: int = 1
) -> None:
    path = folder / "logs" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {"threads": threads, "inputs": item.inputs, "outputs": item.outputs}
    path.write_text("\n".join([*log, f"job: {json.dumps(about)}", "done in 1.0 s", ""]))


def busy(percent: int, samples: int) -> list[str]:
    return [
        "computing on NVIDIA H100 (cuda:0)",
        f"GPU utilization: {percent} % in the mean of {samples} samples; at most 12,345 MiB",
    ]


def test_planned_and_actual_hours_add_up(tmp_path: Path) -> None:
    first, second = job("x", rule="extract"), job("y", rule="extract")
    last = job("s", "linked", rule="score")
    keep(tmp_path, [], [planned(3600, first), planned(7200, second), planned(36, last)], {})
    write(tmp_path, first, 1800, busy(90, 30), threads=2)
    write(tmp_path, second, 5400, busy(50, 90))
    # A job without a benchmark file between the two, and a job that is in no estimate.
    write_log(tmp_path, "link", Job("link", ("x",), ("linked",)))
    write(tmp_path, last, 72)
    write(tmp_path, job("late", "s", rule="score"), 18)

    actual = read_actual(tmp_path)
    assert rule_rows(actual) == [
        ["rule", "jobs", "planned hours", "actual hours", "actual / planned", "GPU utilization"],
        ["extract", "2", "3.000", "2.000", "0.67", "60 %"],
        ["score", "2", "0.010", "0.025", "2.00", "-"],
        ["sum", "4", "3.010", "2.025", "0.67", "60 %"],
    ]
    assert [item.job.name for item in actual.chain] == [second.name]
    assert actual.path == 5400
    assert actual.cpu_seconds == 2 * 1800 + 5400 + 72 + 18
    assert actual.gpu_seconds == 7200
    assert remarks(actual) == [
        "CPU-hours (threads times time, including jobs on a GPU): 2.525. GPU-hours: 2.000.",
        "1 of 4 jobs were not estimated before they ran; actual / planned covers only the others.",
    ]


def test_the_longest_path_includes_jobs_that_are_not_measured(tmp_path: Path) -> None:
    write(tmp_path, job("x", rule="extract"), 50)
    write_log(tmp_path, "link", Job("link", ("x",), ("linked",)))
    write(tmp_path, job("s", "linked", rule="score"), 20)
    write(tmp_path, job("other", rule="other"), 60)
    printed = report_actual(tmp_path)
    assert "Longest path: 70 s (extract 50 s > score 20 s)." in printed
    assert "GPU utilization" not in printed


def test_the_estimate_before_a_run_is_kept(tmp_path: Path) -> None:
    first, second = job("a"), job("b", "a")
    keep(tmp_path, [], [planned(10, first), planned(20, second)], {})
    write(tmp_path, first, 15)
    # An estimate after `a` has run, in which `b` has more work.
    keep(tmp_path, [(first, Work("net", 100))], [planned(40, second)], {})
    write(tmp_path, second, 60)
    kept = json.loads((tmp_path / "estimate.json").read_text())
    assert [entry["seconds"] for entry in kept.values()] == [10, 40]
    printed = report_actual(tmp_path)
    assert printed.splitlines()[1].split() == ["score_scheme", "2", "0.014", "0.021", "1.50"]
    assert "Longest path: 75 s (score_scheme 15 s > score_scheme 60 s)" in printed


def test_a_run_without_estimate_is_reported(tmp_path: Path) -> None:
    write(tmp_path, job("a"), 36)
    printed = report_actual(tmp_path)
    assert printed.splitlines()[1].split() == ["score_scheme", "1", "-", "0.010", "-"]
    assert "No estimate was made before the run" in printed
    (tmp_path / "estimate.json").write_text("{")
    assert report_actual(tmp_path) == printed


def test_a_job_that_is_no_longer_in_the_run_does_not_count(tmp_path: Path) -> None:
    """The current estimate of the run does not contain the job."""
    write(tmp_path, job("gone"), 36)
    write(tmp_path, job("a"), 72)
    keep(tmp_path, [(job("a"), Work("net", 100))], [], {})
    assert [item.seconds for item in read_actual(tmp_path).taken] == [72]


def test_logs_of_another_version_are_reported(tmp_path: Path) -> None:
    write(tmp_path, job("a"), 36)
    write(tmp_path, job("b", "a"), 36)
    (tmp_path / "logs/score_scheme/b.log").write_text("done in 36 s\n")
    actual = read_actual(tmp_path)
    assert (actual.path, actual.undescribed, actual.cpu_seconds) == (36, 1, 72)
    assert "The logs of 1 of 2 jobs do not record threads and inputs" in remarks(actual)[-1]


def test_a_run_without_times_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(FringeError, match=r"benchmarks: no job has written its time there"):
        report_actual(tmp_path)
    assert main(["cost", str(tmp_path)]) == 1
    assert "benchmarks: no job has written its time there" in capsys.readouterr().err
    write(tmp_path, job("a"), 36)
    assert main(["cost", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{report_actual(tmp_path)}\n"
