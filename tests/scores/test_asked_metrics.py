"""Tests of the metrics that a configuration can name."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.evaluation.asked_metrics import MEASURED, Compared, score_asked
from fringe.metrics import density_coverages, inception_score
from fringe.networks import network_info
from fringe.scores.asked_metrics import (
    ASKED,
    BALL_NEIGHBOUR,
    DISTANCES,
    SPLITS,
    fewest_images,
    measured_in,
    networks_of_their_own,
)


def test_every_metric_is_measured() -> None:
    assert {*MEASURED, *DISTANCES} == set(ASKED), (
        "name the same metrics in ASKED (src/fringe/scores/asked_metrics.py) and in MEASURED "
        "(src/fringe/evaluation/asked_metrics.py)"
    )


def test_networks_of_single_metrics_exist() -> None:
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
def test_networks_in_which_a_metric_is_measured(
    metric: str, network: str, classes: int | None, there: bool
) -> None:
    assert measured_in(metric, network, classes) is there


def test_constants_agree_with_the_defaults_of_the_metrics() -> None:
    assert inspect.signature(density_coverages).parameters["k"].default == BALL_NEIGHBOUR
    assert inspect.signature(inception_score).parameters["splits"].default == SPLITS


class Rows:
    """Features of candidates with the interface of `fringe.features.Features`."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def read(self, kind: str, indices: np.ndarray) -> np.ndarray:
        return self.values[indices]


@pytest.mark.parametrize("metric", [name for name in ASKED if name in MEASURED])
@pytest.mark.parametrize("side", [0, 1])
def test_one_image_fewer_than_the_minimum_is_refused(metric: str, side: int) -> None:
    rng = np.random.default_rng(0)
    counts = [100, 100]
    counts[side] = fewest_images(metric, 3)[side]

    def measure(real: int, generated: int) -> list[object]:
        rows = Rows(rng.normal(size=(generated, 4)))
        draws = np.arange(generated)[None]
        held_out = rng.normal(size=(100, 4))
        about = Compared(draws, rows, rng.normal(size=(real, 4)), held_out, k=3, subset_size=2)  # type: ignore[arg-type]
        return list(score_asked([metric], about))

    if metric != "memorization":  # its minimum depends on the features
        assert len(measure(*counts)) == 1
    if metric in ("precision", "recall", "density", "coverage") or (metric, side) == (
        "inception_score",
        1,
    ):
        counts[side] -= 1
        with pytest.raises(FringeError, match="too few"):
            measure(*counts)
