"""Tests of sources that name all snapshots of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fringe.config.completion import complete
from fringe.config.model import RunConfig
from fringe.config.snapshots import expand_snapshots
from fringe.config.sources import GeneratorSource


@pytest.fixture
def training(tmp_path: Path) -> Path:
    """Return a folder with the files of StyleGAN2-ADA's trainings, of batch sizes 64 and 32."""
    for number in ("001008", "000000", "000201", "025000"):
        (tmp_path / f"network-snapshot-{number}.pkl").touch()
    (tmp_path / "fakes000000.png").touch()
    (tmp_path / "training_options.json").touch()
    return tmp_path


def expanded(path: object, **dataset: Any) -> tuple[RunConfig, list[str]]:
    config = {
        "run": "run",
        "network": "efficientnet-lite0",
        "sources": {
            "real": {"path": "real.zip"},
            "fake": {"kind": "generator", "path": "fake.pkl", "count": 9},
            "training": {"kind": "generator", "path": str(path), "count": 7, "seed": 3},
        },
        "datasets": {
            "faces": {"real": "real", "generated": "fake", "snapshots": ["training"], **dataset}
        },
    }
    completed, faults, _ = complete(config)
    assert faults == []
    return expand_snapshots(completed)


def test_snapshots_of_a_folder_are_sorted_by_thousands_of_images(training: Path) -> None:
    config, faults = expanded(training)
    assert faults == []
    names = [f"training-{number}" for number in ("000000", "000201", "001008", "025000")]
    assert config.datasets["faces"].snapshots == names
    assert list(config.sources) == ["real", "fake", *names]
    last = config.sources[names[-1]]
    assert isinstance(last, GeneratorSource)
    assert last.path == f"{training}/network-snapshot-025000.pkl"
    assert (last.count, last.seed, last.kind) == (7, 3, "generator")


def test_a_pattern_and_names_of_any_length(training: Path) -> None:
    (training / "best.pkl").touch()
    (training / "my net-9.pkl").touch()
    config, faults = expanded(training / "*.pkl")
    assert faults == []
    # Files are sorted by number, not by name. A file without a number is the last.
    assert [one.removeprefix("training-") for one in config.datasets["faces"].snapshots] == [
        "000000", "9", "000201", "001008", "025000", "best"
    ]  # fmt: skip
    config, faults = expanded(training / "network-snapshot-0??[01]*.pkl")
    assert faults == []  # about one in a thousand kimg
    assert len(config.datasets["faces"].snapshots) == 3


def test_a_list_may_have_folders_and_files(training: Path) -> None:
    config, faults = expanded(training, snapshots=["fake", "training"])
    assert faults == []
    assert config.datasets["faces"].snapshots[0] == "fake"
    assert len(config.datasets["faces"].snapshots) == 5


def test_faults(training: Path) -> None:
    (training / "network-snapshot-1008.pkl").touch()  # the same number, written differently
    assert expanded(training)[1] == []
    (training / "other-1008.pkl").touch()
    (fault,) = expanded(training / "*.pkl")[1]
    assert "other-1008.pkl would be source 'training-1008', which already exists" in fault
    (fault,) = expanded(training, generated="training")[1]
    assert fault.startswith("datasets/faces/generated: training names several generators")
    (fault,) = expanded(training / "network-snapshot-02*.pkl")[1]
    assert fault.startswith("datasets/faces/snapshots: 1 given, but the correlation")
    (fault,) = expanded(training, snapshots=["fake"])[1]
    assert fault.startswith("datasets/faces/snapshots: 1 given")


def test_a_missing_folder_stays_one_source(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere/*.pkl", tmp_path):
        config, faults = expanded(path)
        assert faults == []
        assert config.datasets["faces"].snapshots == ["training"]
        assert "training" in config.sources
