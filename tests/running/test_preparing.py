"""Preparation of a run, which a dry run only reports."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fringe.errors import FringeError
from fringe.files import seals
from fringe.files.hdf5 import create_h5
from fringe.plan import layout
from fringe.plan.run import Run
from fringe.running.locks import hold
from fringe.running.preparing import prepare

from ..plan.runs import make_run
from ..run_configs import changed


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    opened = make_run()
    return replace(opened, config=changed(opened.config, {"planned": {"sources/real": "as it is"}}))


def damage(run: Run) -> Path:
    path = Path(run.path(layout.weights("faces", "top1")))
    path.parent.mkdir(parents=True)
    with create_h5(path, {"made_from": "this"}):
        pass
    seals.seal(Path(run.folder), path)
    path.write_bytes(path.read_bytes()[:100])
    return path


def test_damaged_files_are_renamed_and_the_plan_is_written(run: Run) -> None:
    path = damage(run)
    assert prepare(run) == [str(path)]
    assert not path.exists()
    noted = json.loads(Path(run.path(layout.PLAN)).read_text())
    assert noted == {"sources/real": "as it is"}


def test_files_of_a_living_run_are_not_renamed(run: Run) -> None:
    path = damage(run)
    hold(Path(run.folder))
    with pytest.raises(FringeError, match="another run works in this folder"):
        prepare(run)
    assert path.exists()
    assert not Path(".snakemake").exists()


def test_a_dry_run_changes_nothing(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    path = damage(run)
    before = {file: file.stat().st_mtime_ns for file in Path().rglob("*")}
    assert prepare(run, dry=True) == [str(path)]
    assert {file: file.stat().st_mtime_ns for file in Path().rglob("*")} == before


def test_only_outputs_of_this_run_are_returned(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = ["results/run/verdict.md", "results/other/verdict.md", "results/running/verdict.md"]
    monkeypatch.setattr(
        "fringe.running.preparing.remove_damaged_records", lambda folder, dry: unknown
    )
    assert prepare(run, dry=True) == unknown[:1]


def test_active_slurm_jobs_prevent_a_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> None:
        raise FringeError("jobs of an earlier run are active")

    monkeypatch.setattr("fringe.running.preparing.refuse_left_over", refuse)
    with pytest.raises(FringeError, match="earlier run"):
        prepare(run)
    assert not Path(run.path(layout.PLAN)).exists()
    prepare(run, dry=True)
