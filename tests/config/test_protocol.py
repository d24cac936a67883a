"""The protocol of a configuration: it supplies what is left out, and what is written wins."""

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


def test_a_protocol_supplies_what_is_left_out() -> None:
    config = completed(protocol="dgm-eval")
    assert config.network == "inception-pytorch-fid"
    assert config.controls == ["dinov2-l"]
    assert config.evaluation.precision_recall.k == 5
    assert config.evaluation.precision_recall.network == "dinov2-l"
    assert config.evaluation.metrics[:2] == ["fid", "kid"]
    assert config.evaluation.precision_recall.dtype == "float32", "the usual default"
    assert config.datasets["faces"].n_real == 50_000


def test_what_is_written_wins() -> None:
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


def test_the_network_of_fid_is_no_control_of_its_own() -> None:
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
def test_a_protocol_that_is_unknown_is_a_fault(name: Any) -> None:
    _, faults, _ = complete(CONFIG | {"network": "inception", "protocol": name})
    assert len(faults) == 1
    assert faults[0].startswith("protocol: ")


def test_a_section_of_another_shape_is_one_fault() -> None:
    _, faults, _ = complete(CONFIG | {"protocol": "adm", "evaluation": 3})
    assert len(faults) == 1
    assert faults[0].startswith("evaluation: 3 is not")


def test_all_is_what_a_source_has() -> None:
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


def test_models_of_a_comparison_have_as_many_images() -> None:
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
        "comparisons/two/generators: `n_generated: all` stands for 100, 90 images of their data "
        "sets, so their distances do not compare; write a number that all have"
    )
    alike = COUNTS | {"other": {"count": 100}}
    assert list(differing_counts(written, with_counts(written, alike))) == []
