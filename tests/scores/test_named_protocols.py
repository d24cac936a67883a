"""Tests of the named protocols: each fact has a source, and each network exists."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from fringe.config.completion import complete
from fringe.networks import network_info, network_names
from fringe.scores.asked_metrics import ASKED
from fringe.scores.named_protocols import (
    PROTOCOL_NAMES,
    Defined,
    ProtocolName,
    _listed,
    named_protocol,
)
from fringe.scores.protocol_document import describe_protocols

EVERY = [named_protocol(name) for name in PROTOCOL_NAMES]
NUMBERS = [
    pytest.param(one, number, id=f"{one.name}-{place}")
    for one in EVERY
    for place, number in enumerate(one.numbers)
]


def test_names_agree_with_the_file() -> None:
    assert tuple(_listed()) == PROTOCOL_NAMES == get_args(ProtocolName)


@pytest.mark.parametrize(("protocol", "number"), NUMBERS)
def test_every_fact_has_a_source_and_every_network_exists(protocol: Any, number: Defined) -> None:
    words = ("Section", "Appendix", "Figure") if protocol.name == "paper" else (".py",)
    assert any(word in number.source for word in words)
    assert number.network is None or number.network in network_names()
    assert number.metrics
    assert all(metric in ASKED or metric == "rbf_kid" for metric in number.metrics)
    assert number.kid_subsets is None or number.metrics == ("kid",)


@pytest.mark.parametrize("protocol", EVERY, ids=PROTOCOL_NAMES)
def test_defaults_make_a_configuration_without_faults(protocol: Any) -> None:
    config = {
        "run": "run",
        "protocol": protocol.name,
        "sources": {
            "real": {"path": "real.zip"},
            "fake": {"kind": "imitation", "count": 100, "resolution": 32},
        },
        "datasets": {"faces": {"real": "real", "generated": "fake"}},
    }
    completed, faults, _ = complete(config)
    assert faults == []
    assert completed.network == protocol.defaults["network"]
    assert protocol.defines("fid", completed.network) is not None
    assert network_info(completed.network).n_classes is not None, "images can be resampled in it"
    for metric in completed.evaluation.metrics:
        assert protocol.networks_of(metric), "only metrics of its own"
    for network in (*completed.controls, completed.evaluation.precision_recall.network):
        assert network in network_names()


@pytest.mark.parametrize("protocol", EVERY, ids=PROTOCOL_NAMES)
def test_a_protocol_defines_each_number_once(protocol: Any) -> None:
    keys = [(metric, one.network) for one in protocol.numbers for metric in one.metrics]
    assert len(set(keys)) == len(keys)


def test_the_document_names_all_facts() -> None:
    text = describe_protocols()
    for protocol in EVERY:
        assert f"## `{protocol.name}`: {protocol.title}" in text
        assert protocol.source in text
        for number in protocol.numbers:
            for fact in (number.resize, number.weights, number.statistics, number.source):
                assert fact in text
    assert "| sFID | `inception-spatial` | all | 50,000 |" in text
    assert "| 10,000 at most | 10,000 at most |" in text
