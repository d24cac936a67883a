"""Calls of Snakemake for a run."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fringe.running import launch
from fringe.running.estimate import Estimated
from fringe.running.planner import Planner

REPOSITORY = Path(__file__).resolve().parents[2]
PLANNER = Planner(Path("c.yaml"), Path("Snakefile"), Path("local"), 1, targets=("comparisons",))


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Recorded calls of Snakemake, all of which fail."""
    calls: list[list[str]] = []
    monkeypatch.setattr(launch, "call", lambda command, *_: calls.append(command) or 1)
    estimated = Estimated(Path("results/faces"), "")
    monkeypatch.setattr(launch, "estimate_run", lambda *_, **__: estimated)
    monkeypatch.setattr(launch, "fetch_catalogue_files", lambda *_: None)
    return calls


def test_a_stopped_run_says_how_to_continue(
    called: list[list[str]],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".snakemake/log").mkdir(parents=True)
    for name, age in (("new", -60), ("newest", -61), ("old", 60)):
        path = Path(".snakemake/log", f"{name}.log")
        path.touch()
        os.utime(path, (time.time() - age, time.time() - age))
    assert launch.run(PLANNER).status == 1
    printed = capsys.readouterr().err
    assert "The same command continues the run." in printed
    assert printed.endswith(" Snakemake's full log: .snakemake/log/newest.log\n")
    launch.run(PLANNER, ["--dry-run"])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("profile", "hidden"), [("local", True), ("slurm", False)])
def test_errors_of_submitted_jobs_are_shown(profile: str, hidden: bool) -> None:
    """Snakemake would hide them with everything else that it prints about a job."""
    planner = replace(PLANNER, profile=REPOSITORY / "profiles" / profile)
    command = launch.snakemake_command(planner, None)
    assert ("rules" in command[command.index("--quiet") :]) == hidden


def test_a_target_is_not_a_value_of_the_previous_option(called: list[list[str]]) -> None:
    launch.run(PLANNER, ["--resources", "gpu=4"])
    assert called[0][-4:] == ["--resources", "gpu=4", "--", "comparisons"]


@pytest.mark.parametrize(
    ("verbose", "others", "followed"),
    [
        (None, [], True),
        ("", [], True),
        ("0", [], True),
        ("1", [], False),
        (None, ["--forcerun", "render_images"], True),
        (None, ["--verbose"], False),
        (None, ["-p"], False),
        (None, ["--logger", "mine"], False),
        (None, ["-n"], False),
    ],
)
def test_snakemake_shows_its_log_only_on_request(
    called: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    verbose: str | None,
    others: list[str],
    followed: bool,
) -> None:
    monkeypatch.delenv("VERBOSE", raising=False)
    if verbose is not None:
        monkeypatch.setenv("VERBOSE", verbose)
    launch.run(PLANNER, others)
    assert ("fringe" in called[0]) == followed
    if followed:
        place = called[0].index("--logger")
        # Another option follows, so that no target is read as a logger.
        assert called[0][place : place + 3] == ["--logger", "fringe", "--quiet"]
