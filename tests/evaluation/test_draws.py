"""Draws of candidates by sampling schemes, and their files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.evaluation import (
    draw_extremes,
    draw_matched,
    draw_random,
    draw_weighted,
    load_draws,
    load_reduced_costs,
    load_weights,
    save_draws,
    save_weights,
)
from fringe.resampling import Merging, Weights


def test_random_draws_have_no_duplicates() -> None:
    draws = draw_random(100, 40, 5, seed=0)
    assert len(draws) == 5
    for indices in draws:
        assert len(set(indices)) == len(indices) == 40
        assert 0 <= indices.min() <= indices.max() < 100
    assert len({tuple(indices) for indices in draws}) == 5


def test_fewer_random_images_are_a_subset_of_the_same_draws() -> None:
    whole, part = draw_random(100, 40, 5, seed=0), draw_random(100, 40, 5, seed=0, keep=25)
    for many, few in zip(whole, part, strict=True):
        assert len(set(few)) == 25
        assert set(few) < set(many)
        assert few.tolist() != many[:25].tolist()  # random images, not the first images of the file
    kept = draw_random(100, 40, 5, seed=0, keep=40)
    assert all(np.array_equal(one, other) for one, other in zip(whole, kept, strict=True))


def test_a_repeat_does_not_depend_on_the_number_of_repeats() -> None:
    probabilities = np.full(100, 0.01)
    for few, many in (
        (draw_random(100, 40, 2, 0), draw_random(100, 40, 7, 0)),
        (
            draw_weighted(probabilities, 40, 2, 0, "top1"),
            draw_weighted(probabilities, 40, 7, 0, "top1"),
        ),
    ):
        assert all(np.array_equal(one, other) for one, other in zip(few, many, strict=False))


def test_seed_and_scheme_change_a_weighted_draw() -> None:
    probabilities = np.full(100, 0.01)
    draws = [
        tuple(draw_weighted(probabilities, 40, 1, seed, scheme)[0])
        for seed, scheme in ((0, "top1"), (1, "top1"), (0, "top2"), (0, "top1"))
    ]
    assert len(set(draws)) == 3
    assert draws[0] == draws[3]


def test_sampling_changes_a_weighted_draw() -> None:
    probabilities = np.array([0.0, 0.1, 0.6, 0.3])
    published = draw_weighted(probabilities, 10, 3, 0, "top1")
    same = draw_weighted(probabilities, 10, 3, 0, "top1", "with_replacement")
    assert np.array_equal(published, same)
    systematic = draw_weighted(probabilities, 10, 3, 0, "top1", "systematic")
    assert [np.bincount(indices).tolist() for indices in systematic] == 3 * [[0, 1, 6, 3]]
    for indices in draw_weighted(probabilities, 3, 3, 0, "top1", "without_replacement"):
        assert sorted(indices) == [1, 2, 3]


def test_weighted_draws_follow_the_weights() -> None:
    probabilities = np.array([0.0, 0.1, 0.6, 0.3])
    (indices,) = draw_weighted(probabilities, 60000, 1, 0, "prelogits")
    shares = np.bincount(indices, minlength=4) / 60000
    assert shares[0] == 0
    # The count is binomial: five standard deviations of at most sqrt(0.25 / n).
    assert np.abs(shares - probabilities).max() < 5 * 0.5 / np.sqrt(60000)


def test_matched_draws_have_the_real_classes() -> None:
    real = np.array([0] * 6 + [1] * 3 + [2] * 1)
    candidates = np.array([0] * 50 + [1] * 50 + [2] * 50)
    draws, report = draw_matched(real, candidates, 10, 3, seed=0)
    for indices in draws:
        assert np.bincount(candidates[indices]).tolist() == [6, 3, 1]
        assert len(set(indices)) == 10
    assert report == {"asked": 10, "filled": 10, "beyond": 0, "seen": 150, "unfilled": {}}
    assert len({tuple(sorted(indices)) for indices in draws}) == 3


def test_missing_images_of_a_match_are_reported() -> None:
    real = np.array([0] * 6 + [1] * 4)
    candidates = np.array([0] * 50 + [1] * 3)
    draws, report = draw_matched(real, candidates, 10, 2, seed=0)
    assert [len(indices) for indices in draws] == [9, 9]
    assert report == {"asked": 10, "filled": 9, "beyond": 0, "seen": 53, "unfilled": {"1": 1}}


def test_extremes_are_the_ends_of_the_order() -> None:
    probabilities = np.random.default_rng(0).permutation(200) + 1.0
    probabilities /= probabilities.sum()
    alike = np.zeros(200)
    low, high = draw_extremes(probabilities, alike, 15, seed=0)
    order = np.argsort(probabilities)
    assert set(low) <= set(order[:20])
    assert set(high) <= set(order[-20:])
    assert len(set(low)) == len(set(high)) == 15
    low, high = draw_extremes(probabilities, alike, 500, seed=0)
    assert (set(low), set(high)) == (set(order[:20]), set(order[-20:]))


def test_weights_of_0_are_ordered_by_reduced_cost() -> None:
    rng = np.random.default_rng(0)
    probabilities = np.where(np.arange(200) % 3 == 0, rng.random(200) + 0.1, 0)
    reduced = rng.permutation(200) + 1.0
    low, high = draw_extremes(probabilities / probabilities.sum(), reduced, 500, seed=0)
    zeros = np.flatnonzero(probabilities == 0)
    least_wanted = zeros[np.argsort(-reduced[zeros])][:20]
    assert set(low) == set(least_wanted)
    assert set(high) == set(np.argsort(probabilities)[-20:])


def test_draws_are_read_as_written(tmp_path: Path) -> None:
    draws = [np.array([3, 1, 2]), np.array([0, 0, 5])]
    report = {"asked": 3, "filled": 3, "unfilled": {"7": 2}}
    save_draws(tmp_path / "draws.h5", draws, {"seed": 1}, report)
    found, loaded = load_draws(tmp_path / "draws.h5")
    assert found.tolist() == [[3, 1, 2], [0, 0, 5]]
    assert loaded == report
    with pytest.raises(FringeError, match="none"):
        load_draws(tmp_path / "none.h5")


def test_weights_are_read_as_written(tmp_path: Path) -> None:
    probabilities = np.array([0.25, 0.5, 0.25])
    path = np.array([[1.0, 3.0, 1.0, 2.0], [2.0, 2.5, 0.5, 1.8]])
    reduced = np.array([0.0, 0.0, 1.5])
    merging = Merging(900, 30, 10.0, 0.05, 1e-3, 2e-5, 0.01, np.array([0.0, 3e-5]))
    weights = Weights(probabilities, 2.5, 2.0, path, reduced_costs=reduced, merging=merging)
    save_weights(tmp_path / "w.h5", weights, {"network": "tiny"})
    assert np.array_equal(load_weights(tmp_path / "w.h5"), probabilities)
    assert np.array_equal(load_reduced_costs(tmp_path / "w.h5"), reduced)
    with h5py.File(tmp_path / "w.h5") as file:
        assert file.attrs["merging_steps"] == 900
        assert file.attrs["merging_loss_error"] == 2e-5
        assert file["differences"][()].tolist() == [0.0, 3e-5]
