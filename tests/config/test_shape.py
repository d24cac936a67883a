"""Tests of the check of a configuration against its model."""

from __future__ import annotations

import copy
import re
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from fringe.config.completion import complete
from fringe.config.model import Config, RunConfig
from fringe.config.shape import check_shape
from fringe.config.sources import FilesSource, GeneratorSource, opening_keys

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIG: dict[str, Any] = {
    "run": "run",
    "network": "efficientnet-lite0",
    "controls": ["untrained", "clip"],
    "sources": {
        "real": {"path": "real.zip"},
        "fake": {"kind": "generator", "path": "g.pkl", "count": 100, "truncation": 1},
        "more": {"kind": "imitation", "count": 100, "resolution": 32},
    },
    "datasets": {
        "faces": {"real": "real", "generated": "fake"},
        "crops": {"real": "real", "generated": "more", "resample": False},
    },
    "comparisons": {"both": {"generators": {"a": "faces", "b": "crops"}}},
}


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    config = copy.deepcopy(CONFIG)
    for trail, value in changes:
        *above, last = trail.split("/")
        place = config
        for key in above:
            place = place.setdefault(key, {})
        place[last] = value
    return config


def completed(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with its defaults, as plain values."""
    plain = complete(config).config.plain()
    return {key: plain[key] for key in Config.model_fields if key in plain}


def test_a_valid_configuration_is_an_object_of_the_model() -> None:
    checked = check_shape(completed(CONFIG))
    assert (checked.faults, checked.wrong) == ([], frozenset())
    config = checked.config
    assert isinstance(config.sources["real"], FilesSource)
    assert isinstance(config.sources["fake"], GeneratorSource)
    assert config.extraction.keep_images is True
    assert config.datasets["faces"].title == "faces"
    assert config.datasets["faces"].n_real == config.evaluation.n_real == 50_000


def test_numbers_keep_their_type() -> None:
    """Params of jobs contain numbers, and 1.0 instead of 1 would make results stale."""
    changes = ("optimization", {"tolerance": 1, "released": {"merge": 0.5}})
    config = complete(changed(changes)).config
    assert repr(config.optimization.tolerance) == "1"
    assert repr(config.optimization.released.learning_rate) == "10"
    assert repr(config.evaluation.gamma_factors) == "[0.125, 0.25, 0.5, 1, 2, 4, 8]"
    source = config.sources["fake"]
    assert isinstance(source, GeneratorSource)
    assert repr(source.truncation) == "1"


def test_keys_keep_their_order() -> None:
    """Params of jobs contain whole sections, and another order would make results stale."""
    written = {"tolerance": 1, "released": {"merge": 0.5, "steps": 3}, "method": "auto"}
    config = complete(changed(("optimization", written))).config
    found = config.optimization.plain()
    assert list(found) == ["tolerance", "released", "method", "evaluations"]
    assert list(found["released"]) == ["merge", "steps", "learning_rate"]
    again = RunConfig.model_validate(config.plain())
    assert repr(again.optimization.plain()) == repr(found)


def test_rules_read_keys_that_exist() -> None:
    """Mypy does not check the keys in the rules."""
    config = complete(CONFIG).config
    files = [REPOSITORY / "Snakefile", *(REPOSITORY / "rules").glob("*.smk")]
    text = "\n".join(path.read_text() for path in files)
    chains = re.findall(r"\bRUN\.config\.([\w.]*\w)", text)
    assert len(chains) > 5
    for chain in chains:
        reduce(getattr, chain.split("."), config)
    assert not re.search(r"\bconfig\[", text)


@pytest.mark.parametrize("value", [True, "1", None, float("nan"), -1])
def test_an_invalid_number_is_refused(value: object) -> None:
    for key in ("optimization/tolerance", "extraction/minutes_per_job", "sources/fake/truncation"):
        config = completed(CONFIG)
        *above, last = key.split("/")
        place = config
        for name in above:
            place = place[name]
        place[last] = value
        (fault,) = check_shape(config).faults
        assert fault.startswith(f"{key}: ")


def test_faults_of_one_key_and_of_several_keys_are_found_together() -> None:
    changes = (
        ("extraction/shard_size", 120),
        ("extraction/workers", "many"),
        ("sources/real/unpack", "cat"),
        ("sources/real/seed", -1),
        ("datasets/crops/checks", {"loss": 1}),
    )
    checked = complete(changed(*changes))
    assert sorted(fault.partition(":")[0] for fault in checked.faults) == [
        *("datasets/crops/checks", "extraction/shard_size", "extraction/workers"),
        *("sources/real/seed", "sources/real/unpack"),
    ]
    assert checked.config.extraction.workers == 0


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        # Removing these values leaves a source without a key, a name without a target, ...
        (("sources/fake/count", "many"), "sources/fake/count: 'many' is not a whole number"),
        (("sources/fake", 3), "sources/fake: 3 is not a section with keys"),
        (("sources/fake/kind", "photo"), "sources/fake/kind: 'photo' is not one of"),
        (("controls", ["clip", "clip"]), "controls: ['clip', 'clip'] has a duplicate"),
        (("datasets/crops", []), "datasets/crops: [] is not a section with keys"),
        (("evaluation", 3), "evaluation: 3 is not a section with keys"),
        (("evaluation/n_real", 1), "evaluation/n_real: 1 is less than the minimum of 2"),
        (("network", 3.5), "network: 3.5 is read as a number, but must be text"),
        (("run", "My run"), "run: 'My run' is not valid"),
        (("extraction/batch_size", -7), "extraction/batch_size: -7 is less than the minimum"),
        (("sources/real/path", ""), "sources/real/path: '' is empty"),
    ],
)
def test_removed_values_cause_no_other_faults(change: tuple[str, Any], fault: str) -> None:
    asked = ("sensitivity/networks", ["clip"])
    checks = ("datasets/faces/checks", {"distances": {"clip": 1}})
    _, faults, _ = complete(changed(asked, checks, change))
    assert len(faults) == 1, faults
    assert faults[0].startswith(fault)


def test_names_are_checked_in_the_valid_part() -> None:
    changes = (
        ("run", "My run"),
        ("sources/more/count", "many"),
        ("datasets/faces/real", "rael"),
        ("sensitivity/networks", ["swav"]),
    )
    _, faults, _ = complete(changed(*changes))
    assert [fault.partition(":")[0] for fault in faults] == [
        *("run", "sources/more/count", "datasets/faces/real"),
        *("comparisons/both/generators", "sensitivity/networks"),
    ]


def test_a_source_has_only_the_keys_of_its_kind() -> None:
    config, faults, _ = complete(CONFIG)
    assert faults == []
    assert config.sources["more"].plain() == {
        "kind": "imitation", "count": 100, "resolution": 32, "statistics": {}, "seed": 0,
        "framing": "free", "severity": 0.8,
    }  # fmt: skip
    assert opening_keys("imitation") == ["count", "resolution", "seed", "framing", "severity"]
    assert opening_keys("files")[:3] == ["path", "count", "resolution"]
