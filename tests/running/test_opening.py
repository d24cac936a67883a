"""Opening of runs: completed configurations, and faults found in files and networks."""

from __future__ import annotations

import copy
import datetime
import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from fringe.config import choices
from fringe.config.completion import complete, where_named
from fringe.config.model import RunConfig
from fringe.config.sources import opening_keys
from fringe.errors import FringeError
from fringe.exchange import read_statistics, write_statistics
from fringe.files.hdf5 import create_h5
from fringe.metrics import Gaussian
from fringe.networks import network_weight_files
from fringe.networks.registry import NETWORKS
from fringe.plan import images, layout, protocols, weight_files
from fringe.plan.planned import note_plan
from fringe.running import opening
from fringe.scores.cells import sweep_size
from fringe.sources import GeneratedSource, KeptImages, render_shard
from fringe.sources.decoder_warnings import as_attributes
from fringe.sources.unpacked import unpack

from ..generators.checkpoints import write_fastgan_pickle, write_stylegan2_pickle
from ..run_configs import changed, run_config


def write_zip(path: Path, count: int) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(stream, "PNG")
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            archive.writestr(f"{number:02d}.png", stream.getvalue())


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A configuration without faults, in a new current folder."""
    monkeypatch.chdir(tmp_path)
    write_zip(Path("real.zip"), 12)
    return {
        "run": "run",
        "network": "efficientnet-lite0",
        "controls": ["untrained"],
        "sources": {
            "real": {"path": "real.zip"},
            "fake": {"kind": "imitation", "count": 100, "resolution": 16},
            "unused": {"path": "nowhere"},
        },
        "datasets": {"faces": {"real": "real", "generated": "fake"}},
        "evaluation": {"n_real": 12, "n_generated": 60},
    }


def check(config: dict[str, Any]) -> tuple[RunConfig, choices.Sources]:
    return opening.check(config)


def faults_of(config: dict[str, Any]) -> list[str]:
    with pytest.raises(FringeError) as caught:
        check(config)
    return str(caught.value).split("\n  - ")[1:]


def test_a_right_config_and_its_sources(config: dict[str, Any]) -> None:
    config["extraction"] = {"batch_size": 5, "shard_size": 5}
    completed, sources = check(config)
    assert completed.device == "auto"
    assert list(sources) == ["real", "fake"], "unused sources are not opened"
    assert sources["real"]["count"] == 12
    assert list(sources["real"]["shards"]) == [
        "0000000-0000005", "0000005-0000010", "0000010-0000012"
    ]  # fmt: skip
    assert len(set(sources["real"]["shards"].values())) == 3
    assert not sources["real"]["simulated"]
    assert sources["fake"]["simulated"]


def test_defaults_replace_wrong_values_in_later_checks(config: dict[str, Any]) -> None:
    """So all other faults are found, but no fault that follows from the wrong value."""
    config["evaluation"]["n_real"] = "many"
    config["controls"] = ["untrained", "nothing"]
    config["sensitivity"] = {"classes": ["no such class"]}
    config["datasets"]["faces"]["n_generated"] = 101
    assert [fault.partition(": ")[0] for fault in faults_of(config)] == [
        *("evaluation/n_real", "datasets/faces/n_generated", "controls", "sensitivity/classes")
    ]


def change(*keys: str, to: Any) -> Callable[[dict[str, Any]], None]:
    def apply(config: dict[str, Any]) -> None:
        for key in keys[:-1]:
            config = config.setdefault(key, {})
        config[keys[-1]] = to

    return apply


@pytest.mark.parametrize(
    ("apply", "fault"),
    [
        (change("sources", "real", "path", to="x.zip"), "sources/real: x.zip: does not exist"),
        (change("sources", "real", "count", to=13), "sources/real: real.zip: holds 12 images"),
        (change("evaluation", "n_real", to=13), "datasets/faces/n_real: 13 images are needed"),
        (
            change("datasets", "faces", "n_generated", to=101),
            "datasets/faces/n_generated: 101 images are needed",
        ),
        (change("evaluation", "sizes", to=[["all", 101]]), "datasets/faces/sizes: 12+101 images"),
        (change("network", to="incepton"), "network: unknown network 'incepton'"),
        (change("controls", to=["clpi"]), "controls: unknown network 'clpi'"),
        (change("schemes", "top", to=[501]), "schemes/top: 501 is more than half of the 1000"),
        (change("weights", to={"untrained": "w.pt"}), "weights/untrained: w.pt: does not exist"),
        (change("weights", to={"clip": "real.zip"}), "weights/clip: no key names this network"),
        (change("results", to="real.zip"), "results: "),
        (change("limits", to={"pixels": 255}), "sources/real: real.zip!00.png: has 16 x 16 pixels"),
        (change("limits", to={"pixels": "many"}), "limits/pixels: "),
    ],
)  # fmt: skip
def test_each_fault_has_a_message(
    config: dict[str, Any], apply: Callable[[dict[str, Any]], None], fault: str
) -> None:
    apply(config)
    (found,) = faults_of(config)
    assert found.startswith(fault)


def test_the_main_network_must_be_a_classifier(config: dict[str, Any]) -> None:
    config |= {"network": "untrained", "controls": ["efficientnet-lite0"]}
    (found,) = faults_of(config)
    assert found.startswith("network: untrained is not a classifier")
    assert "in `classifier`" in found
    config["classifier"] = "clip"
    (found,) = faults_of(config)
    assert found.startswith("classifier: clip is not a classifier")
    config["classifier"] = "efficientnet-lite0"
    check(config)


def test_a_results_folder_without_write_permission(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (Path("closed")).mkdir()
    config["results"] = "closed/results"
    check(config)
    # The answer of the system for a read-only folder. It would never refuse root.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "closed")
    (found,) = faults_of(config)
    assert found.startswith("results: ")
    assert "closed is not writable" in found


def test_all_faults_are_listed_at_once(config: dict[str, Any]) -> None:
    config["sources"]["fake"]["severity"] = 9
    config["sources"]["real"]["path"] = "x.zip"
    config["datasets"]["other"] = {"real": "fake", "generated": "fake", "n_real": 5, "tittle": ""}
    config["datasets"]["third"] = {"real": "fake", "generated": "fake", "n_real": 500}
    config["controls"] = ["clpi"]
    config["results"] = "real.zip"
    assert [fault.split(":")[0] for fault in faults_of(config)] == [
        "datasets/other", "sources/fake/severity", "results", "sources/real", "controls",
    ]  # fmt: skip
    del config["sources"]["fake"]["severity"]
    assert "datasets/third/n_real" in [fault.split(":")[0] for fault in faults_of(config)]


def test_no_fault_follows_from_another(config: dict[str, Any]) -> None:
    """No source is opened with a wrong value or at a wrong path."""
    config["sources"]["fake"]["count"] = "many"
    config["sources"]["real"]["path"] = "$SCRATCH/real.zip"
    assert [fault.split(":")[0] for fault in faults_of(config)] == [
        "sources/fake/count", "sources/real/path"
    ]  # fmt: skip
    with pytest.raises(FringeError) as caught:
        check(config)
    assert "--allow-missing" not in str(caught.value)
    assert "fringe stage" not in str(caught.value)


@pytest.mark.parametrize("results", ["~/results", "r"])
def test_remembered_hashes_are_below_the_results(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch, results: str
) -> None:
    home = Path.cwd() / "home"
    monkeypatch.setenv("HOME", str(home))
    config["results"] = results
    config["sources"]["real"]["sha256"] = hashlib.sha256(Path("real.zip").read_bytes()).hexdigest()
    check(config)
    folder = home / "results" if results.startswith("~") else Path("r")
    assert (folder / ".fingerprints").is_dir()
    assert not Path("~").exists()


@pytest.mark.parametrize("results", ["$SCRATCH/results", "~nobody-of-this-name/r", 2024, "a{b}"])
def test_nothing_is_written_if_results_are_wrong(config: dict[str, Any], results: Any) -> None:
    before = sorted(Path().iterdir())
    config["results"] = results
    config["sources"]["real"]["sha256"] = hashlib.sha256(Path("real.zip").read_bytes()).hexdigest()
    (found,) = faults_of(config)
    assert found.startswith("results: ")
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize(
    "key", ["sources", "datasets", "evaluation", "weights", "schemes", "limits"]
)
@pytest.mark.parametrize("value", [None, 3, "text", ["a"], {"a": None}, {"a": {"real": ["b"]}}])
def test_a_section_of_wrong_shape_gets_a_message(
    config: dict[str, Any], key: str, value: Any
) -> None:
    config[key] = value
    assert faults_of(config)


ODD = [
    None, -1, 2.5, True, float("inf"), datetime.date(2024, 1, 1), "", "x", "1e-3", "~nobody/x", [],
    {}, [{"a": 1}], {"path": 3}, {1: {None: 2}},
]  # fmt: skip


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_odd_values_at_any_key_get_a_message(config: dict[str, Any], value: Any) -> None:
    config["datasets"]["faces"] |= {"snapshots": [], "sizes": [[12, 20]]}
    config["comparisons"] = {"pair": {"generators": {"a": "faces", "b": "faces"}}}
    config["weights"] = {"untrained": "w.pt"}
    config["limits"] = {"pixels": 1000, "bytes": 10_000}

    def refused(holder: Any, key: Any) -> int:
        before, holder[key] = holder[key], copy.deepcopy(value)
        found = faults_of(config)
        holder[key] = before
        return len(found)

    def everywhere(holder: Any) -> list[int]:
        found = []
        for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
            found.append(refused(holder, key))
            found += everywhere(holder[key]) if isinstance(holder[key], dict | list) else []
        return found

    assert all(everywhere(config)), "the compared data sets are equal, and w.pt does not exist"


def test_duplicate_keys_are_faults(config: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("run: a\nrun: b\n")
    with pytest.raises(FringeError, match="run: duplicate key"):
        opening.check(config, [path])


def test_bounds_and_names_of_shards() -> None:
    assert layout.shard_bounds(7, 3) == [(0, 3), (3, 6), (6, 7)]
    assert layout.shard_bounds(6, 3) == [(0, 3), (3, 6)]
    assert layout.parse_shard(layout.shard_name(40, 1234567)) == (40, 1234567)
    names = [layout.shard_name(first, first + 1) for first in (2, 10, 100)]
    assert names == sorted(names)


def test_schemes_and_their_repeats(config: dict[str, Any]) -> None:
    config["schemes"] = {"top": [1, 20], "middle": [5]}
    config["evaluation"]["repeats"] = {"table1": 5, "table2": 8, "table3": 9, "sweep": 3}
    completed, *_ = complete(config)
    assert choices.schemes(completed) == [
        "random", "matched", "random-filled", "prelogits", "logits", "top1", "top20", "middle5"
    ]  # fmt: skip
    assert [sweep_size(name) for name in choices.sweep_schemes(completed)] == [
        ("top", 1), ("top", 20), ("middle", 5)
    ]  # fmt: skip
    wanted = {
        "random": 9,
        "matched": 5,
        "random-filled": 5,
        "prelogits": 9,
        "logits": 8,
        "top20": 3,
    }
    assert {scheme: choices.repeats(completed, scheme) for scheme in wanted} == wanted


def test_limit_of_images_for_matching(config: dict[str, Any]) -> None:
    def limit(kind: str, **matching: float) -> int:
        source = {"imitation": config["sources"]["fake"]}.get(kind, {"kind": kind, "path": "x.pkl"})
        sources = config["sources"] | {"fake": {**source, "count": 70}}
        completed = run_config(config | {"matching": matching, "sources": sources})
        return choices.matching_limit(completed, "faces", 70)

    assert limit("generator") == 700
    assert limit("imitation", limit=1.1) == 77
    assert limit("generator", limit=1) == 70
    assert limit("files") == limit("files", limit=3) == 70
    _, found, _ = complete(config | {"matching": {"limit": 0.5}})
    assert [fault.split(":")[0] for fault in found] == ["matching/limit"]


def test_sources_are_opened_with_more_images(config: dict[str, Any], tmp_path: Path) -> None:
    fake = {"kind": "imitation", "count": 20, "resolution": 16, "seed": 3}
    config["sources"]["fake"] = fake
    config["results"] = str(tmp_path)
    completed = run_config(config)
    source = images.open_configured(completed, "fake")
    longer = images.open_configured(completed, "fake", 50)
    assert (len(source), len(longer)) == (20, 50)
    assert len(images.open_configured(completed, "fake", 5)) == 20
    assert np.array_equal(longer.read(range(20)), source.read(range(20)))
    shard = tmp_path / completed.run / "images/fake/0000000-0000020.h5"
    render_shard(source, 0, 20, shard, {"images": source.fingerprint_of(0, 20)})
    kept = images.open_images(completed, "fake", at_least=50)
    assert isinstance(kept, KeptImages)
    assert len(kept.shards) == 1
    assert np.array_equal(kept.read([3, 44]), longer.read([3, 44]))


def test_schemes_with_the_released_optimization(config: dict[str, Any]) -> None:
    faces = config["datasets"]["faces"]
    config["datasets"] = {"plain": faces | {"resample": False}, "faces": faces, "more": faces}

    def measured(**changes: Any) -> list[str]:
        completed, found, _ = complete(config | changes)
        assert found == []
        return choices.convergence_datasets(completed)

    assert measured() == ["faces"]
    assert measured(convergence={"datasets": ["more", "faces"]}) == ["more", "faces"]
    assert measured(convergence={"steps": 0}) == []
    assert measured(optimization={"method": "reference"}) == []


def asked(config: dict[str, Any], **sensitivity: Any) -> dict[str, Any]:
    """Return the configuration with `sensitivity`, and with keys of the data set."""
    faces = config["datasets"]["faces"] | sensitivity.pop("faces", {})
    return config | {"sensitivity": sensitivity, "datasets": {"faces": faces}}


def test_images_that_are_explained(config: dict[str, Any]) -> None:
    def planned(**sensitivity: Any) -> tuple[list[str], int, int, dict[str, list[int]]]:
        completed, found, _ = complete(asked(config, **sensitivity))
        assert found == []
        return (
            choices.explained_datasets(completed),
            choices.explained_images(completed, "faces"),
            choices.noise_images(completed, "faces"),
            choices.shown_images(completed, "faces", "examples"),
        )

    assert planned() == (["faces"], 60, 60, {"images": [0, 1, 2, 3, 4, 5]})
    assert planned(images=4, datasets=[]) == ([], 4, 4, {"images": [0, 1, 2, 3]})
    assert planned(noise={"images": 9}, faces={"examples": {"seeds": [3]}}) == (
        ["faces"], 60, 9, {"seeds": [3]}
    )  # fmt: skip
    config |= {"network": "vgg16", "controls": ["untrained"]}
    assert planned()[0] == [], "a network without maps explains no images"


def test_images_of_the_grid(config: dict[str, Any]) -> None:
    def planned(**sensitivity: Any) -> dict[str, list[int]]:
        completed, found, _ = complete(asked(config, **sensitivity))
        assert found == []
        return choices.shown_images(completed, "faces", "grid")

    assert planned() == {"images": list(range(40))}
    assert planned(images=7) == {"images": list(range(7))}
    # The released code makes one image for each of 40 seeds, starting with 100.
    assert planned(faces={"grid": {"seed": 100}}) == {"seeds": list(range(100, 140))}
    assert planned(faces={"grid": {"images": [9, 2]}}) == {"images": [9, 2]}


def test_random_grids_have_their_own_seed(config: dict[str, Any]) -> None:
    def planned(**settings: Any) -> int:
        return choices.grid_seed(complete(config | settings)[0])

    assert planned(seed=7) == 7
    assert planned(seed=7, figures={"seed": 100}) == 100


@pytest.mark.parametrize(
    ("sensitivity", "fault"),
    [
        ({"images": 101}, "sensitivity/images: 101 are needed, but fake has 100"),
        ({"noise": {"images": 61}}, "sensitivity/noise/images: 61 are needed, but only 60"),
        ({"images": 5, "faces": {"examples": {"images": [2, 5]}}},
         "datasets/faces/examples/images: 5 is not among the first 5 images"),
        ({"faces": {"grid": {"images": [60]}}},
         "datasets/faces/grid/images: 60 is not among the first 60 images"),
        ({"faces": {"n_generated": 2}}, "datasets/faces/n_generated: maps need an FID"),
        ({"faces": {"region": [0, 0, 1, 1]}}, "datasets/faces/region: region [0, 0, 1, 1]: is the"),
        ({"faces": {"region": "none.png"}}, "datasets/faces/region: none.png: does not exist"),
        ({"networks": ["untrained"]}, "sensitivity: untrained does not support sensitivity maps"),
    ],
)  # fmt: skip
def test_faults_of_explanations(
    config: dict[str, Any], sensitivity: dict[str, Any], fault: str
) -> None:
    (found,) = faults_of(asked(config, **sensitivity))
    assert found.startswith(fault)


def test_classes_are_given_by_name_or_number(config: dict[str, Any]) -> None:
    def planned(**sensitivity: Any) -> int | list[int]:
        completed, _ = check(asked(config, **sensitivity))
        return choices.shown_classes(completed, "faces")

    assert planned() == 8
    assert planned(classes=3) == 3
    assert planned(classes=["Bow tie", 3, "seat_belt"]) == [457, 3, 785]
    assert planned(classes=3, faces={"classes": ["lipstick"]}) == [629]


@pytest.mark.parametrize(
    ("sensitivity", "fault"),
    [
        ({"classes": ["crane"]}, "sensitivity/classes: efficientnet-lite0: 'crane' may be 134"),
        ({"classes": [1000]}, "sensitivity/classes: efficientnet-lite0: there is no class 1000"),
        ({"classes": ["bow tie", 457]},
         "sensitivity/classes: 'bow tie' and 457 are the same class, 457 (bow tie)"),
        ({"faces": {"classes": ["bowtie"]}},
         "datasets/faces/classes: efficientnet-lite0: no class is called 'bowtie'; similar names"),
        ({"classes": []}, "sensitivity/classes: [] is empty"),
        ({"classes": 0}, "sensitivity/classes: 0 is less than the minimum of 1"),
    ],
)  # fmt: skip
def test_unknown_classes_are_faults(
    config: dict[str, Any], sensitivity: dict[str, Any], fault: str
) -> None:
    (found,) = faults_of(asked(config, **sensitivity))
    assert found.startswith(fault)


def test_a_user_s_network_may_have_class_names(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "\n".join(
        [
            "def load(*_): ...",
            "load.info = (3, 4, 1, True)",
            "def named(*_): ...",
            "named.info, named.class_names = load.info, ('a', 'b, c', 'd', 'e')",
            "def wrong(*_): ...",
            "wrong.info, wrong.class_names = load.info, ('a', 'b')",
        ]
    )
    (tmp_path / "named.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    config |= {"network": "named:named", "schemes": {"top": [1], "middle": [1]}}
    config["allow_code"] = True
    completed, _ = check(asked(config, classes=["C", 0]))
    assert choices.shown_classes(completed, "faces") == [1, 0]
    config["network"] = "named:load"
    completed, _ = check(asked(config, classes=[2]))
    assert choices.shown_classes(completed, "faces") == [2]
    (found,) = faults_of(asked(config, classes=[2, "a"]))
    assert found.startswith("sensitivity/classes: the class names of named:load are not")
    config["network"] = "named:wrong"
    (found,) = faults_of(asked(config, classes=["a"]))
    assert "2 `class_names`, but `info` says 4 classes" in found


def test_three_classes_are_shown_for_each_image(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "binary.py").write_text("def load(*_): ...\nload.info = (3, 2, 1, True)\n")
    monkeypatch.syspath_prepend(tmp_path)
    config |= {"network": "binary:load", "schemes": {"top": [1], "middle": [1]}}
    config["allow_code"] = True
    (found,) = faults_of(config)
    assert found.startswith("sensitivity: binary:load has 2 classes")
    check(asked(config, datasets=[]))


def test_without_noise_the_number_of_noisy_images_is_not_checked(config: dict[str, Any]) -> None:
    check(asked(config, noise={"scales": [], "images": 61}))


@pytest.mark.parametrize(
    ("arrays", "fault"),
    [
        ({"mu": np.zeros(2048), "sigma": np.eye(2048)}, "holds statistics of 2048 features, but "
         "the network has 1280; name statistics of that network"),
        ({"mu": np.zeros(1280), "sigma": -np.eye(1280)}, "`sigma` is not a covariance"),
        ({"mu": np.zeros(1280), "sigma": np.eye(1280) + np.eye(1280, k=1)}, "`sigma` is not symm"),
        ({"mu": np.full(1280, np.nan), "sigma": np.eye(1280)}, "`mu` holds NaN or infinity"),
        ({"arr_0": np.zeros((2, 4, 4, 3), np.uint8)}, "has no array `mu`, only ['arr_0']"),
    ],
)  # fmt: skip
def test_published_statistics_are_checked_before_any_job(
    config: dict[str, Any], arrays: dict[str, Any], fault: str
) -> None:
    np.savez("published.npz", **arrays)
    given = {"efficientnet-lite0": {"path": "published.npz", "count": 9}}
    config["sources"]["real"]["statistics"] = given
    (found,) = faults_of(config)
    key = "sources/real/statistics/efficientnet-lite0"
    assert found.startswith(f"{key}: published.npz: {fault}")


def test_published_statistics_are_read_once(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Computing eigenvalues takes seconds, so a valid file is remembered."""
    read = []

    def counted(path: Path, dim: int) -> Gaussian:
        read.append(dim)
        return read_statistics(path, dim)

    monkeypatch.setattr("fringe.exchange.read_statistics", counted)
    write_statistics("published.npz", Gaussian(np.zeros(1280), np.eye(1280)))
    given = {"efficientnet-lite0": {"path": "published.npz", "count": 9}}
    config["sources"]["real"]["statistics"] = given
    check(config)
    check(config)
    assert read == [1280]
    write_statistics("published.npz", Gaussian(np.zeros(1280), -np.eye(1280)))
    for _ in range(2):
        assert "`sigma` is not a covariance" in faults_of(config)[0]


