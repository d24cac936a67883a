"""The metrics that a configuration can name."""

from __future__ import annotations

import pytest

from fringe.evaluation.asked_metrics import MEASURED
from fringe.networks import network_info
from fringe.scores.asked_metrics import ASKED, DISTANCES, measured_in, networks_of_their_own


def test_every_metric_is_measured() -> None:
    assert {*MEASURED, *DISTANCES} == set(ASKED), (
        "name the same metrics in ASKED (src/fringe/scores/asked_metrics.py) and in MEASURED "
        "(src/fringe/evaluation/asked_metrics.py)"
    )


def test_networks_of_their_own_are_known() -> None:
    assert networks_of_their_own() == ["inception-spatial"]
    for name in networks_of_their_own():
        assert network_info(name).feature_dim == 2023


@pytest.mark.parametrize(
    ("metric", "network", "classes", "there"),
    [
        ("fid", "clip", None, True),
        ("fid", "inception-spatial", None, False),
        ("sfid", "inception", 1008, False),
        ("sfid", "inception-spatial", None, True),
        ("inception_score", "inception", 1008, True),
        ("inception_score", "clip", None, False),
        ("coverage", "clip", None, True),
    ],
)
def test_where_a_metric_is_measured(
    metric: str, network: str, classes: int | None, there: bool
) -> None:
    assert measured_in(metric, network, classes) is there
