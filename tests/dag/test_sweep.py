"""The Top-N and Middle-N weights of a data set: one job, with each N cached separately."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Project = Any  # tests/dag/conftest.py

TOP1, TOP3, MIDDLE2, MIDDLE4 = NAMES = [
    f"weights/faces/{scheme}.h5" for scheme in ("top1", "top3", "middle2", "middle4")
]


def optimized(project: Project) -> list[str]:
    """Return the schemes that the last job optimized, in order, from its log."""
    log = (project.results / "logs/optimize_sweep/faces.log").read_text()
    return re.findall(r"^faces, (\w+ \d+) \(\d+ of \d+\): objective .*, lower bound", log, re.M)


def contents(project: Project) -> dict[str, np.ndarray]:
    found = {}
    for name in NAMES:
        with h5py.File(project.results / name) as file:
            found[name] = file["probabilities"][()]
    return found


def identity(path: Path) -> tuple[int, int]:
    return path.stat().st_ino, path.stat().st_mtime_ns


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.01)


def test_only_missing_weights_are_optimized(project: Project) -> None:
    # With these real images the weights of the schemes differ, so that an exchange is noticed.
    project.config["sources"]["real"]["order"] = "file"
    project.run(TOP1, MIDDLE2)
    before = {name: identity(project.results / name) for name in (TOP1, MIDDLE2)}
    project.config["schemes"] = {"top": [1, 3], "middle": [2, 4]}
    printed = project.run(*NAMES)
    assert printed.count("    output: ") == 1
    assert project.outputs(printed) == {TOP3, MIDDLE4}
    assert optimized(project) == ["top 3", "middle 4"]
    assert before == {name: identity(project.results / name) for name in (TOP1, MIDDLE2)}
    one_by_one = contents(project)
    # With so few images, two schemes may have the same weights: equal weights, if these are best.
    assert len({values.tobytes() for values in one_by_one.values()}) >= 3

    (project.results / TOP1).unlink()
    assert project.executed(*NAMES) == {TOP1}
    assert optimized(project) == ["top 1"]

    # All weights exist but were made with other settings, which is one job again.
    before = {name: identity(project.results / name) for name in NAMES}
    project.config["optimization"]["evaluations"] = 11
    printed = project.run(*NAMES)
    assert printed.count("    output: ") == 1
    assert project.outputs(printed) == set(NAMES)
    assert all(identity(project.results / name) != before[name] for name in NAMES)

    # A job that reads the workflow again, as on a cluster, finds the same outputs, whether the
    # existing outputs have been removed or not. Together they equal the separately made outputs.
    project.config["optimization"]["evaluations"] = 10
    (project.results / TOP3).unlink()
    again = "--target-jobs optimize_sweep_faces: --allowed-rules optimize_sweep_faces --force"
    project.run(options=f"{again} --mode subprocess", cores=1)
    assert optimized(project) == ["top 1", "top 3", "middle 2", "middle 4"]
    for name, values in contents(project).items():
        assert np.array_equal(values, one_by_one[name])


def test_a_killed_or_failed_sweep_loses_nothing(project: Project, tmp_path: Path) -> None:
    """Finished N are kept, although they become results only when all N are finished."""
    project.config["schemes"] = {"top": [1, 3], "middle": [2, 4]}
    project.config["optimization"] = {"method": "reference", "evaluations": 4000}
    undisturbed = project.copy(tmp_path / "undisturbed")
    checkpoints = [(project.results / name).with_suffix(".checkpoint") for name in NAMES]

    process = project.start(*NAMES)
    until(checkpoints[0].exists, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not any((project.results / name).exists() for name in NAMES)

    checkpoints[2].mkdir()  # which cannot be written to
    project.run(*NAMES, fails=True)
    assert optimized(project) == ["top 1", "top 3"]
    assert not any((project.results / name).exists() for name in NAMES)

    checkpoints[2].rmdir()
    assert project.executed(*NAMES) == set(NAMES)
    log = (project.results / "logs/optimize_sweep/faces.log").read_text()
    assert re.findall(r"(\w+)\.checkpoint: continuing from this state", log) == ["top1", "top3"]
    assert optimized(project) == ["top 1", "top 3", "middle 2", "middle 4"]
    assert not any(checkpoint.exists() for checkpoint in checkpoints)

    assert undisturbed.executed(*NAMES) == set(NAMES)
    expected = contents(undisturbed)
    for name, values in contents(project).items():
        assert np.array_equal(values, expected[name])