def test_maps_need_statistics_of_the_same_images(config: dict[str, Any]) -> None:
    write_statistics("published.npz", Gaussian(np.zeros(1280), np.eye(1280)))
    given = {"efficientnet-lite0": {"path": "published.npz", "count": 9}}
    config["sources"]["real"]["statistics"] = given
    check(config)
    config["sources"]["fake"]["statistics"] = given
    (found,) = faults_of(config)
    assert found.startswith("sources/fake/statistics/efficientnet-lite0: published statistics")
    check(asked(config, datasets=[]))


def test_an_example_of_a_seed_is_the_first_image_of_that_seed(config: dict[str, Any]) -> None:
    completed, _ = check(config)
    (image,) = images.open_seeded(completed, "fake", 3).read([0])
    completed = changed(completed, {"sources/fake/seed": 3})
    np.testing.assert_array_equal(image, images.open_configured(completed, "fake").read([0, 1])[0])


def test_missing_weights_are_reported(config: dict[str, Any]) -> None:
    completed, _ = check(config | {"controls": ["clip"], "weights_dir": "kept"})
    assert weight_files.weight_file_path(completed, "efficientnet-lite0") is None
    with pytest.raises(FringeError, match=r"'clip' no longer exist.*fetch clip --weights-dir kept"):
        weight_files.weight_file_path(completed, "clip")
    completed = changed(completed, {"weights": {"clip": "real.zip"}})
    assert weight_files.weight_file_path(completed, "clip") == Path("real.zip")


