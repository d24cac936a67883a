"""Tests of `evaluation/metrics`: the allowed metrics, and the networks that measure them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fringe.config import choices
from fringe.config.completion import complete
from fringe.config.faults import _asked_metric_faults
from fringe.config.model import RunConfig

CONFIG: dict[str, Any] = {
    "run": "run",
    "network": "inception",
    "controls": ["clip"],
    "sources": {"real": {"path": "real.zip"}, "fake": {"path": "fake.zip"}},
    "datasets": {
        "faces": {"real": "real", "generated": "fake"},
        "pair": {"real": "real", "generated": "fake", "resample": False},
    },
    "evaluation": {"n_real": 400, "n_generated": 400, "metrics": ["fid", "coverage"]},
}


def made(metrics: list[str], **changes: Any) -> RunConfig:
    config = copy.deepcopy(CONFIG) | changes
    config["evaluation"]["metrics"] = metrics
    completed = complete(config)
    assert completed.faults == []
    return completed.config


def sources(real: int = 1000, **about: Any) -> dict[str, dict[str, Any]]:
    return {"real": {"count": real}, "fake": {"count": 500, **about}}


def test_message_names_an_unknown_metric_and_the_known_metrics() -> None:
    config = copy.deepcopy(CONFIG)
    config["evaluation"]["metrics"] = ["fid", "fd"]
    (fault,) = complete(config).faults
    assert fault.startswith("evaluation/metrics/1: 'fd' is not valid: a metric; known are fid, ")


def test_a_network_without_logits_is_omitted_for_metrics_of_logits() -> None:
    config = made(["fid", "inception_score"])
    assert choices.asked_metrics(config, "inception") == ["fid", "inception_score"]
    assert choices.asked_metrics(config, "clip") == ["fid"]
    assert choices.asked_of_draws(config, "clip") == []
    assert list(_asked_metric_faults(config, sources())) == []


def test_sfid_adds_its_network() -> None:
    config = made(["sfid", "coverage"])
    assert choices.asked_networks(config) == ["inception", "clip", "inception-spatial"]
    assert choices.asked_metrics(config, "inception-spatial") == ["sfid"]
    assert "inception-spatial" in choices.networks_of_run(config)
    assert "inception-spatial" in choices.networks_of_source(config, "fake")
    assert "inception-spatial" not in choices.networks_of_run(made(["coverage"]))


def test_schemes_and_repeats() -> None:
    config = made(["coverage"])
    assert choices.asked_schemes(config, "faces") == ["random", "matched", "prelogits"]
    assert choices.asked_schemes(config, "pair") == ["random"]
    chosen = {**CONFIG["evaluation"], "metric_schemes": ["random", "logits"]}
    assert choices.asked_schemes(made(["fid"], evaluation=chosen), "faces") == ["random", "logits"]
    repeats = {"table1": 1, "table2": 1, "table3": 1, "sweep": 1, "metrics": 7}
    asked = made(["coverage"], evaluation={**CONFIG["evaluation"], "repeats": repeats})
    assert choices.repeats(asked, "matched") == 7
    none = made([], evaluation={**CONFIG["evaluation"], "repeats": repeats})
    assert choices.repeats(none, "matched") == 1


def test_an_unknown_scheme_is_a_fault() -> None:
    config = made(["fid"], evaluation={**CONFIG["evaluation"], "metric_schemes": ["top7"]})
    (fault,) = _asked_metric_faults(config, sources())
    assert fault.startswith(
        "evaluation/metric_schemes: the run has no scheme 'top7'; it has random, matched, "
    )


def test_a_metric_that_no_network_can_measure_is_a_fault() -> None:
    config = made(
        ["inception_score"], network="dinov2-b", datasets={"pair": CONFIG["datasets"]["pair"]}
    )
    (fault,) = _asked_metric_faults(config, sources())
    assert fault == (
        "evaluation/metrics: inception_score needs logits, but no network of the run has any "
        "(dinov2-b, clip); name a classifier in `controls`, such as inception, or leave the metric "
        "out"
    )


def test_message_names_the_classifier_of_the_run() -> None:
    config = made(["inception_score"], network="dinov2-b", classifier="resnet50")
    (fault,) = _asked_metric_faults(config, sources())
    assert "name a classifier in `controls`, such as resnet50, or leave" in fault


def test_one_network_and_no_control() -> None:
    config = made(["fid"], controls=[], datasets={"pair": CONFIG["datasets"]["pair"]})
    assert choices.networks_of_dataset(config, "pair") == ["inception"]
    assert choices.networks_of_source(config, "fake") == ["inception"]


def test_fewer_images_than_a_metric_needs_are_a_fault() -> None:
    few = {**CONFIG["evaluation"], "n_real": 5, "n_generated": 3}
    pair = {"pair": CONFIG["datasets"]["pair"]}
    config = made(["fid", "recall", "coverage"], evaluation=few, datasets=pair)
    assert list(_asked_metric_faults(config, sources())) == [
        "datasets/pair/n_real: 5 real images are too few for coverage; give 6 or more, or leave "
        "the metric out",
        "datasets/pair/n_generated: 3 generated images are too few for recall, coverage; give 6 or "
        "more, or leave the metrics out",
    ]
    enough = {**CONFIG["evaluation"], "n_real": 6, "n_generated": 6}
    config = made(["fid", "recall", "coverage"], evaluation=enough, datasets=pair)
    assert list(_asked_metric_faults(config, sources())) == []


def test_missing_logits_of_another_tool_are_a_fault() -> None:
    config = made(["inception_score"])
    faults = list(_asked_metric_faults(config, sources(logits=False)))
    assert len(faults) == 2, "one for each data set"
    assert "sources/fake has features without logits" in faults[0]
    assert list(_asked_metric_faults(config, sources(logits=True))) == []


@pytest.mark.parametrize(("real", "faulty"), [(499, True), (500, False)])
def test_memorization_needs_other_real_images(real: int, faulty: bool) -> None:
    faults = list(_asked_metric_faults(made(["memorization"]), sources(real)))
    assert bool(faults) is faulty
    if faulty:
        assert faults[0] == (
            "evaluation/metrics: memorization needs real images in addition to the 400 compared "
            "images, but sources/real has only 499 images; lower datasets/faces/n_real (or "
            "evaluation/n_real, --count-real of a command) by 1 or more, or leave the metric out"
        )


def test_logits_without_bias_are_computed_only_for_inception() -> None:
    config = made(["inception_score"], controls=["clip", "resnet50"])
    assert choices.asks_classifier(config, "faces", "inception")
    assert not choices.asks_classifier(config, "faces", "resnet50")
    assert not choices.asks_classifier(made(["coverage"]), "faces", "inception")


def test_metrics_can_be_measured_without_controls() -> None:
    config, faults, _ = complete(
        {
            "run": "run",
            "network": "inception",
            "controls": [],
            "sources": {
                "real": {"path": "real.zip"},
                "fake": {"kind": "imitation", "count": 100, "resolution": 32},
            },
            "datasets": {"faces": {"real": "real", "generated": "fake", "resample": False}},
            "evaluation": {"metrics": ["fid"]},
        }
    )
    assert faults == []
    assert choices.networks_of_dataset(config, "faces") == ["inception"]
