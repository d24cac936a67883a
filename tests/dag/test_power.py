"""The response of a control to distorted images, in a real run."""

from __future__ import annotations

from typing import Any

import numpy as np

from fringe.comparison import power_of
from fringe.features import open_features
from fringe.metrics import Gaussian, frechet_distance
from fringe.scores.power import read_power
from fringe.seeds import random_stream

Project = Any  # tests/dag/conftest.py

POWER = "power/real/tiny_network.control.csv"


def test_a_control_processes_distorted_images_once(project: Project) -> None:
    assert project.executed(POWER) == {POWER}
    rows = read_power(project.results / POWER)
    about = rows[["source", "network", "n", "n_floor", "resolution", "seed"]].drop_duplicates()
    assert about.to_numpy().tolist() == [["real", "tiny_network:control", 60, 30, 32, 0]]
    features = open_features(project.results / "features/real/tiny_network.control.h5").read()
    floors = []
    for split in range(4):
        order = random_stream(0, "power", "floor", split).permutation(60)
        halves = (features[order[:30]], features[order[30:]])
        floors.append(frechet_distance(*map(Gaussian.from_features, halves)))
    np.testing.assert_allclose(rows["floor"], np.mean(floors), rtol=1e-9)
    seen = {(one.distortion, one.dose): one.ratio for one in power_of(rows).doses}
    assert seen["blur", "small"] < seen["blur", "visible"] < seen["blur", "gross"]
    assert not (project.results / POWER).with_suffix(".checkpoint").exists()
    # No other job requests this file, and it stays unchanged.
    assert project.planned() == set()
    assert project.planned(POWER) == set()
    project.config["evaluation"]["power_images"] = 20
    assert project.planned(POWER) == {POWER}