def test_a_control_trained_on_imagenet_labels_is_not_used(
    config: dict[str, Any],
) -> None:
    completed, _ = check(config | {"controls": ["swav", "clip", "resnet50"]})
    assert choices.shown_control(completed) == "clip"
    assert choices.warnings(completed) == []
    completed = changed(completed, {"datasets/faces/resample": False})
    assert choices.networks_of_dataset(completed, "faces") == ["efficientnet-lite0", "clip"]
    completed, _ = check(config | {"controls": ["vgg16", "resnet50"]})
    assert choices.shown_control(completed) == "resnet50"
    (warning,) = choices.warnings(completed)
    assert "controls: none of vgg16, resnet50 can judge" in warning
    assert (
        "add a control that was not trained on these labels, such as clip or untrained" in warning
    )


def test_a_user_s_weights_may_be_of_any_training(config: dict[str, Any]) -> None:
    Path("mine.pth").write_bytes(b"mine")
    mine = {"path": "mine.pth", "sha256": hashlib.sha256(b"mine").hexdigest().upper()}
    completed, _ = check(config | {"controls": ["resnet50"], "weights": {"resnet50": mine}})
    assert choices.trained_on(completed, "resnet50") is None
    assert choices.warnings(completed) == []
    completed = changed(completed, {"weights": {}})
    assert choices.trained_on(completed, "resnet50") == "ImageNet-1k labels"


