"""Tests of the power of a control, and of its description in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fringe.comparison import Power, power_of, witness
from fringe.errors import FringeError
from fringe.sources.distorted import VARIANTS
from fringe.sources.distortions import DISTORTIONS, DOSES


def rows(resolution: int = 128, **ratios: tuple[float, float, float]) -> pd.DataFrame:
    """Return rows with a floor of 4 and these ratios to the floor, 9 by default."""
    return pd.DataFrame(
        {
            "network": "clip",
            "distortion": kind,
            "dose": dose,
            "amount": DISTORTIONS[kind].amounts[DOSES.index(dose)],
            "unit": DISTORTIONS[kind].unit,
            "distance": 4 * ratios.get(kind, (9, 9, 9))[DOSES.index(dose)] + 0.5,
            "luck": 0.5,
            "floor": 4.0,
            "n": 100,
            "n_floor": 600,
            "resolution": resolution,
            "seed": 0,
        }
        for kind, dose in VARIANTS
    )


def test_a_control_that_sees_all() -> None:
    power = power_of(rows())
    assert power.has_power
    assert power.sees == (
        "would have seen a blur of 0.35 pixels, noise of 2 grey levels, JPEG compression of "
        "quality 90 and a warp of 0.5 pixels"
    )
    assert (power.floor, power.n, power.n_floor) == (4.0, 100, 600)
    assert [one.ratio for one in power.doses] == [9.0] * 12
    assert Power.model_validate_json(power.model_dump_json()) == power


def test_description_names_the_smallest_dose_that_is_seen() -> None:
    power = power_of(rows(blur=(0, 1, 2), noise=(0.99, 1.01, 2), jpeg=(0, 5, 50), warp=(2, 3, 4)))
    assert power.has_power
    assert power.sees == (
        "would have seen a blur of 0.7 pixels, noise of 6 grey levels, JPEG compression of "
        "quality 60 and a warp of 0.5 pixels"
    )


@pytest.mark.parametrize("kind", DISTORTIONS)
def test_a_control_that_is_blind_to_one_visible_dose_has_no_power(kind: str) -> None:
    assert power_of(rows(**{kind: (0, 1.01, 50)})).has_power
    assert not power_of(rows(**{kind: (0, 0.99, 50)})).has_power


def test_description_names_the_kinds_that_are_not_seen() -> None:
    blind = power_of(rows(blur=(0, 0, 0.5), warp=(0.1, 0.2, 0.3)))
    assert blind.sees == (
        "would have seen noise of 2 grey levels and JPEG compression of quality 90, but not a blur "
        "of 2 pixels or a warp of 4 pixels"
    )
    none = dict.fromkeys(DISTORTIONS, (0.0, 0.0, 0.0))
    assert power_of(rows(**none)).sees.startswith("would not have seen a blur of 2 pixels, noise")


def test_a_dose_is_seen_only_with_all_larger_ones() -> None:
    power = power_of(rows(noise=(5, 0.5, 6)))
    assert "noise of 20 grey levels" in power.sees
    assert not power.has_power


def test_a_given_floor_replaces_the_measured_floor() -> None:
    power = power_of(rows(), floor=36.1)
    assert not power.has_power
    assert (power.floor, power.n_floor) == (36.1, None)
    assert power.doses[0].ratio == pytest.approx(36 / 36.1)


def test_a_distance_below_luck_counts_as_zero() -> None:
    assert power_of(rows(blur=(-0.01, 2, 3))).doses[0].ratio == 0


def test_description_says_that_large_images_are_reduced() -> None:
    assert power_of(rows(256)).sees == power_of(rows()).sees
    assert power_of(rows(1024)).sees.endswith("warp of 0.5 pixels, in images reduced to 256 pixels")


@pytest.mark.parametrize("floor", [0.0, -1.0, float("nan"), float("inf")])
def test_a_floor_that_is_not_positive_and_finite_is_refused(floor: float) -> None:
    with pytest.raises(FringeError, match="clip: the distance between two sets of real images"):
        power_of(rows(), floor=floor)
    with pytest.raises(FringeError, match="clip: the distance"):
        power_of(rows().assign(floor=np.float64(floor)))


def test_reason_mentions_the_network_of_fid_only_if_it_has_the_same_labels() -> None:
    reason = "it was trained on ImageNet's images and labels"
    assert witness("resnet50", "inception").reason == f"{reason}, as FID's network was"
    assert witness("resnet50", "clip").reason == reason
    assert witness("clip", "inception").judges
