"""Comparisons with labels as classes: their jobs, inputs and faults."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fringe.comparison import StoredSets, stored_sets
from fringe.errors import FringeError
from fringe.features.importing import import_features
from fringe.plan import inputs, provenance
from fringe.plan.planned import planned_labels
from fringe.running.opening import open_run
from fringe.sources import GivenFeatures

NETWORK = "efficientnet-lite0"


class Files(dict[str, list[str]]):
    """Inputs of a job by name, as in Snakemake."""

    __getattr__ = dict.__getitem__


def folder(name: str, counts: dict[str, int], seed: int) -> None:
    """Write images, with one folder per class."""
    rng = np.random.default_rng(seed)
    for one, count in counts.items():
        Path(name, one).mkdir(parents=True)
        for place in range(count):
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(
                f"{name}/{one}/{place}.png"
            )


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    folder("real", {"ant": 4, "cat": 4, "dog": 4}, 0)
    folder("a", {"cat": 3, "dog": 3}, 1)
    folder("b", {"ant": 1, "dog": 5}, 2)
    return {
        "run": "run",
        "network": NETWORK,
        "controls": [],
        "sources": {name: {"path": name} for name in ("real", "a", "b")},
        "datasets": {
            name: {"real": "real", "generated": name, "resample": False} for name in ("a", "b")
        },
        "comparisons": {"both": {"generators": {"A": "a", "B": "b"}, "labels": True}},
        "evaluation": {"n_real": 12, "n_generated": 6},
    }


def faults_of(config: dict[str, Any]) -> str:
    with pytest.raises(FringeError) as caught:
        open_run(config)
    return str(caught.value)


def stored(config: dict[str, Any]) -> StoredSets:
    """Return the inputs of the comparison's jobs, with invented features."""
    run = open_run(config)
    about = provenance.compare(run, "both", NETWORK)
    rng = np.random.default_rng(0)
    for name, count in {"real": 12, "a": 6, "b": 6}.items():
        np.savez(f"{name}-f.npz", features=rng.normal(size=(count, 1280)))
        import_features(GivenFeatures(f"{name}-f.npz", [NETWORK]), NETWORK, f"{name}.h5")
    files = {"real": ["real.h5"], "models": ["a.h5", "b.h5"]}
    return stored_sets(Files(files), about, planned_labels(run.config, about["labels"]))


def numbers(name: str, values: list[int]) -> None:
    shutil.rmtree(name)
    pixels = np.random.default_rng(3).integers(0, 256, (len(values), 8, 8, 3), np.uint8)
    np.savez(f"{name}.npz", pixels, np.array(values))


def test_labels_replace_logits(config: dict[str, Any]) -> None:
    run = open_run(config)
    assert "logits" not in inputs.compare(run, "both", NETWORK)
    made_from = provenance.compare(run, "both", NETWORK)
    assert set(made_from["labels"]) == {"real", "a", "b"}
    config["comparisons"]["both"]["labels"] = False
    run = open_run(config)
    assert "labels" not in provenance.compare(run, "both", NETWORK)
    assert "logits" in inputs.compare(run, "both", NETWORK)


def test_a_changed_label_changes_the_comparison(config: dict[str, Any]) -> None:
    before = open_run(config)
    Path("a/cat/0.png").rename("a/dog/x.png")
    after = open_run(config)
    assert provenance.compare(before, "both", NETWORK) != provenance.compare(after, "both", NETWORK)
    with pytest.raises(FringeError, match="labels/a: its data changed during the run"):
        planned_labels(before.config, ["a"])
    assert planned_labels(after.config, ["a"])["a"].values.tolist() == [0, 0, 1, 1, 1, 1]


