"""Tests of the completion of configurations, which finds all faults at once."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

import fringe
from fringe.config.completion import complete, raise_faults
from fringe.config.document import describe
from fringe.config.rules import rules, walk
from fringe.errors import FringeError

CONFIG: dict[str, Any] = {
    "run": "run",
    "network": "efficientnet-lite0",
    "controls": ["untrained"],
    "sources": {
        "real": {"path": "real.zip"},
        "fake": {"kind": "imitation", "count": 100, "resolution": 32},
    },
    "datasets": {"faces": {"real": "real", "generated": "fake"}},
}


def changed(*keys: str | int, to: Any) -> dict[str, Any]:
    config = copy.deepcopy(CONFIG)
    place: Any = config
    for key in keys[:-1]:
        place = place.setdefault(key, {}) if isinstance(place, dict) else place[key]
    place[keys[-1]] = to
    return config


def test_defaults_are_filled_in_at_every_depth() -> None:
    written = changed("evaluation", "repeats", "table1", to=3)
    config, faults, _ = complete(written)
    completed = config.plain()
    assert faults == []
    assert completed["evaluation"]["repeats"] == {
        "table1": 3,
        "table2": 10,
        "table3": 10,
        "sweep": 3,
        "sizes": 10,
        "recall": 1,
        "metrics": 3,
    }
    assert completed["sources"]["fake"]["severity"] == 0.8
    assert completed["datasets"]["faces"] == {
        "title": "faces",
        "real": "real",
        "generated": "fake",
        "snapshots": [],
        "n_real": 50000,
        "n_generated": 50000,
        "sizes": [],
        "resample": True,
        "alternatives": [],
    }
    assert "evaluation" not in CONFIG, "the user's own config is left as it is"


def test_a_data_set_overrides_the_counts() -> None:
    completed, *_ = complete(changed("datasets", "faces", "n_real", to=7))
    assert completed.datasets["faces"].n_real == 7


@pytest.mark.parametrize(
    ("keys", "value", "fault"),
    [
        (["sorces"], {}, "top level: unknown key sorces; known here: "),
        (["evaluation", "n_rael"], 5, "evaluation: unknown key n_rael; known here: "),
        (["sources", "fake", "sevrity"], 1, "sources/fake: unknown key sevrity; known here: "),
        (["seed"], "one", "seed: 'one' is not a whole number"),
        (["seed"], -1, "seed: -1 is less than the minimum of 0"),
        (["run"], "My Run", "run: 'My Run' is not valid: lower-case letters"),
        (["controls"], ["clip", "clip"], "controls: ['clip', 'clip'] has a duplicate"),
        (["schemes", "top"], [1, 5, 1], "schemes/top: [1, 5, 1] has a duplicate"),
        (["evaluation", "repeats", "table1"], 0, "evaluation/repeats/table1: 0 is less than"),
        (["evaluation", "gamma_factors"], [2], "evaluation/gamma_factors: [2] does not contain"),
        (["sources", "fake", "kind"], "photo", "sources/fake/kind: 'photo' is not one of"),
        (["controls"], ["efficientnet-lite0"], "controls: efficientnet-lite0 is FID's network"),
        (["datasets", "faces", "real"], "rael", "datasets/faces/real: no source is named 'rael'"),
        (["datasets", "faces", "checks"], {"distances": {"clip": 2.75}},
         "datasets/faces/checks/distances: clip is neither `network` nor a control"),
        (["sources", "fake", "url"], "https://x.org/a", "sources/fake/url: a source of kind"),
        (["sources", "real", "url"], "x.org/a",
         "sources/real/url: 'x.org/a' is not valid: an address that begins with http"),
        (["results"], "out{a}", "results: 'out{a}' is not valid: Snakemake would read braces"),
        (["device"], "gpu", "device: 'gpu' is not valid: auto, cpu, cuda or cuda:1"),
        (["run"], "FFHQ 256",
         "run: 'FFHQ 256' is not valid: lower-case letters, digits, - and _, beginning with a "
         "letter or digit; for example ffhq-256"),
        (["datasets", "faces", "region"], 3.5, "datasets/faces/region: 3.5 is"),
        (["sources", "real"], {"path": "a-{0..3}.tar", "url": "https://x.org/a"},
         "sources/real/url: is the address of one file, but a-{0..3}.tar is a pattern"),
        (["sources", "real", "unpack"], "cat", "sources/real/unpack: names a folder of the"),
        (["missing"], "ignore", "missing: 'ignore' is not one of"),
        (["datasets", "Faces"], {}, "datasets: 'Faces' is not valid: lower-case letters"),
        (["sources", "real", "path"], 3, "sources/real/path: 3 is read as a number, but"),
        (["sources", "real"], {}, "sources/real/path: missing; a source of kind files needs it"),
        (["sources", "fake", "path"], "x", "sources/fake/path: only for kind files"),
        (["sources", "fake", "fp16"], True, "sources/fake/fp16: only for kind generator; drop it"),
        (["sources", "fake", "range"], [0, 1], "sources/fake/range: only for kind generator"),
        (["sources", "fake"], {"kind": "generator", "path": "g.pt", "count": 9, "range": [0]},
         "sources/fake/range: [0] is too short"),
        (["sources", "fake"], {"kind": "generator", "path": "g.pt", "count": 9, "label": "real"},
         "sources/fake/label: 'real' is not one of ['balanced', 'uniform', 'dataset']"),
        (["convergence", "datasets"], ["x"], "convergence/datasets: no resampled data set"),
        (["sensitivity", "datasets"], ["x"], "sensitivity/datasets: no resampled data set"),
        (["sensitivity", "networks"], ["clip"], "sensitivity/networks: clip is not a control"),
        (["datasets", "faces", "examples"], {"seeds": [5, 0]},
         "datasets/faces/examples/seeds: 0 is the seed of fake itself"),
        (["datasets", "faces", "examples"], {"seeds": [2**32]},
         "datasets/faces/examples/seeds/0: 4294967296 is greater than the maximum"),
        (["datasets", "faces", "examples"], {"seeds": [1], "images": [0]},
         "datasets/faces/examples: "),
        (["datasets", "faces", "grid"], {"seed": 0},
         "datasets/faces/grid/seed: 0 is the seed of fake itself"),
        (["datasets", "faces", "grid"], {"seed": 2**32 - 39}, "datasets/faces/grid/seed: "),
        (["datasets", "faces", "grid"], {"images": [1, 1]}, "datasets/faces/grid/images: "),
        (["datasets", "faces", "grid"], {"seed": 1, "images": [0]}, "datasets/faces/grid: "),
        (["figures", "seed"], -1, "figures/seed: -1 is less than the minimum of 0"),
        (["datasets", "faces", "region"], [0, 0, 1], "datasets/faces/region: "),
        (["convergence", "steps"], -1, "convergence/steps: -1 is less than the minimum of 0"),
        (["extraction", "shard_size"], 120, "extraction/shard_size: 120 is not a multiple of"),
    ],
)  # fmt: skip
def test_a_fault_begins_with_its_key(keys: list[str], value: Any, fault: str) -> None:
    _, faults, _ = complete(changed(*keys, to=value))
    assert [found for found in faults if found.startswith(fault)], faults
    # A name that breaks the rule for names is a data set, too; its keys are missing.
    assert len(faults) == (3 if value == {} and keys[0] == "datasets" else 1), faults


@pytest.mark.parametrize("key", ["run", "network", "sources", "datasets"])
def test_message_names_a_missing_key(key: str) -> None:
    config = {name: value for name, value in CONFIG.items() if name != key}
    _, faults, _ = complete(config)
    assert f"top level: key {key} is missing; add it" in faults


@pytest.mark.parametrize(
    ("key", "asked", "fault"),
    [("examples", {"seeds": [5]}, "examples/seeds"), ("grid", {"seed": 5}, "grid/seed")],
)
def test_images_of_files_have_no_seeds(key: str, asked: dict[str, Any], fault: str) -> None:
    config = changed("datasets", "faces", key, to=asked)
    config["datasets"]["faces"]["generated"] = "real"
    (found,) = complete(config)[1]
    assert found.startswith(f"datasets/faces/{fault}: real is a source of files")


@pytest.mark.parametrize(
    "key",
    [
        *("sources", "datasets", "evaluation", "extraction", "controls", "convergence"),
        "sensitivity",
    ],
)
@pytest.mark.parametrize("value", [None, 3, "text", ["a"], {"a": None}])
def test_a_value_of_any_type_gets_a_message(key: str, value: Any) -> None:
    _, faults, _ = complete(changed(key, to=value))
    assert faults or (key, value) == ("controls", ["a"])


# A value for every key that is a path, and those that are text of other kinds.
PATHS = {
    "results": "R",
    "weights_dir": "W",
    "data_dir": "D",
    "container": "C",
    "weights": {"clip": "K", "swav": {"path": "S", "sha256": "0" * 64}},
    "sources": {
        "real": {"path": "P", "statistics": {"clip": {"path": "N", "count": 2}}},
        "fake": {"kind": "diffusers", "path": "F", "count": 100, "prompts": "T"},
    },
    "datasets": {"faces": {"real": "real", "generated": "fake", "region": "M"}},
}
NO_PATHS = {
    "run", "device", "network", "controls", "url", "sha256", "unpack", "licence", "size", "note",
    "crop", "title", "real", "generated", "snapshots", "alternatives", "datasets", "networks",
    "classes", "classifier", "differs", "generators", "held_out", "ignore", "label_column",
    "metric_schemes", "metrics", "null_spaces", "select", "source", "statistics", "trained_with",
}  # fmt: skip
NO_PATHS |= {"function", "settings", "scheduler"}  # keys of sources that make images


def texts(rule: Any, key: str = "") -> list[tuple[str, bool]]:
    """Return every key that may have a text, and whether the text is a path."""
    is_text = rule.get("type") == "string" and not {"enum", "const"} & set(rule)
    found = [(key, rule.get("format") == "path")] if is_text else []
    for name, one in rule.get("properties", {}).items():
        found += texts(one, name)
    for one in (rule.get("additionalProperties"), rule.get("items"), *rule.get("anyOf", ())):
        found += texts(one, key) if isinstance(one, dict) else []
    return found


def test_every_text_is_a_path_or_listed_as_no_path() -> None:
    """A new key that names a file or folder needs `format: path`, or must be listed above."""
    assert {key for key, is_path in texts(rules()) if not is_path} == NO_PATHS
    config = copy.deepcopy({**CONFIG, **PATHS})
    walked = {place.keys[-1] for place in walk(config) if place.is_path}
    paths = {key for key, is_path in texts(rules()) if is_path}
    assert walked - {"clip", "swav"} == paths - {"weights"}, "weights by the name of a network"
    assert {"clip", "swav", "path", "region", "results", "container"} <= walked


def test_a_home_is_expanded_in_every_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    config = copy.deepcopy({**CONFIG, **PATHS})
    for place in walk(config):
        if place.is_path and isinstance(place.value, str):
            place.replace(f"~/{place.value}")
    completed, faults, _ = complete(config)
    assert faults == []
    found = [p.value for p in walk(completed.plain()) if p.is_path and isinstance(p.value, str)]
    assert sorted(found) == [f"/home/me/{letter}" for letter in "CDFKMNPRSTW"]
    # Relative paths of data are joined to the data folder.
    config["sources"]["real"]["path"] = "P"
    assert complete(config)[0].plain()["sources"]["real"]["path"] == "/home/me/D/P"
    # Addresses do not change.
    config["container"] = "docker://me/fringe"
    assert complete(config).config.container == "docker://me/fringe"


def test_a_path_may_name_a_file_of_the_package() -> None:
    config = copy.deepcopy({**CONFIG, **PATHS})
    config["sources"]["real"]["path"] = "fringe:generators/g.safetensors"
    folder = Path(fringe.__file__).parent
    found = complete(config)[0].plain()["sources"]["real"]["path"]
    assert found == str(folder / "generators" / "g.safetensors")


def test_the_home_of_an_unknown_user_is_refused() -> None:
    _, faults, _ = complete(changed("results", to="~nobody-of-this-name/results"))
    (fault,) = faults
    assert fault.startswith("results: ~nobody-of-this-name/results: this machine does not know")


def test_variables_in_paths_are_refused(tmp_path: Path) -> None:
    """They may have other values on other machines. A folder with such a name is accepted."""
    config = changed("results", to="$SCRATCH/results")
    config["data_dir"] = str(tmp_path)
    config["sources"]["real"]["path"] = "${DATA}/real.zip"
    config["container"] = "a$1"
    _, faults, _ = complete(config)
    assert sorted(fault[: fault.index(" are not")] for fault in faults) == [
        "container: a$1: variables such as $1",
        "results: $SCRATCH/results: variables such as $SCRATCH",
        f"sources/real/path: {tmp_path}/${{DATA}}/real.zip: variables such as ${{DATA}}",
    ]
    (tmp_path / "${DATA}").mkdir()
    (tmp_path / "${DATA}" / "real.zip").touch()
    assert len(complete(config)[1]) == 2


def test_faults_of_all_kinds_are_found_together() -> None:
    config = changed("sorces", to={})
    config["sources"]["real"] = {}
    config["datasets"]["faces"]["generated"] = "faek"
    config["controls"] = ["efficientnet-lite0"]
    _, faults, _ = complete(config)
    assert [fault.split(":")[0] for fault in faults] == [
        "top level", "sources/real/path", "datasets/faces/generated", "controls"
    ]  # fmt: skip


def test_names_are_checked_even_if_all_sources_are_wrong() -> None:
    config = changed("datasets", "faces", "generated", to="faek")
    config["sources"] = {"real": {"kind": "photo"}, "fake": {"kind": "photos", "count": "many"}}
    faults = complete(config).faults
    assert {fault.partition(":")[0] for fault in faults} == {
        *("sources/real/kind", "sources/fake/count", "sources/fake/resolution"),
        "datasets/faces/generated",
    }


def test_one_message_lists_all_faults() -> None:
    raise_faults([])
    with pytest.raises(FringeError, match=r"has 1 fault:\n  - a: b$"):
        raise_faults(["a: b"])
    with pytest.raises(FringeError, match=r"has 2 faults:\n  - a: b\n  - c: d$"):
        raise_faults(["a: b", "c: d"])


def test_the_description_names_every_key() -> None:
    rows = [row for row in describe().splitlines() if row.startswith("| `")]
    for start, end in (
        ("| `run` | Name of the run.", " | string | required |"),
        ("| `extraction/keep_images` | Store", " | boolean | `true` |"),
        ("| `sources/<name>/severity` |", " | number, 0 to 2 | `0.8` |"),
    ):
        assert any(row.startswith(start) and row.endswith(end) for row in rows), start


def test_label_rule_dataset_needs_exactly_one_real_source() -> None:
    generator = {"kind": "generator", "path": "g.pkl", "count": 120, "label": "dataset"}
    config = changed("sources", "fake", to=generator)
    config["datasets"]["faces"]["snapshots"] = []
    assert complete(config)[1] == []
    config["sources"]["cats"] = {"path": "cats.zip"}
    config["datasets"]["cats"] = {"real": "cats", "generated": "fake"}
    (fault,) = complete(config)[1]
    assert fault == (
        "sources/fake/label: `dataset` would mean the labels of several sources (real in faces, "
        "cats in cats); add one generator source for each of them, with the same path"
    )
    config["sources"]["cats"] = {"kind": "photos", "count": 120, "resolution": 32}
    config["datasets"]["faces"]["real"] = "cats"
    (fault,) = complete(config)[1]
    assert fault == (
        "sources/fake/label: `dataset` means the labels of cats, whose images are not in files "
        "and have no labels; write a class, `balanced` or `uniform`"
    )
    config["datasets"] = {"faces": {"real": "fake", "generated": "cats"}}
    (fault,) = complete(config)[1]
    assert fault.startswith("sources/fake/label: `dataset` means the labels of real images, but no")


def test_null_spaces_must_be_controls() -> None:
    assert complete(changed("null_spaces", to=["untrained"])).faults == []
    (fault,) = complete(changed("null_spaces", to=["clip"])).faults
    assert str(fault).startswith("null_spaces: clip is not a control; the controls are untrained")
