"""What FID looks at, in a real run: maps, figures, proofs, and changes that make them stale."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from tests.test_scripts import REPOSITORY, load

from fringe.errors import FringeError
from fringe.evaluation import load_gaussian
from fringe.metrics import frechet_distance
from fringe.sources import ImitationSource

from ..run_configs import run_config

Project = Any  # tests/dag/conftest.py

FIGURES = ("1", "2", "3", "4b", "10a", "10b", "11", "12", "13", "15", "S2")
MAIN, CONTROL = "tiny_network:seeing", "tiny_network:seeing_control"
MAPS = "sensitivity/faces/tiny_network.seeing.h5"
MEANS = "sensitivity/faces/means.h5"
NOISE = [f"sensitivity/faces/noise-{scale}.csv" for scale in ("0", "0.1", "0.4")]
TARGETS = [*(f"figures/figure{n}-faces.png" for n in FIGURES), "sensitivity/faces/region.csv"]


def asked(project: Project) -> Project:
    """Return the project with networks that have maps, and with the settings for maps."""
    project.config |= {
        "network": MAIN,
        "controls": [CONTROL],
        "sensitivity": {
            "networks": [CONTROL],
            # Classes by name and by number; some are not the Top-1 class of any image.
            "classes": [f"Class {number}" for number in range(9)] + [9],
            "noise": {"scales": [0.1, 0.4], "images": 40},
        },
    }
    project.config["datasets"]["faces"]["region"] = [0.25, 0, 0.75, 1]
    return project


@pytest.fixture(scope="module")
def explained(started: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose images have been explained. Do not change it: make a copy."""
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
    with h5py.File(explained.results / MEANS) as file:
        counts = file["count"][()]
        assert json.loads(file.attrs["names"])[1:] == [f"class {number}" for number in range(10)]
    np.testing.assert_array_equal(counts[1:], np.bincount(classes[:, 0], minlength=10))
    assert (counts == 0).any()
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
    # Maps use the batches of features, so the values are equal up to rounding.
    assert clean.to_numpy() == pytest.approx(frechet_distance(real, generated), rel=1e-9)


def test_only_changed_maps_are_made_again(explained: Project, tmp_path: Path) -> None:
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
    # The maps of another network may be older than the means of this one's.
    project.config["network"], project.config["controls"] = CONTROL, [MAIN]
    project.config["sensitivity"]["networks"] = [MAIN]
    (project.results / MEANS).touch()
    assert project.planned(MEANS) == {MEANS}
    asked(project)
    # Images of a seed are added to all others except one.
    project.config["datasets"]["faces"]["examples"] = {"seeds": [5, 6]}
    planned = project.planned(*TARGETS)
    assert "sensitivity/faces/tiny_network.seeing-examples.h5" in planned
    assert "statistics/fake/tiny_network.seeing/features-59.h5" in planned
    assert MAPS not in planned
    # The same holds for the grid; the released code makes one image of each seed from 100 on.
    project.config["datasets"]["faces"]["grid"] = {"seed": 100}
    grid = "sensitivity/faces/tiny_network.seeing-grid.h5"
    assert project.planned(*TARGETS) == planned | {
        grid, *(f"figures/figure11-faces.{kind}" for kind in ("png", "pdf"))
    }  # fmt: skip
    project.run("figures/figure3-faces.png", "figures/figure11-faces.png")
    with h5py.File(project.results / grid) as file:
        assert file["images"].shape == (40, 32, 32, 3)
        assert "closeup" not in file
        assert json.loads(file.attrs["examples"]) == {"seeds": list(range(100, 140))}
        expected = ImitationSource(2, 32, 103, 0.8).read([0])[0]
        np.testing.assert_array_equal(file["images"][3], expected)
    with h5py.File(project.results / "sensitivity/faces/tiny_network.seeing-examples.h5") as file:
        assert file["images"].shape == (2, 32, 32, 3)


def test_maps_for_other_statistics_are_made_from_kept_images(
    explained: Project, tmp_path: Path
) -> None:
    project = explained.copy(tmp_path / "project")
    photographs = {"kind": "photos", "count": 60, "resolution": 32, "seed": 5}
    project.config["sources"]["real"] = photographs
    printed = project.run(MAPS, options="--dry-run")
    inputs = re.findall(r"^    input: (.*)$", printed, re.MULTILINE)
    first = "images/fake/0000000-0000040.h5"
    assert sum(first in one and "statistics/real" in one for one in inputs) == 1, printed


def test_a_classifier_without_grad_cam_is_refused_before_maps_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = load(REPOSITORY / "workflow/scripts/measure_sensitivity.py")
    monkeypatch.setattr(script, "planned_network", lambda *_: SimpleNamespace(name="mine:load"))
    job = SimpleNamespace(
        config=run_config({"network": "mine:load", "device": "cpu"}),
        params=SimpleNamespace(made_from={"network": "mine:load", "precision": "float32"}, n=9),
        wildcards=SimpleNamespace(dataset="faces", shard="0000000-0000009"),
        input={},
    )
    with pytest.raises(FringeError, match=r"mine:load has no Grad-CAM .*state `classifier`"):
        script.main(job)


def test_lost_links_of_maps_are_made_again_without_images(
    explained: Project, tmp_path: Path
) -> None:
    project = explained.copy(tmp_path / "project")
    shutil.rmtree(project.results / "images")
    assert project.planned(MAPS) == set()
    before = (project.results / MAPS).read_bytes()
    (project.results / MAPS).unlink()
    assert project.executed(MAPS) == {MAPS}
    assert (project.results / MAPS).read_bytes() == before


def test_a_network_without_maps_is_refused_before_any_job(fresh: Project) -> None:
    fresh.config["sensitivity"] = {"datasets": ["faces"]}
    printed = fresh.run(fails=True)
    assert re.search(
        r"sensitivity: tiny_network:classifier does not support sensitivity maps", printed
    )
    assert not fresh.results.exists() or not list(fresh.results.glob("features/**/*.h5"))
