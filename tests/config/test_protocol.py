"""Tests of the key `protocol`, which sets the defaults of missing keys."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fringe.config.all_images import differing_counts, with_counts
from fringe.config.completion import complete
from fringe.config.fields import ALL_IMAGES

CONFIG: dict[str, Any] = {
    "run": "run",
    "sources": {
        "real": {"path": "real.zip"},
        "fake": {"kind": "imitation", "count": 100, "resolution": 32},
        "other": {"kind": "imitation", "count": 90, "resolution": 32},
    },
    "datasets": {
        "faces": {"real": "real", "generated": "fake"},
        "pair": {"real": "real", "generated": "other", "n_generated": 50_000},
    },
}
COUNTS: dict[str, dict[str, Any]] = {
    "real": {"count": 70},
    "fake": {"count": 100},
    "other": {"count": 90},
}


def completed(**changes: Any) -> Any:
    config, faults, _ = complete(copy.deepcopy(CONFIG) | changes)
    assert faults == []
    return config


def test_a_protocol_sets_missing_keys() -> None:
    config = completed(protocol="dgm-eval")
    assert config.network == "inception-pytorch-fid"
    assert config.controls == ["dinov2-l"]
    assert config.evaluation.precision_recall.k == 5
    assert config.evaluation.precision_recall.network == "dinov2-l"
    assert config.evaluation.metrics[:2] == ["fid", "kid"]
    assert config.evaluation.precision_recall.dtype == "float32", "the usual default"
    assert config.datasets["faces"].n_real == 50_000


def test_written_keys_override_the_protocol() -> None:
    config = completed(
        protocol="dgm-eval",
        network="inception",
        controls=["clip"],
        evaluation={"n_real": 10, "precision_recall": {"k": 3}},
    )
    assert config.network == "inception"
    assert config.controls == ["clip"]
    assert config.evaluation.precision_recall.k == 3
    assert config.evaluation.precision_recall.network == "dinov2-l"
    assert config.evaluation.n_real == config.datasets["faces"].n_real == 10
    assert config.evaluation.n_generated == 50_000


def test_the_network_of_fid_is_removed_from_the_protocol_s_controls() -> None:
    config = completed(protocol="torch-fidelity", network="vgg16")
    assert config.controls == ["untrained"]
    assert completed(protocol="clean-fid", network="clip").controls == ["untrained"]


def test_without_a_protocol_nothing_changes_and_the_network_is_required() -> None:
    config = completed(network="inception")
    assert config.protocol is None
    assert "protocol" not in config.plain()
    _, faults, _ = complete(CONFIG)
    assert faults == ["top level: key network is missing; add it"]


@pytest.mark.parametrize("name", ["ADM", 3, None, ["adm"]])
def test_an_unknown_protocol_is_a_fault(name: Any) -> None:
    _, faults, _ = complete(CONFIG | {"network": "inception", "protocol": name})
    assert len(faults) == 1
    assert faults[0].startswith("protocol: ")


def test_a_section_of_another_shape_is_one_fault() -> None:
    _, faults, _ = complete(CONFIG | {"protocol": "adm", "evaluation": 3})
    assert len(faults) == 1
    assert faults[0].startswith("evaluation: 3 is not")


def test_all_is_replaced_by_the_count_of_the_source() -> None:
    written = completed(network="inception", evaluation={"n_real": "all", "n_generated": "all"})
    assert written.datasets["faces"].n_real == ALL_IMAGES
    written = written.model_copy(update={"least": {"real": ALL_IMAGES, "fake": 3}})
    config = with_counts(written, COUNTS)
    assert [(one.n_real, one.n_generated) for one in config.datasets.values()] == [
        (70, 100),
        (70, 50_000),
    ]
    assert config.least == {"real": 70, "fake": 3}
    unopened = with_counts(written, {})
    assert unopened.datasets["faces"].n_real == ALL_IMAGES


def test_models_of_a_comparison_need_equal_counts() -> None:
    datasets = copy.deepcopy(CONFIG["datasets"])
    datasets["pair"]["n_generated"] = "all"
    written = completed(
        network="inception",
        evaluation={"n_generated": "all"},
        datasets=datasets,
        comparisons={"two": {"generators": {"A": "faces", "B": "pair"}}},
    )
    (fault,) = differing_counts(written, with_counts(written, COUNTS))
    assert fault == (
        "comparisons/two/generators: `n_generated: all` means 100, 90 images of their data "
        "sets, so their distances cannot be compared; write a number that all data sets have"
    )
    alike = COUNTS | {"other": {"count": 100}}
    assert list(differing_counts(written, with_counts(written, alike))) == []
