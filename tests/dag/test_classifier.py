"""Networks without classes, with another network as the classifier, in real runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from fringe.metrics import Gaussian, frechet_distance
from fringe.scores.explorer import read_explorer

Project = Any  # tests/dag/conftest.py

MAIN, COUNTING = "tiny_network:blind", "tiny_network:seeing"
NAME = "tiny_network.blind"


@pytest.fixture(scope="module")
def counted(started: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A run with maps and a comparison, with the classes of another network."""
    project = started.copy(tmp_path_factory.mktemp("counted") / "project")
    config = project.config
    config |= {
        "network": MAIN,
        "classifier": COUNTING,
        "null_spaces": ["tiny_network:control"],
        "sensitivity": {"classes": 2, "noise": {"scales": []}},
        "convergence": {"datasets": []},
        "optimization": {"evaluations": 10, "released": {"steps": 0}},
        "schemes": {"top": [1], "middle": []},
        "page": {"images": 20},
    }
    of_recall = {"network": MAIN, "k": 3}
    more = {"sizes": [], "power_images": 20, "precision_recall": of_recall}
    config["evaluation"] = {**config["evaluation"], **more}
    config["datasets"]["late"] = {"real": "real", "generated": "late", "resample": False}
    config["datasets"]["early"] = {"real": "real", "generated": "early", "resample": False}
    for name in ("late", "early"):
        config["datasets"][name]["n_generated"] = 40
    config["comparisons"] = {"two": {"generators": {"Early": "early", "Late": "late"}}}
    project.run()
    return project


def logits(project: Project, source: str) -> np.ndarray:
    with h5py.File(project.results / f"features/{source}/tiny_network.seeing.h5") as file:
        return np.asarray(file["logits"][()])


def test_the_network_of_fid_has_no_classes(counted: Project) -> None:
    with h5py.File(counted.results / f"features/fake/{NAME}.h5") as file:
        assert "logits" not in file


def test_draws_match_the_classes_of_the_classifier(counted: Project) -> None:
    with h5py.File(counted.results / "draws/faces/matched.h5") as file:
        draws = file["indices"][()]
    with h5py.File(counted.results / "matched/faces.h5") as file:
        further = dict(zip(file["indices"][()].tolist(), file["classes"][()].tolist(), strict=True))
    of_candidates = logits(counted, "fake").argmax(1)
    real = np.bincount(logits(counted, "real")[:40].argmax(1), minlength=10) / 40
    for draw in draws:
        classes = [further[i] if i in further else of_candidates[i] for i in draw.tolist()]
        drawn = np.bincount(classes, minlength=10)
        assert (drawn <= np.ceil(real * 60)).all()


def test_tables_and_verdict_name_both_networks(counted: Project) -> None:
    for number in (1, 2, 3):
        table = pd.read_csv(counted.results / f"tables/table{number}.csv")
        assert MAIN in set(table["network"])
        assert COUNTING not in set(table["network"]), "it is not a control"
        text = (counted.results / f"tables/table{number}.md").read_text()
        assert f"Classes and logits are from {COUNTING}." in text.replace("\\", "")
    verdict = (counted.results / "verdict.md").read_text().replace("\\", "")
    assert f"When the Top-1 class histogram by {COUNTING} is matched, FID in {MAIN}" in verdict
    page = (counted.results / "index.html").read_text()
    assert f"When the Top-1 class histogram by {COUNTING} is matched, FID in {MAIN}" in page


def test_the_control_s_own_null_space_is_measured(counted: Project) -> None:
    own = "own-tiny_network.control"

    def features(source: str) -> np.ndarray:
        with h5py.File(counted.results / f"features/{source}/tiny_network.control.h5") as file:
            return np.asarray(file["features"][()], np.float64)

    def weighted(scheme: str) -> float:
        with h5py.File(counted.results / f"weights/faces/{scheme}.h5") as file:
            shares = file["probabilities"][()]
        mean = shares @ features("fake")
        centered = features("fake") - mean
        made = Gaussian(mean, (centered.T * shares) @ centered)
        return frechet_distance(Gaussian.from_features(features("real")[:40]), made)

    assert weighted(own) < 0.7 * weighted("prelogits"), "those are optimized in another network"
    rows = pd.read_csv(counted.results / f"scores/faces/{own}/tiny_network.control.csv")
    random = pd.read_csv(counted.results / "scores/faces/random/tiny_network.control.csv")
    assert set(rows["network"]) == {"tiny_network:control"}
    assert rows["value"].mean() < 0.7 * random["value"].mean()
    verdict = (counted.results / "verdict.md").read_text().replace("\\", "")
    assert "The null space of tiny_network:control itself: FID in its features " in verdict
    assert f"| network | FID at random | Top-1 classes by {COUNTING} matched |" in verdict
    page = (counted.results / "index.html").read_text()
    assert "The null space of each network: how far its distance falls" in page


def test_scores_of_logits_use_the_classifier(counted: Project) -> None:
    rows = pd.read_csv(counted.results / "scores/faces/snapshots-logits.csv")
    assert set(rows["network"]) == {COUNTING}
    rows = pd.read_csv(counted.results / "scores/faces/snapshots-features.csv")
    assert set(rows["network"]) == {MAIN}


def test_maps_use_one_network_and_classes_the_other(counted: Project) -> None:
    with h5py.File(counted.results / f"sensitivity/faces/{NAME}.h5") as file:
        classes, names = file["classes"][()], json.loads(file.attrs["class_names"])
        assert file["activations"].shape == file["maps"].shape
        assert file.attrs["classifier"] == COUNTING
    np.testing.assert_array_equal(classes[:, 0], logits(counted, "fake")[:60].argmax(1))
    assert names[0] == "class 0"


def test_a_comparison_names_the_classifier(counted: Project) -> None:
    text = (counted.results / "comparisons/two/verdict.json").read_text()
    (verdict,) = json.loads(text)["verdicts"]
    sentence = f"Classes are the Top-1 classes of {COUNTING}, and FID is measured with {MAIN}."
    assert sentence in verdict["limits"]
    for place in ("explorer/datasets/faces.h5", "explorer/comparisons/two.h5"):
        explorer = read_explorer(counted.results / place)
        assert explorer.class_table is not None
        assert f"Classes are from {COUNTING}." in explorer.counts


def test_another_classifier_reruns_results_with_classes(counted: Project, tmp_path: Path) -> None:
    project = counted.copy(tmp_path / "project")
    assert project.planned() == set()
    project.config["classifier"] = "tiny_network:classifier"
    planned = project.planned()
    assert {"draws/faces/matched.h5", "weights/faces/logits.h5", "weights/faces/top1.h5"} <= planned
    assert "weights/faces/prelogits.h5" not in planned
    assert f"scores/faces/random/{NAME}.csv" not in planned
    assert f"features/fake/{NAME}.h5" not in planned