def test_weights_of_a_different_training_are_reported(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("vgg16.pt").write_bytes(b"nvidia's")
    entry = NETWORKS["vgg16-nvidia"]
    (published,) = entry.weight_files
    ours = replace(published, sha256=hashlib.sha256(b"nvidia's").hexdigest())
    monkeypatch.setitem(NETWORKS, "vgg16-nvidia", replace(entry, weight_files=(ours,)))
    config |= {"controls": ["vgg16"], "weights": {"vgg16": "vgg16.pt"}}
    assert faults_of(config) == [
        "weights/vgg16: vgg16.pt holds the weights of vgg16-nvidia; name that network, or fetch "
        "the weights of vgg16"
    ]


def test_sizes_are_resolved() -> None:
    assert choices.resolve_sizes([["all", 5], [3, "all"]], 10, 20) == [(10, 5), (3, 20)]


def test_a_spec_has_the_keys_of_its_kind(config: dict[str, Any]) -> None:
    completed, *_ = complete(config)
    spec = choices.source_spec(completed, "real")
    assert set(spec) == {"kind", *opening_keys("files"), "least", "limits"}
    assert (spec["kind"], spec["path"], spec["order"]) == ("files", "real.zip", "random")
    assert spec["limits"] == {"pixels": 1 << 26, "bytes": 1 << 30}
    rest = set(spec) - {"kind", "path", "order", "limits"}
    assert not any(spec[key] for key in rest), "none of these keys was given"
    assert choices.source_spec(completed, "fake") == {
        "kind": "imitation", "count": 100, "resolution": 16, "seed": 0, "framing": "free",
        "severity": 0.8,
    }  # fmt: skip


def test_the_least_number_of_images_taken_from_files(config: dict[str, Any]) -> None:
    """This number decides whether the images are in random order: see `open_source`."""
    write_zip(Path("fake.zip"), 60)

    def least(**changes: Any) -> dict[str, int | None]:
        asked = copy.deepcopy(config)
        asked["sources"]["fake"] = {"path": "fake.zip"}
        for key, value in changes.items():
            *path, last = key.split("__")
            at = asked
            for name in path:
                at = at.setdefault(name, {})
            at[last] = value
        completed, sources = check(asked)
        for name in ("real", "fake"):
            opened = images.open_configured(completed, name)
            assert opened.fingerprint == sources[name]["fingerprint"]
            partly = completed.least[name] < sources[name]["count"]
            is_random = partly and completed.sources[name].order == "random"
            assert sources[name]["drawn_from"] == (sources[name]["count"] if is_random else None)
        return {name: completed.least[name] for name in ("real", "fake")}

    assert least() == {"real": 12, "fake": 60}
    assert least(evaluation__n_real=9) == {"real": 9, "fake": 60}
    assert least(sources__real__order="file", evaluation__n_real=9) == {"real": 9, "fake": 60}
    assert least(datasets__faces__n_generated=50) == {"real": 12, "fake": 50}
    assert least(sensitivity__images=40) == {"real": 12, "fake": 40}
    assert least(sensitivity__noise__images=30) == {"real": 12, "fake": 30}
    noiseless = {"scales": [], "images": 30}
    assert least(sensitivity__noise=noiseless) == {"real": 12, "fake": 60}
    assert least(sensitivity__datasets=[], sensitivity__images=40) == {"real": 12, "fake": 60}
    # Images for `sizes` are drawn at random from all images.
    assert least(evaluation__sizes=[[5, 5], ["all", 20]]) == {"real": 12, "fake": 60}
    other = {"real": "fake", "generated": "real", "n_real": 20, "n_generated": 11}
    assert least(datasets__other=other | {"resample": False}) == {"real": 11, "fake": 20}


@pytest.mark.parametrize(
    ("real", "n_real", "text"),
    [
        ({}, 12, "all 12"),
        ({"count": 12}, 12, "all 12"),
        ({}, 9, "9 of 12, chosen at random with seed 0"),
        ({"count": 10, "seed": 4}, 10, "10 of 12, chosen at random with seed 4"),
        ({"count": 10}, 9, "9 of 12, chosen at random with seed 0"),
        ({"order": "file"}, 12, "all 12"),
        ({"order": "file"}, 9, "the first 9 of 12 in the order of their files"),
        ({"order": "file", "count": 10}, 10, "the first 10 in the order of their files"),
        ({"order": "file", "count": 10}, 9, "the first 9 of 10 in the order of their files"),
    ],
)
def test_the_report_describes_the_images_used(
    config: dict[str, Any], real: dict[str, Any], n_real: int, text: str
) -> None:
    config["sources"]["real"] |= real
    config["evaluation"]["n_real"] = n_real
    assert protocols.chosen_images(*check(config), "faces") == f"Real images: {text}."


def test_the_report_describes_generated_images_in_files(config: dict[str, Any]) -> None:
    write_zip(Path("fake.zip"), 60)
    config["sources"]["fake"] = {"path": "fake.zip", "seed": 2}
    real = "Real images: all 12."
    assert protocols.chosen_images(*check(config), "faces") == f"{real} Generated images: all 60."
    config["evaluation"]["n_generated"] = 30
    text = "all 60, in random order with seed 2"
    assert protocols.chosen_images(*check(config), "faces") == f"{real} Generated images: {text}."
    config["sources"]["real"] = {"kind": "photos", "count": 12, "resolution": 16}
    assert protocols.chosen_images(*check(config), "faces") == f"Generated images: {text}."


def test_the_report_describes_classes_of_generated_images(config: dict[str, Any]) -> None:
    write_stylegan2_pickle("classes.pkl", resolution=16, c_dim=3)
    with zipfile.ZipFile("real.zip", "a") as archive:
        labels = [[f"{number:02d}.png", number % 2] for number in range(12)]
        archive.writestr("dataset.json", json.dumps({"labels": labels}))
    for label, text in (
        (2, "all 2"),
        ("uniform", "drawn uniformly, not as often as in the real images"),
        ("dataset", "drawn as often as in the labels of the real images"),
    ):
        about = {"kind": "generator", "path": "classes.pkl", "count": 80, "label": label}
        config["sources"]["fake"] = about
        expected = f"Real images: all 12. Classes of generated images: {text}."
        assert protocols.chosen_images(*check(config), "faces") == expected


def test_the_images_taken_do_not_depend_on_missing_files(config: dict[str, Any]) -> None:
    config["sources"]["gone"] = {"path": "gone.zip"}
    config["datasets"]["few"] = {"real": "real", "generated": "gone", "n_real": 5}
    config["missing"] = "skip"
    completed, sources = check(config)
    assert list(completed.datasets) == ["faces"]
    assert completed.least["real"] == 5
    assert sources["real"]["drawn_from"] == 12


@pytest.mark.parametrize("count", [None, 10])
def test_files_left_out_by_select_and_ignore(config: dict[str, Any], count: int | None) -> None:
    with zipfile.ZipFile("real.zip", "a") as archive:
        for name in ("a_mask.png", "b_mask.png", "c.heic"):
            archive.writestr(name, b"")
    with pytest.raises(FringeError, match=r"sources/real: .*1 \.heic"):
        check(config)
    config["sources"]["real"] |= {"select": "*.png", "ignore": ["*_mask.*"], "count": count}
    if count is None:
        del config["sources"]["real"]["count"]
    config["datasets"]["faces"]["n_real"] = 8
    completed, sources = check(config)
    assert sources["real"]["left_out"] == "2 .png, 1 .heic"
    assert sources["fake"]["left_out"] == ""
    text = protocols.chosen_images(completed, sources, "faces")
    assert text.startswith("Real images: 8 of 12, chosen at random")
    assert text.endswith(" (`select` and `ignore` leave out 2 .png, 1 .heic).")
    config["sources"]["fake"]["select"] = "*.png"
    with pytest.raises(FringeError, match="sources/fake/select: only for kind files"):
        check(config)


def test_weights_of_user_networks_are_identified_by_content(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weighted.py").write_text("def load(*_): ...\nload.info = (3, None, 1)\n")
    monkeypatch.syspath_prepend(tmp_path)
    completed = run_config(config | {"controls": ["weighted:load", "untrained"]})
    cache = Path("fingerprints.json")

    def identity(path: str) -> str:
        given = changed(completed, {"weights": {"weighted:load": path}})
        (name,) = located = weight_files.locate_weight_files(given, cache)
        assert name == "weighted:load"
        assert located[name]["path"] == path
        return located[name]["identity"]

    Path("a.pt").write_bytes(b"weights")
    before = identity("a.pt")
    assert before == hashlib.sha256(b"weights").hexdigest()
    Path("a.pt").rename("b.pt")
    assert identity("b.pt") == before
    Path("b.pt").write_bytes(b"others!")
    assert identity("b.pt") != before


def test_published_weights_are_identified_before_they_exist(config: dict[str, Any]) -> None:
    config |= {"network": "inception", "controls": ["swav"], "weights_dir": "kept"}
    completed, _ = check(config)
    inception, alternative, *_ = network_weight_files("inception")
    (swav,) = network_weight_files("swav")
    cache = Path("fingerprints.json")
    assert weight_files.locate_weight_files(completed, cache) == {
        "inception": {"path": f"kept/{inception.name}", "identity": inception.sha256},
        "swav": {"path": f"kept/{swav.name}", "identity": swav.name},
    }
    # Each of the published files is accepted if its content is as published.
    Path("kept").mkdir()
    Path("kept", alternative.name).write_bytes(b"cut short")
    located = weight_files.locate_weight_files(completed, cache)
    assert located["inception"]["path"] == f"kept/{alternative.name}"
    (found,) = faults_of(config)
    assert found.startswith(f"weights_dir: kept/{alternative.name} has SHA-256 ")
    assert str(inception.sha256) in found
    assert hashlib.sha256(b"cut short").hexdigest() in found


def test_a_user_s_weights_need_their_digest(config: dict[str, Any]) -> None:
    config |= {"network": "inception", "weights": {"inception": "own.pth"}}
    Path("own.pth").write_bytes(b"own")
    digest = hashlib.sha256(b"own").hexdigest()
    (found,) = faults_of(config)
    assert found.startswith(f"weights/inception: own.pth has SHA-256 {digest}, expected 6726825d")
    config["weights"] = {"inception": {"path": "own.pth", "sha256": digest}}
    completed, _ = check(config)
    located = weight_files.locate_weight_files(completed, Path("fingerprints.json"))
    assert located["inception"] == {"path": "own.pth", "identity": digest}
    config["weights"]["inception"]["sha256"] = "0" * 64
    (found,) = faults_of(config)
    assert digest in found
    assert "0" * 64 in found


def test_a_generator_is_tried_once_before_any_job(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stylegan2_pickle("fake.pkl", resolution=16, c_dim=3)
    config["sources"]["fake"] = {"kind": "generator", "path": "fake.pkl", "count": 80}
    (found,) = faults_of(config)
    assert found.startswith("sources/fake: fake.pkl: is conditional on 3 classes; set `label`")
    config["sources"]["fake"]["label"] = 2
    _, sources = check(config)
    assert sources["fake"]["resolution"] == (16, 16)
    Path("damaged.pkl").write_bytes(Path("fake.pkl").read_bytes()[:2000])
    (found,) = faults_of(config | {"sources": config["sources"] | {
        "fake": config["sources"]["fake"] | {"path": "damaged.pkl"}
    }})  # fmt: skip
    assert found.startswith("sources/fake: damaged.pkl: ends too early")

    def fail(*_: object) -> None:
        raise AssertionError("it was tried before")

    monkeypatch.setattr(GeneratedSource, "read", fail)
    assert check(config)[1] == sources


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_a_generator_with_an_alpha_channel_is_reported_with_other_faults(
    config: dict[str, Any],
) -> None:
    class WithAlpha(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.z_dim = 4

        def forward(self, latents: torch.Tensor) -> torch.Tensor:
            return latents.tanh()[:, :, None, None].expand(-1, 4, 16, 16)

    torch.jit.save(torch.jit.script(WithAlpha()), "fake.pt")
    config["sources"]["fake"] = {"kind": "generator", "path": "fake.pt", "count": 80}
    (found,) = faults_of(config)
    assert found.startswith("sources/fake: fake.pt: its images have 4 channels")
    config["evaluation"]["n_real"] = "twelve"
    assert any(one.startswith("sources/fake: fake.pt: its images") for one in faults_of(config))


@pytest.mark.parametrize("kind", [AttributeError, KeyError, TypeError, ValueError])
def test_an_unexpected_error_of_a_source_is_raised(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def fail(*_: object) -> None:
        raise kind("a bug")

    write_stylegan2_pickle("fake.pkl", resolution=16)
    config["sources"]["fake"] = {"kind": "generator", "path": "fake.pkl", "count": 80}
    monkeypatch.setattr(GeneratedSource, "read", fail)
    config["evaluation"]["n_real"] = "twelve"  # a fault, but not of the source
    with pytest.raises(kind, match="a bug") as caught:
        check(config)
    assert caught.value.__notes__ == ["while sources/fake was opened"]
    # If a fault of this source is known, no error is raised.
    config["sources"]["fake"]["count"] = "eighty"
    assert any(
        one.startswith("sources/fake/count: 'eighty' is not a whole") for one in faults_of(config)
    )
    config["sources"]["fake"] = ["fake.pkl"]
    assert any(
        one.startswith("sources/fake: ['fake.pkl'] is not a section") for one in faults_of(config)
    )


def test_a_fringe_error_of_a_check_is_listed_as_a_fault() -> None:
    def find() -> list[str]:
        raise FringeError("network 'a' is unknown")

    assert where_named(["run: missing"], find) == ["network 'a' is unknown"]
    assert where_named([], find) == ["network 'a' is unknown"]
    assert where_named(["controls: network 'a' is unknown"], find) == []


def test_float16_is_refused_for_a_generator_without_it(config: dict[str, Any]) -> None:
    write_stylegan2_pickle("half.pkl", resolution=16, num_fp16_res=1)
    half = {"kind": "generator", "path": "half.pkl", "count": 80, "fp16": True}
    config["sources"]["fake"] = half
    with_float16 = check(config)[1]["fake"]
    config["sources"]["fake"] = half | {"fp16": False}
    assert check(config)[1]["fake"]["fingerprint"] != with_float16["fingerprint"]
    write_fastgan_pickle("fast.pkl")
    config["sources"]["fake"] = half | {"path": "fast.pkl"}
    (found,) = faults_of(config)
    assert found == (
        "sources/fake: fast.pkl: no part of this fastgan was trained in float16; choose precision "
        "'float32' (`fp16: false`)"
    )


def test_labels_follow_the_real_images(config: dict[str, Any]) -> None:
    def label(classes: list[int], path: str = "real.zip") -> None:
        write_zip(Path(path), 12)
        pairs = [[f"{number:02d}.png", one] for number, one in enumerate(classes)]
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("dataset.json", json.dumps({"labels": pairs}))

    write_stylegan2_pickle("classes.pkl", resolution=16, c_dim=3)
    fake = {"kind": "generator", "path": "classes.pkl", "count": 80, "label": "dataset"}
    config["sources"]["fake"] = fake
    (found,) = faults_of(config)
    assert found.startswith(
        "sources/fake: real.zip: has no labels, whose frequencies `label: dataset` uses"
    )
    label([0, 1] * 6)
    completed, sources = check(config)
    source = images.open_configured(completed, "fake")
    assert isinstance(source, GeneratedSource)
    assert source.class_counts == [6, 6]
    made = sources["fake"]["fingerprint"]
    # Equal class counts and fewer used images: the same images are made.
    label([1] * 6 + [0] * 6)
    config["sources"]["real"]["count"] = 11
    config["evaluation"]["n_real"] = 11
    assert check(config)[1]["fake"]["fingerprint"] == made
    label([0] * 3 + [2] * 9)
    assert check(config)[1]["fake"]["fingerprint"] != made
    label([0] * 11 + [3])
    (found,) = faults_of(config)
    assert found.startswith("sources/fake: classes.pkl: has classes 0 to 2, but the labels of the")
    label([0] * 11 + [-1])
    (found,) = faults_of(config)
    assert found.startswith("sources/fake: real.zip!dataset.json: its labels are not classes")
    # Snapshots use the same labels.
    label([2] * 12)
    Path("training").mkdir()
    for number in range(3):
        write_stylegan2_pickle(
            f"training/network-snapshot-{number:06d}.pkl", resolution=16, c_dim=3
        )
    config["sources"]["training"] = fake | {"path": "training"}
    config["datasets"]["faces"]["snapshots"] = ["training"]
    completed, _ = check(config)
    snapshot = images.open_configured(completed, "training-000001")
    assert isinstance(snapshot, GeneratedSource)
    assert snapshot.class_counts == [0, 0, 12]


def test_images_of_two_sizes_are_not_compared(config: dict[str, Any]) -> None:
    config["sources"]["fake"]["resolution"] = 32
    (found,) = faults_of(config)
    assert found.startswith("datasets/faces: images of fake have 32 x 32 pixels, but real images")
    assert found.endswith("`resolution` of a source of files (--resolution of `fringe compare`)")


def test_held_out_images_are_checked(config: dict[str, Any]) -> None:
    config["sources"]["held"] = {"kind": "imitation", "count": 50, "resolution": 32}
    comparison = {"generators": {"One": "faces"}, "held_out": "held"}
    config["comparisons"] = {"one": comparison}
    (found,) = faults_of(config)
    assert found.startswith("comparisons/one/held_out: images of held have 32 x 32 pixels, but ")
    config["sources"]["held"]["resolution"] = 16
    completed, sources = check(config)
    assert "held" in sources
    assert choices.networks_of_source(completed, "held") == choices.networks_of_comparison(
        completed
    )
    comparison["held_out"] = "helt"
    (found,) = faults_of(config)
    assert found.startswith("comparisons/one/held_out: no source is named 'helt'")
    comparison["held_out"] = "real"
    (found,) = faults_of(config)
    assert found.startswith("comparisons/one/held_out: real are the real images themselves")


def test_the_same_images_under_two_names_are_a_fault(config: dict[str, Any]) -> None:
    shutil.copyfile("real.zip", "copy.zip")
    config["sources"] |= {"copy": {"path": "copy.zip"}, "other": {**config["sources"]["fake"]}}
    config["sources"]["other"]["seed"] = 5
    config["datasets"] |= {
        "a": {"real": "real", "generated": "copy", "resample": False},
        "b": {"real": "real", "generated": "other", "resample": False},
    }
    config["comparisons"] = {"pair": {"generators": {"a": "a", "b": "b"}}}
    assert any(
        fault.startswith("comparisons/pair: real and copy have the same images")
        for fault in faults_of(config)
    )


def test_only_needed_networks_are_used_for_a_data_set(config: dict[str, Any]) -> None:
    config["controls"] = ["swav", "clip"]
    config["datasets"] |= {
        "other": {"real": "real", "generated": "fake", "alternatives": ["resnet50"]},
        "pair": {"real": "real", "generated": "fake", "resample": False},
    }
    config["comparisons"] = {"two": {"generators": {"One": "faces", "Two": "pair"}}}
    completed, _ = check(config)
    main = "efficientnet-lite0"
    assert choices.networks_of_run(completed) == [main, "swav", "clip", "resnet50", "vgg16"]
    assert choices.networks_of_dataset(completed, "faces") == [main, "swav", "clip", "vgg16"]
    assert choices.networks_of_dataset(completed, "other") == [main, "swav", "clip", "resnet50"]
    assert choices.networks_of_dataset(completed, "pair") == [main, "swav", "clip", "vgg16"]
    assert choices.networks_of_source(completed, "fake") == [
        main,
        "swav",
        "clip",
        "vgg16",
        "resnet50",
    ]
    completed = changed(completed, {"datasets/pair/snapshots": ["early"]})
    assert choices.networks_of_source(completed, "early") == [main]


def test_kept_images_are_read_if_they_are_up_to_date(
    config: dict[str, Any], tmp_path: Path
) -> None:
    completed, _ = check(config)
    completed = changed(completed, {"results": str(tmp_path / "results")})
    source = images.open_configured(completed, "fake")
    folder = tmp_path / "results" / "run" / "images" / "fake"
    for (first, last), made_from in zip(
        ((0, 50), (50, 100)), (source.fingerprint_of(0, 50), "other"), strict=True
    ):
        path = folder / f"{layout.shard_name(first, last)}.h5"
        render_shard(source, first, last, path, {"images": made_from})
    (folder / ".0000000-0000100.7.part.h5").touch()
    opened = images.open_images(completed, "fake")
    assert isinstance(opened, KeptImages)
    assert [shard.first for shard in opened.shards] == [0]
    assert np.array_equal(opened.read([3, 70]), source.read([3, 70]))
    assert not isinstance(images.open_images(completed, "real"), KeptImages)
    completed = changed(completed, {"extraction/keep_images": False})
    assert not isinstance(images.open_images(completed, "fake"), KeptImages)


def test_a_strict_source_refuses_features_of_damaged_images(
    config: dict[str, Any],
) -> None:
    config["extraction"] = {"batch_size": 5, "shard_size": 5}
    config["sources"]["real"]["strict"] = True
    _, sources = check(config)
    (name, images), (other, _) = list(sources["real"]["shards"].items())[1:]
    warned = [("real.zip!06.jpg", "Corrupt JPEG data: bad Huffman code")]

    def write(shard: str, **about: str | int) -> None:
        path = Path("results/run/features/real/tiny", f"{shard}.h5")
        with create_h5(path, about) as file:
            file["features"] = np.zeros((5, 3), np.float32)

    write(name, images=images)  # written by an earlier version, which did not count damage
    write(other, images="others", **as_attributes(warned))  # of images that have been replaced
    check(config)
    write(name, images=images, **as_attributes(warned))
    (fault,) = faults_of(config)
    assert fault == (
        "sources/real/strict: of its images that already have features, 1 image of 5 had damaged "
        "data that could still be decoded (real.zip!06.jpg: Corrupt JPEG data: bad Huffman code);"
        " replace or remove the damaged images, or drop `strict`"
    )
    config["sources"]["real"]["strict"] = False
    check(config)


def test_a_damaged_npz_is_a_fault_before_any_job(config: dict[str, Any]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), np.uint8)
    np.savez("real.npz", images)
    config["sources"]["real"]["path"] = "real.npz"
    check(config)
    content = bytearray(Path("real.npz").read_bytes())
    content[content.index(images[5].tobytes())] ^= 1
    Path("real.npz").write_bytes(content)
    (fault,) = faults_of(config)
    assert fault.startswith("sources/real: real.npz: is damaged")
    assert "Bad CRC-32" in fault


def test_a_compressed_array_is_read_from_its_unpacked_copy(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 24, 3), np.uint8)
    np.savez_compressed("real.npz", pixels)
    config["sources"]["real"] = {"path": "real.npz", "count": 12, "resolution": 16}
    completed, sources = check(config)
    assert sources["real"]["packed"].size == pixels.size
    assert sources["fake"]["packed"] is None
    expected = images.open_configured(completed, "real").read(range(12))
    place = Path(layout.run_folder(completed), layout.unpacked_images("real"))
    unpack(images.open_configured(completed, "real"), place)
    for read in ("_open_pixels", "_read_to_the_end"):  # so decompression is impossible
        monkeypatch.setattr(f"fringe.sources.npz.{read}", pytest.fail)
    for source in (
        images.open_configured(completed, "real"),
        images.open_images(completed, "real"),
    ):
        assert np.array_equal(source.read(range(12)), expected)
    with images.open_shard(completed, "real", None) as source:
        assert np.array_equal(source.read([7, 3]), expected[[7, 3]])
    assert check(config)[1] == sources


def test_the_count_all_is_resolved_when_sources_are_opened(config: dict[str, Any]) -> None:
    """With `all`, images are in the order of the files, as with a number."""
    config["evaluation"] = {"n_real": "all", "n_generated": "all"}
    counted, sources = check(config)
    faces = counted.datasets["faces"]
    assert (faces.n_real, faces.n_generated) == (12, 100)
    assert counted.least == {"real": 12}
    assert sources["real"]["drawn_from"] is None
    written, _ = check(config | {"evaluation": {"n_real": 12, "n_generated": 100}})
    assert written.datasets == counted.datasets
    assert RunConfig.model_validate(counted.plain()).datasets == counted.datasets, "in a job"


def test_a_source_too_small_for_a_protocol_names_the_protocol(config: dict[str, Any]) -> None:
    del config["network"], config["evaluation"]
    (fault,) = faults_of(config | {"protocol": "adm"})
    assert fault.startswith("datasets/faces/n_generated: 50000 images are needed")
    assert "(protocol adm uses 50,000; tables report a smaller" in fault
    config["evaluation"] = {"n_generated": 60_000}
    (fault,) = faults_of(config | {"protocol": "adm"})
    assert "protocol" not in fault, "the user gave the number"


def test_an_opened_run_has_the_keys_that_jobs_read(
    config: dict[str, Any],
) -> None:
    run = opening.open_run(config)
    completed, sources = check(config)
    assert (run.sources, run.in_job) == (sources, False)
    added = {name: getattr(run.config, name) for name in ("captions", "choices", "planned")}
    assert run.config == completed.model_copy(update=added)
    assert run.config.captions["figure4a-faces"].startswith("How often each ImageNet class")
    assert added["planned"]["sources/real"] == sources["real"]["fingerprint"]
    assert "docs/paper.md" in added["choices"]["table1"]
    assert run.folder == f"{completed.results}/run"


def test_a_job_ends_if_data_changed_since_planning(config: dict[str, Any]) -> None:
    run = opening.open_run(config)
    Path(run.folder).mkdir(parents=True, exist_ok=True)
    note_plan(Path(run.folder), run.config.planned)
    assert opening.open_run(config, in_job=True).sources == run.sources
    config["sources"]["fake"]["seed"] = 9
    with pytest.raises(FringeError, match="sources/fake: its data changed during the run"):
        opening.open_run(config, in_job=True)
    opening.open_run(config)  # a separate run
