"""A run with the metric, the network and the kind of source of all recipes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from tests.recipes.recipe import copy_project

from .conftest import Project

CONFIG: dict[str, Any] = {
    "run": "recipes",
    "network": "tiny_network:classifier",
    "controls": ["colours"],
    "allow_code": True,
    "weights_dir": "weights",
    "sources": {
        "real": {"kind": "photos", "count": 60, "resolution": 32},
        "fake": {"kind": "gradients", "count": 80, "resolution": 32, "seed": 1, "contrast": 0.8},
    },
    "datasets": {"faces": {"real": "real", "generated": "fake"}},
    "evaluation": {
        "n_real": 40,
        "n_generated": 60,
        "metrics": ["energy"],
        "repeats": {"metrics": 2},
    },
    "schemes": {"top": [1], "middle": [2]},
    "extraction": {"batch_size": 20, "shard_size": 100},
}


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recipes")
    copy_project(folder)
    return folder


def test_a_run_with_all_recipes_works(code: Path, tmp_path: Path) -> None:
    shutil.copy(Path(__file__).with_name("tiny_network.py"), code / "src")
    project = Project(tmp_path, CONFIG, code)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/colours.json").write_text("[0.5, 1.0, 2.0]\n")
    planned = project.planned("tables/tableS2.csv")
    schemes = ("random", "matched", "prelogits")
    assert {f"scores/faces/{scheme}/metrics-colours.csv" for scheme in schemes} < planned
    targets = ("scores/faces/random/metrics-colours.csv", "scores/faces/random/colours.csv")
    made = project.executed(*targets)
    assert {*targets, "images/fake/0000000-0000080.h5"} < made
    energy, colours = (pd.read_csv(project.results / target) for target in targets)
    assert set(energy["metric"]) == {"energy"}
    assert set(energy["network"]) == {"colours"}
    assert list(energy["repeat"]) == [0, 1]
    assert (energy["value"] > 0).all()
    assert set(colours["network"]) == {"colours"}
    assert (colours["value"] > 0).all()
    with h5py.File(project.results / "features/fake/colours/0000000-0000080.h5") as file:
        assert np.asarray(file["features"]).shape == (80, 48)
