"""Runs with features of another tool instead of images: opened, left out and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import yaml

from fringe.cli import main
from fringe.config import choices
from fringe.costs.context import JobContext
from fringe.costs.jobs import Job
from fringe.costs.remembered_sizes import read_sizes, remember_sizes
from fringe.costs.resources import mem_mb
from fringe.errors import FringeError
from fringe.plan import exhibits, inputs, provenance
from fringe.running import opening
from fringe.running.opening import open_run

NETWORK, CONTROL = "efficientnet-lite0", "untrained"


def rows(count: int, width: int, seed: int = 0) -> npt.NDArray[np.float32]:
    return np.random.default_rng([seed, width]).normal(size=(count, width)).astype(np.float32)


def write(name: str, count: int, seed: int) -> None:
    widths = {"features": 1280, "logits": 1000, CONTROL: 102}
    np.savez(name, **{key: rows(count, width, seed) for key, width in widths.items()})


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Features of real images and of two models, and a data set of images that is resampled."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("real", "a", "b")):
        write(f"{name}.npz", 30, seed)
    return {
        "run": "run",
        "network": NETWORK,
        "controls": [CONTROL],
        "sources": {
            "photos": {"kind": "photos", "count": 60, "resolution": 32},
            "fake": {"kind": "imitation", "count": 60, "resolution": 32},
            **{name: {"kind": "features", "path": f"{name}.npz"} for name in ("real", "a", "b")},
        },
        "datasets": {
            "faces": {"real": "photos", "generated": "fake"},
            **{name: {"real": "real", "generated": name, "resample": False} for name in ("a", "b")},
        },
        "comparisons": {"both": {"generators": {"A": "a", "B": "b"}}},
        "evaluation": {"n_real": 20, "n_generated": 30},
        "sensitivity": {"datasets": []},
    }


def faults_of(config: dict[str, Any]) -> list[str]:
    with pytest.raises(FringeError) as caught:
        opening.check(config)
    return str(caught.value).split("\n  - ")[1:]


def test_features_are_described(config: dict[str, Any]) -> None:
    run = open_run(config)
    about = run.sources["real"]
    assert (about["count"], about["drawn_from"], about["shards"]) == (30, 30, {})
    assert about["logits"]
    assert about["labels"] is None
    assert list(about["features"]) == [NETWORK, CONTROL]
    assert run.sources["a"]["drawn_from"] is None, "all images are used"
    assert inputs.link_features(run, "real", CONTROL) == []
    assert provenance.import_features(run, "real", CONTROL) == {
        "images": about["features"][CONTROL],
        "count": 30,
        "network": CONTROL,
        "revision": 2,
    }
    job = Job("import_features", wildcards={"source": "real", "network": NETWORK})
    assert mem_mb(JobContext(job, run.config, run.sources, {})) == 1500
    assert mem_mb(JobContext(job, run.config, {"real": {"count": 1 << 20}}, {})) == 1500 + 4 * (
        1280 + 1000
    )


def test_only_images_have_shards(config: dict[str, Any]) -> None:
    checked, sources = opening.check(config)
    remember_sizes(checked, sources)
    assert set(read_sizes(checked)["sizes"]) == {"photos", "fake"}
    assert "shard_size" not in sources["a"]


def test_exhibits_of_images_are_left_out(
    config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    checked = open_run(config).config
    assert "comparisons/both: Figures 7 and 19 are omitted" in caplog.text
    assert {"figure7", "figure19"}.isdisjoint(exhibits.names(checked))
    # Recall, which only these figures show, needs features in one more network.
    assert choices.networks_of_source(checked, "a") == [NETWORK, CONTROL]
    assert choices.networks_of_run(checked) == [NETWORK, CONTROL]
    for seed, name in enumerate(("real", "a", "b")):
        drawn = {"kind": "photos", "count": 30, "resolution": 32, "seed": seed}
        config["sources"][name] = drawn
    checked = open_run(config).config
    assert {"figure7", "figure19"} <= set(exhibits.names(checked))
    assert "vgg16" in choices.networks_of_source(checked, "a")


def test_real_images_are_compared_with_features(config: dict[str, Any]) -> None:
    """One side may have images of any size."""
    for name in ("a", "b"):
        config["datasets"][name]["real"] = "photos"
    assert opening.check(config)[1]["a"]["count"] == 30


def test_settings_that_need_images_are_refused(config: dict[str, Any]) -> None:
    config["datasets"]["a"]["resample"] = True
    config["datasets"]["faces"]["snapshots"] = ["fake", "photos", "b"]
    faults = faults_of(config)
    assert faults[0].startswith("datasets/faces/snapshots/2: b has only features;")
    assert faults[1].startswith("datasets/a/real: real has only features, but tables")
    assert faults[2].startswith("datasets/a/generated: a has only features")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"path": "gone.npz"}, "sources/a: gone.npz: does not exist"),
        ({"count": 31}, "sources/a: a.npz: holds 30 images, fewer than the 31 asked for"),
        ({"count": 29}, "datasets/a/n_generated: 30 images are needed"),
        ({"resolution": 32}, "sources/a/resolution: only for kind"),
        ({"order": "sorted"}, "sources/a/order: "),
        ({"sha256": "0" * 64}, "sources/a/sha256: a.npz has SHA-256"),
    ],
)
def test_faults_of_features(config: dict[str, Any], change: dict[str, Any], fault: str) -> None:
    config["sources"]["a"] |= change
    (found,) = faults_of(config)
    assert found.startswith(fault)


def test_all_faults_of_features_are_listed_at_once(config: dict[str, Any]) -> None:
    np.savez("a.npz", features=np.full((30, 1280), np.nan, np.float32))
    np.savez("b.npz", features=np.ones((30, 2048)), untrained=np.ones((30, 102)))
    faults = faults_of(config)
    assert [fault.partition(": ")[0] for fault in faults] == ["sources/a", "sources/b"]
    assert "has no array of features in untrained" in faults[0]
    assert "has 2048 columns, but features of efficientnet-lite0 have 1280" in faults[1]
    np.savez("a.npz", features=np.full((30, 1280), np.nan), untrained=np.ones((30, 102)))
    assert "`features`: row 0 holds NaN or infinity" in faults_of(config)[0]


@pytest.mark.parametrize("key", ["network", "controls"])
def test_an_unknown_network_is_reported_once(config: dict[str, Any], key: str) -> None:
    config[key] = "incepton" if key == "network" else ["incepton"]
    (found,) = faults_of(config)
    assert found.startswith(f"{key}: unknown network 'incepton'")


def test_classes_need_logits_or_labels_on_all_sides(config: dict[str, Any]) -> None:
    """Classes are known only with logits on all sides or labels on all sides."""
    assert "labels" not in provenance.compare(open_run(config), "both", NETWORK)
    arrays = {"features": rows(30, 1280), CONTROL: rows(30, 102)}
    np.savez("a.npz", **arrays)
    assert provenance.compare(open_run(config), "both", NETWORK)["classes"] is None
    config["comparisons"]["both"]["labels"] = False
    (found,) = faults_of(config)
    assert found.startswith(f"sources/a: holds no logits of {NETWORK}, but comparison both uses")
    assert "add an array `logits`, or `labels` to each of real, a, b" in found
    labels = np.arange(30) % 3
    np.savez("a.npz", **arrays, labels=labels)
    assert faults_of(config) == [found]
    del config["comparisons"]["both"]["labels"]
    for name in ("real", "b"):
        with np.load(f"{name}.npz") as held:
            arrays = {key: held[key] for key in ("features", CONTROL)}
        np.savez(f"{name}.npz", **arrays, labels=labels)
    assert provenance.compare(open_run(config), "both", NETWORK)["labels"].keys() == {
        "real",
        "a",
        "b",
    }


def test_an_unknown_data_set_is_reported_once(config: dict[str, Any]) -> None:
    config["comparisons"]["both"]["generators"]["B"] = "c"
    (found,) = faults_of(config)
    assert found.startswith("comparisons/both/generators/B: no data set is named 'c'")


def test_staging_describes_features(
    config: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("my.yaml").write_text(yaml.safe_dump(config))
    assert main(["stage", "my.yaml"]) == 0
    assert capsys.readouterr().out.count("features of 30 images") == 3


def test_missing_features_may_be_left_out(config: dict[str, Any]) -> None:
    Path("b.npz").unlink()
    checked, sources = opening.check(config | {"missing": "skip"})
    assert list(checked.datasets) == ["faces"]
    assert set(sources) == {"photos", "fake"}
    assert checked.left_out is not None
    assert [one["path"] for one in checked.left_out["files"]] == ["b.npz"]
