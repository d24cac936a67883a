"""What those are told who do not see a figure: its numbers."""

from __future__ import annotations

from fringe.page.alts import seen_in_curve, seen_in_pair, seen_in_schemes

from .rows import NULL_SPACE, TITLES, planted
from .test_compared import compared
from .test_curves import convergence, noise, sizes, snapshots, sweep


def test_how_fid_falls_between_the_schemes_that_are_there() -> None:
    told = seen_in_schemes(planted(NULL_SPACE), "d", network="net", titles=TITLES)
    assert told == (
        "FID in Net: 10.00 (drawn at random), 9.00 (Top-1 classes matched), 4.00 (optimized "
        "weights)."
    )
    less = {key: values for key, values in NULL_SPACE.items() if key[0] != "matched"}
    told = seen_in_schemes(planted(less), "d", network="net", titles=TITLES)
    assert told == "FID in Net: 10.00 (drawn at random), 4.00 (optimized weights)."


def test_the_distances_of_each_generator_in_each_network() -> None:
    found = compared(2)
    told = seen_in_pair(found)
    for network in found.networks:
        for model, about in network.models.items():
            assert f"{about.distance.value:.2f} ({model})" in told
    assert told.count("FID in ") == len(found.networks)


def test_the_first_and_the_last_value_of_each_series() -> None:
    assert "N most probable classes, Net: 8 at N = 5, 6 at N = 20" in seen_in_curve(sweep())
    assert "N middle classes, Net: 9 at N = 20;" in seen_in_curve(sweep())
    assert seen_in_curve(sizes()).endswith("12.50 at 500 + 500 images, 9.12 at All + ∞ images.")
    assert seen_in_curve(snapshots()).endswith("30 at snapshot early, 12 at snapshot late.")
    assert "unimportant half: 10 at noise of 0, 20 at noise of 0.10" in seen_in_curve(noise())
    assert "no weights reach below: 0 at 0.50 s, 3 at 1.50 s." in seen_in_curve(convergence())