def test_equal_class_names_are_one_class_in_all_sources(config: dict[str, Any]) -> None:
    """Sources have different folders, but "dog" is the same class."""
    found = stored(config)
    assert found.class_names == ("ant", "cat", "dog")
    assert found.real_classes is not None
    assert found.real_classes.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    classes = {name: model.classes for name, model in found.models.items()}
    assert {name: [one.tolist() for one in each or []] for name, each in classes.items()} == {
        "A": [[1, 1, 1, 2, 2, 2]],
        "B": [[0, 2, 2, 2, 2, 2]],
    }


def test_a_source_without_labels_is_refused(config: dict[str, Any]) -> None:
    numbers("b", [0] * 6)
    with np.load("b.npz") as held:
        np.savez("b.npz", held["arr_0"])
    config["sources"]["b"]["path"] = "b.npz"
    said = faults_of(config)
    assert said.count("sources/") == 1
    assert "sources/b: states no classes of its images, but comparison both uses labels" in said
    assert "an NPZ with `arr_1`" in said


def test_an_unknown_class_name_is_refused(config: dict[str, Any]) -> None:
    Path("b/dog").rename("b/Dog")
    said = faults_of(config)
    assert "sources/b: has the classes Dog, which real images (real) do not have" in said
    assert "real images have ant, cat, dog; rename the classes" in said


def test_names_and_numbers_do_not_mix(config: dict[str, Any]) -> None:
    numbers("b", [0, 1, 2, 2, 1, 0])
    config["sources"]["b"]["path"] = "b.npz"
    assert "classes of real are names of folders, but classes of b are numbers" in faults_of(config)


def test_numbers_with_names_match_names_and_numbers(config: dict[str, Any]) -> None:
    """A Parquet ClassLabel has both. Here the numbers are not in the order of the names."""
    column([2, 0, 1] * 4, ["dog", "ant", "cat"])
    config["sources"]["real"]["path"] = "real.parquet"
    numbers("b", [0, 1, 2, 2, 1, 0])
    config["sources"]["b"]["path"] = "b.npz"
    found = stored(config)
    assert found.class_names == ("dog", "ant", "cat")
    assert found.real_classes is not None
    assert found.real_classes.tolist() == [2, 0, 1] * 4
    (a,), (b,) = (found.models[name].classes or [] for name in "AB")
    assert a.tolist() == [2] * 3 + [0] * 3, "the folders cat and dog"
    assert b.tolist() == [0, 1, 2, 2, 1, 0]
    Path("a/dog").rename("a/bird")
    said = faults_of(config)
    assert "sources/a: has the classes bird, which real images (real) do not have" in said


def column(values: list[int], names: list[str]) -> None:
    """Write real images to Parquet as ``datasets`` does, with labels of type ClassLabel."""
    images = [path.read_bytes() for path in sorted(Path("real").rglob("*.png"))]
    about = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    table = pa.table({"image": [{"bytes": data, "path": None} for data in images], "label": values})
    stated = table.replace_schema_metadata({"huggingface": json.dumps(about)})
    pq.write_table(stated, "real.parquet")


def test_no_common_class_is_a_fault(config: dict[str, Any]) -> None:
    for name, values in {"real": [0, 1, 2] * 4, "a": [0, 1] * 3, "b": [7, 8, 9] * 2}.items():
        numbers(name, values)
        config["sources"][name]["path"] = f"{name}.npz"
    said = faults_of(config)
    assert "sources/b: has the classes 7, 8, 9, but real images (real) have 0, 1, 2" in said
    assert said.count("sources/") == 1


def test_a_network_without_classes_needs_labels(config: dict[str, Any]) -> None:
    """Without both there are no classes, and a request for Top-1 classes is refused."""
    config["network"] = "untrained"
    assert provenance.compare(open_run(config), "both", "untrained")["labels"]
    del config["comparisons"]["both"]["labels"]
    assert provenance.compare(open_run(config), "both", "untrained")["classes"] is None
    config["comparisons"]["both"]["labels"] = False
    assert "is not a classifier" in faults_of(config)
    assert "drop `labels: false`" in faults_of(config)
