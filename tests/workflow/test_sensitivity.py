"""What FID looks at, in a real run: maps, figures, proofs, and what makes them stale."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from fringe.evaluation import load_gaussian
from fringe.metrics import frechet_distance

Project = Any  # tests/workflow/conftest.py

FIGURES = ("2", "3", "4b", "10a", "10b", "11", "12", "13", "15", "S2")
MAPS = "sensitivity/faces/tiny_network.seeing.h5"
NOISE = [f"sensitivity/faces/noise-{scale}.csv" for scale in ("0", "0.1", "0.4")]
TARGETS = [*(f"figures/figure{n}-faces.png" for n in FIGURES), "sensitivity/faces/region.csv"]


def asked(project: Project) -> Project:
    """Return the project with networks that can be asked, and the questions."""
    project.config |= {
        "network": "tiny_network:seeing",
        "controls": ["tiny_network:seeing_control"],
        "sensitivity": {
            "networks": ["tiny_network:seeing_control"],
            "classes": 2,
            "noise": {"scales": [0.1, 0.4], "images": 40},
        },
    }
    project.config["datasets"]["faces"]["region"] = [0.25, 0, 0.75, 1]
    return project


@pytest.fixture(scope="module")
def explained(started: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose images have been explained. Not to be changed: copy it."""
    project = asked(started.copy(tmp_path_factory.mktemp("explained") / "project"))
    project.run(*TARGETS)
    return project


def test_every_image_of_the_measured_fid_has_a_map(explained: Project) -> None:
    with h5py.File(explained.results / MAPS) as file:
        maps, classes = file["maps"][()], file["classes"][()]
        assert (file.attrs["first"], file.attrs["last"], file.attrs["n"]) == (0, 60, 60)
    assert maps.shape == (60, 32, 32)
    assert classes.shape == (60, 3)
    assert np.isfinite(maps).all()
    assert (maps.max((1, 2)) > maps.min((1, 2))).all()
    for target in TARGETS:
        assert (explained.results / target).stat().st_size > 0


def test_noise_of_scale_0_is_the_fid_of_stored_features(explained: Project) -> None:
    rows = pd.concat([pd.read_csv(explained.results / path) for path in NOISE])
    assert list(rows["region"].unique()) == ["important", "unimportant", "everywhere"]
    assert list(rows["scale"].unique()) == [0, 0.1, 0.4]
    assert (rows["n_generated"] == 40).all()
    clean = rows[rows["scale"] == 0]["value"]
    explained.run("statistics/fake/tiny_network.seeing/features-40.h5")
    place = explained.results / "statistics"
    real, _ = load_gaussian(place / "real/tiny_network.seeing/features-40.h5")
    generated, _ = load_gaussian(place / "fake/tiny_network.seeing/features-40.h5")
    # Maps are in the batches of features, so all but rounding is the same.
    assert clean.to_numpy() == pytest.approx(frechet_distance(real, generated), rel=1e-9)


def test_only_what_changed_is_made_again(explained: Project, tmp_path: Path) -> None:
    project = explained.copy(tmp_path / "project")
    assert project.planned(*TARGETS) == set()
    project.config["sensitivity"]["noise"]["scales"] = [0.1, 0.2]
    assert project.planned(*TARGETS) == {
        "sensitivity/faces/noise-0.2.csv",
        *(f"figures/figure10a-faces.{kind}" for kind in ("png", "pdf")),
    }
    project.config["sensitivity"]["noise"]["scales"] = [0.1, 0.4]
    project.config["datasets"]["faces"]["region"] = [0, 0, 0.5, 1]
    assert project.planned(*TARGETS) == {"sensitivity/faces/region.csv"}
    project.config["datasets"]["faces"]["region"] = [0.25, 0, 0.75, 1]
    # Images of a seed are added to all but one of the others.
    project.config["datasets"]["faces"]["examples"] = {"seeds": [5, 6]}
    planned = project.planned(*TARGETS)
    assert "sensitivity/faces/tiny_network.seeing-examples.h5" in planned
    assert "statistics/fake/tiny_network.seeing/features-59.h5" in planned
    assert MAPS not in planned
    project.run("figures/figure3-faces.png")
    with h5py.File(project.results / "sensitivity/faces/tiny_network.seeing-examples.h5") as file:
        assert file["images"].shape == (2, 32, 32, 3)


def test_without_images_lost_maps_are_joined_again(explained: Project, tmp_path: Path) -> None:
    project = explained.copy(tmp_path / "project")
    shutil.rmtree(project.results / "images")
    assert project.planned(MAPS) == set()
    before = (project.results / MAPS).read_bytes()
    (project.results / MAPS).unlink()
    assert project.executed(MAPS) == {MAPS}
    assert (project.results / MAPS).read_bytes() == before


def test_a_network_that_tells_no_places_is_refused_before_any_job(fresh: Project) -> None:
    fresh.config["sensitivity"] = {"datasets": ["faces"]}
    printed = fresh.run(fails=True)
    assert re.search(r"sensitivity: tiny_network:classifier cannot tell", printed)
    assert not fresh.results.exists() or not list(fresh.results.glob("features/**/*.h5"))


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"region": [0.5, 0, 0.25, 1]}, r"datasets/faces/region: "),
        ({"region": "mask.png"}, r"datasets/faces/region: .*mask\.png"),
        ({"examples": {"images": [60]}}, r"examples/images: 60 is not among the first 60"),
    ],
)
def test_wrong_questions_are_named(fresh: Project, dataset: Any, message: str) -> None:
    asked(fresh).config["datasets"]["faces"] |= dataset
    assert re.search(message, fresh.run(fails=True))
