"""Tests of the sentences with numbers in alternative texts of figures."""

from __future__ import annotations

from fringe.page.alts import seen_in_curve, seen_in_pair, seen_in_schemes

from .rows import NULL_SPACE, TITLES, planted
from .test_compared import compared
from .test_curves import convergence, noise, sizes, snapshots, sweep


def test_the_text_lists_fid_of_each_available_scheme() -> None:
    text = seen_in_schemes(planted(NULL_SPACE), "d", network="net", titles=TITLES)
    assert text == (
        "FID in Net: 10.00 (drawn at random), 9.00 (Top-1 classes matched), 4.00 (optimized "
        "weights)."
    )
    less = {key: values for key, values in NULL_SPACE.items() if key[0] != "matched"}
    text = seen_in_schemes(planted(less), "d", network="net", titles=TITLES)
    assert text == "FID in Net: 10.00 (drawn at random), 4.00 (optimized weights)."


def test_the_text_lists_the_distance_of_each_generator_in_each_network() -> None:
    found = compared(2)
    text = seen_in_pair(found)
    for network in found.networks:
        for model, about in network.models.items():
            assert f"{about.distance.value:.2f} ({model})" in text
    assert text.count("FID in ") == len(found.networks)


def test_the_text_lists_the_first_and_the_last_value_of_each_series() -> None:
    assert "N most probable classes, Net: 8 at N = 5, 6 at N = 20" in seen_in_curve(sweep())
    assert "N middle classes, Net: 9 at N = 20;" in seen_in_curve(sweep())
    assert seen_in_curve(sizes()).endswith("12.50 at 500 + 500 images, 9.12 at All + ∞ images.")
    assert seen_in_curve(snapshots()).endswith("30 at snapshot early, 12 at snapshot late.")
    assert "unimportant half: 10 at noise of 0, 20 at noise of 0.10" in seen_in_curve(noise())
    assert "proven lower bound: 0 at 0.50 s, 3 at 1.50 s." in seen_in_curve(convergence())
