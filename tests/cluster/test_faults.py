"""Faults of a job, a node, SLURM or Snakemake itself during a run.

One job extracts features on a CPU node, and waits until the test removes a file.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fringe.features import open_features
from fringe.sources import PhotoSource

Project = Any  # tests/cluster/conftest.py

HELD = "features/late/tiny_network.held.h5"
HUNGRY = "features/late/tiny_network.hungry.h5"
LINGERING = "features/late/tiny_network.lingering.h5"
EXTRACTION = "rule_extract_features_"


@pytest.fixture
def project(project: Project) -> Project:
    """A project whose networks wait while the file `hold` exists, and need no GPU."""
    project.config |= {"device": "cpu", "network": "tiny_network:held"}
    project.set_resources = ()
    (project.folder / "hold").touch()
    return project


@contextmanager
def held(project: Project, *targets: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a run and the number of its only job, which computes; then release the job."""
    with project.started(*targets) as process:
        project.cluster.wait_for(lambda: (project.folder / "computing").exists(), 90, "computing")
        (job,) = project.cluster.jobs("RUNNING")
        yield process, job
        (project.folder / "hold").unlink(missing_ok=True)
        process.wait(timeout=300)


def extractions(project: Project) -> int:
    """Return the number of submissions of the job."""
    return sum(EXTRACTION in call for call in project.sbatch_calls())


def assert_right(project: Project, target: str) -> None:
    """The file is complete, the only file in its folder, and contains the output of the network."""
    images = PhotoSource(40, 32, 7).read(range(40))
    network = project.tiny_network().TinyNetwork("", 0, torch.device("cpu"))
    batches = torch.from_numpy(images).permute(0, 3, 1, 2).split(20)
    expected = np.concatenate([network(batch).features.numpy() for batch in batches])
    assert np.array_equal(open_features(project.results / target).read("features"), expected)
    assert not [path for path in project.results.rglob("*") if ".part" in path.name]


def test_a_cancelled_job_is_submitted_again(project: Project) -> None:
    with held(project, HELD) as (process, job):
        project.cluster.run("scancel", job)
        project.cluster.wait_for(lambda: extractions(project) >= 2, 90, "second submission")
    assert process.returncode == 0, project.printed()
    assert "SLURM status is: 'CANCELLED'" in project.printed()
    assert_right(project, HELD)


def test_the_next_attempt_gets_more_memory_and_more_time(project: Project) -> None:
    """Both jobs are killed at first: one takes 2.4 GB of 1.9 GB, one more than 60 s of 60 s."""
    (project.folder / "hold").unlink()
    project.config["controls"] = ["tiny_network:hungry", "tiny_network:lingering"]
    project.set_resources = ("extract_features:runtime=attempt",)
    printed = project.run(HUNGRY, LINGERING)
    assert "SLURM status is: 'TIMEOUT'" in printed
    # SLURM reports OUT_OF_MEMORY where cgroups enforce limits; here a daemon checks every second.
    assert "SLURM status is: 'FAILED'" in printed or "'OUT_OF_MEMORY'" in printed
    calls = [shlex.split(call) for call in project.sbatch_calls() if EXTRACTION in call]
    asked = sorted((call[call.index("--mem") + 1], call[call.index("-t") + 1]) for call in calls)
    assert asked == [("1900", "1"), ("1900", "1"), ("3800", "2"), ("3800", "2")]
    assert_right(project, HUNGRY)
    assert_right(project, LINGERING)


def test_a_node_keeps_its_job_when_its_daemon_restarts(project: Project) -> None:
    with held(project, HELD) as (process, job):
        node = project.cluster.node_of(job)
        project.cluster.kill(f"slurmd-{node}")
        time.sleep(6)
        project.cluster.start_node(node)
    assert process.returncode == 0, project.printed()
    assert extractions(project) == 1
    assert_right(project, HELD)


def test_the_job_of_a_dead_node_runs_on_another_node(project: Project) -> None:
    """SLURM queues the job again by itself, under the same number."""
    with held(project, HELD) as (process, job):
        node = project.cluster.node_of(job)
        project.cluster.kill(f"slurmd-{node}")
        project.cluster.kill_job(job)
        (project.folder / "computing").unlink()
        project.cluster.wait_for(lambda: (project.folder / "computing").exists(), 90, "requeuing")
        assert project.cluster.node_of(job) != node
    assert process.returncode == 0, project.printed()
    assert extractions(project) == 1
    assert_right(project, HELD)
    project.cluster.start_node(node)
    project.cluster.wait_for(lambda: project.cluster.states()[node] == "idle", 60, "idle node")


def test_the_run_waits_for_an_unreachable_controller(project: Project) -> None:
    with held(project, HELD) as (process, _):
        project.cluster.kill("slurmctld", signal.SIGTERM)
        said = "SLURM does not answer. Its jobs are kept"
        project.cluster.wait_for(lambda: said in project.printed(), 90, "the warning")
        project.cluster.run("slurmctld")
    assert process.returncode == 0, project.printed()
    assert extractions(project) == 1
    assert_right(project, HELD)


def test_jobs_of_a_killed_run_are_cancelled_and_run_again(project: Project) -> None:
    """`make resume` does the same; otherwise, the next run refuses before it submits anything."""
    with held(project, HELD) as (process, job):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert job in project.cluster.jobs("RUNNING"), "SLURM goes on without Snakemake"
        printed = project.run(HELD, fails=True)
        assert "1 jobs of an earlier run in this folder are still queued or running" in printed
        assert f"({job})" in printed
        assert "fringe cancel" in printed
        assert extractions(project) == 1
        assert "rule extract_features" in project.run(HELD, options="--dry-run")

        cancelled = subprocess.run(
            [Path(sys.executable).with_name("fringe"), "cancel"],
            cwd=project.folder,
            env=project.environment(),
            capture_output=True,
            text=True,
        )
        assert cancelled.stdout == f"cancelled: {job}\n", cancelled.stderr
        (project.folder / "hold").unlink()
        printed = project.run(HELD)
    assert extractions(project) == 2
    assert_right(project, HELD)
    assert "Nothing to be done" in project.run(HELD)
