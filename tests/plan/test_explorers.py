"""Explorers of a run, and their limits."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from fringe.plan import inputs, layout
from fringe.plan.explorers import MOST_BYTES, MOST_IMAGES, MOST_SETS, view_of, views

from .runs import CONFIG, changed, make_run


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def several(models: int) -> dict[str, Any]:
    """A run with a comparison of a given number of generators."""
    config = copy.deepcopy(CONFIG)
    config["datasets"] |= {
        f"m{number}": {"real": "real", "generated": "rival", "resample": False}
        for number in range(models)
    }
    config["comparisons"] = {"many": {"generators": {f"M{n}": f"m{n}" for n in range(models)}}}
    return config


def test_resampled_data_sets_and_comparisons_have_explorers() -> None:
    run = make_run()
    found = views(run.config)
    assert [(one.kind, one.name) for one in found] == [
        ("dataset", "faces"),
        ("dataset", "cats"),
        ("comparison", "two"),
    ]
    assert inputs.explorers(run) == [
        "results/run/explorer/datasets/faces.h5",
        "results/run/explorer/datasets/cats.h5",
        "results/run/explorer/comparisons/two.h5",
    ]
    assert view_of(run.config, "dataset", "cats") == found[1]
    assert {one.images for one in found} == {1000}
    assert {one.sprite_bytes for one in found} == {MOST_BYTES // 3}


@pytest.mark.parametrize("models", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("asked", [2, 300, 1000, 10_000])
def test_all_explorers_together_respect_the_limits(models: int, asked: int) -> None:
    found = views(make_run(several(models) | {"page": {"images": asked}}).config)
    sets = [models if one.kind == "comparison" else 1 for one in found]
    shown = [count * one.images + one.images // 2 for count, one in zip(sets, found, strict=True)]
    assert len(found) == 3
    assert sum(shown) <= MOST_IMAGES
    for images, one in zip(shown, found, strict=True):
        # The configured number, or an equal part rounded down.
        assert one.images == asked or images > MOST_IMAGES / 3 - 1.5 * models - 2
    assert sum(one.sprite_bytes for one in found) <= MOST_BYTES


def test_a_comparison_of_very_many_models_has_no_explorer() -> None:
    kinds = [one.kind for one in views(make_run(several(MOST_SETS)).config)]
    assert kinds == ["dataset", "dataset", "comparison"]
    kinds = [one.kind for one in views(make_run(several(MOST_SETS + 1)).config)]
    assert kinds == ["dataset", "dataset"]


def test_a_set_is_never_empty() -> None:
    config = several(MOST_SETS)
    made = config["comparisons"].pop("many")
    config["comparisons"] = {f"c{number}": made for number in range(120)}
    assert {one.images for one in views(make_run(config).config) if one.kind == "comparison"} == {2}


def test_features_of_another_tool_have_no_explorer() -> None:
    config = changed("sources", "given", to={"kind": "features", "path": "given.npz"})
    config["sources"]["rival"] = {"kind": "features", "path": "rival.npz"}
    config["datasets"] = {
        "faces": CONFIG["datasets"]["faces"],
        "one": {"real": "real", "generated": "given", "resample": False},
        "two": {"real": "real", "generated": "rival", "resample": False},
    }
    config["comparisons"] = {
        "none": {"generators": {"One": "one", "Two": "two"}},
        "some": {"generators": {"One": "one", "Faces": "faces"}},
    }
    names = [one.name for one in views(make_run(config).config)]
    assert names == ["faces", "some"], "comparisons with a generator that has images"


def test_the_network_is_an_input_until_the_explorer_exists() -> None:
    run = make_run()
    file = "data/weights/pt_inception-2015-12-05-6726825d.pth"
    place = {"dataset": "faces", "comparison": "two"}
    for kind, name in place.items():
        function = getattr(inputs, f"explore_{kind}")
        assert function(run, name)["weight_file"] == file
        path = Path(run.path(layout.explorer(kind, name)))
        path.parent.mkdir(parents=True)
        path.touch()
        assert function(run, name)["weight_file"] == []
    # This data set has no maps.
    assert inputs.explore_dataset(run, "cats")["weight_file"] == []
    assert inputs.explore_dataset(run, "cats")["maps"] == []


def test_a_comparison_uses_the_first_training_of_each_generator() -> None:
    config = changed("datasets", "again", to={"real": "real", "generated": "early"})
    config["datasets"]["again"]["resample"] = False
    config["evaluation"]["n_generated"] = 30
    config["comparisons"]["two"]["generators"]["Two"] = ["pair", "again"]
    found = inputs.explore_comparison(make_run(config), "two")
    files = [f"results/run/features/{name}/inception.h5" for name in ("fake", "rival")]
    assert found["models"] == files
    assert found["logits"] == files
    assert found["real"] == found["real_logits"] == ["results/run/features/real/inception.h5"]
