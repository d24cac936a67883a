"""How Snakemake is called for a run."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from fringe.running import launch
from fringe.running.planner import Planner

REPOSITORY = Path(__file__).resolve().parents[2]
PLANNER = Planner(Path("c.yaml"), Path("Snakefile"), Path("local"), 1, targets=("comparisons",))


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The calls of Snakemake, which fail."""
    calls: list[list[str]] = []
    monkeypatch.setattr(launch, "call", lambda command: calls.append(command) or 1)
    estimated = SimpleNamespace(text="", folder=Path("results/faces"))
    monkeypatch.setattr(launch, "estimate_run", lambda *_, **__: estimated)
    return calls


def test_a_run_that_stopped_says_how_to_go_on(
    called: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch.run(PLANNER).status == 1
    assert "The same command goes on" in capsys.readouterr().err
    launch.run(PLANNER, ["--dry-run"])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("profile", "hidden"), [("local", True), ("slurm", False)])
def test_errors_of_submitted_jobs_are_shown(profile: str, hidden: bool) -> None:
    """Snakemake hides them with all else that it prints of a job."""
    planner = replace(PLANNER, profile=REPOSITORY / "profiles" / profile)
    command = launch.snakemake_command(planner, None)
    assert ("rules" in command[command.index("--quiet") :]) == hidden


def test_a_target_is_no_value_of_the_option_before_it(called: list[list[str]]) -> None:
    launch.run(PLANNER, ["--resources", "gpu=4"])
    assert called[0][-4:] == ["--resources", "gpu=4", "--", "comparisons"]
