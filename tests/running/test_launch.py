"""How Snakemake is called for a run."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from fringe.running import launch
from fringe.running.planner import Planner


def test_a_target_is_no_value_of_the_option_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(launch, "call", lambda command: called.append(command) or 0)
    monkeypatch.setattr(
        launch,
        "estimate_run",
        lambda *_, **__: SimpleNamespace(text="", folder=Path("results/faces")),
    )
    planner = Planner(Path("c.yaml"), Path("Snakefile"), Path("local"), 1, targets=("comparisons",))
    launch.run(planner, ["--resources", "gpu=4"])
    assert called[0][-4:] == ["--resources", "gpu=4", "--", "comparisons"]
