"""Tests of the choice of images, against the rule written with sorted lists."""

from __future__ import annotations

import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.explorer import choose_images


def by_the_rule(k: int, scores: list[list[float]], seed: int) -> tuple[list[int], list[bool]]:
    n = len(scores[0])
    if n <= k:
        return list(range(n)), [True] * n
    sample = np.random.default_rng(seed).choice(n, k // 2, replace=False).tolist()
    extreme: list[int] = []
    for number, each in enumerate(scores):
        wanted = k // 2 + len(extreme)
        # The remaining places, in parts that differ by at most one.
        part = -(-(k - wanted) // (len(scores) - number))
        left = [i for i in range(n) if i not in sample + extreme]
        extreme += sorted(left, key=lambda i: (-each[i], i))[:part]
    chosen = sorted(sample + extreme)
    return chosen, [i in sample for i in chosen]


@pytest.mark.parametrize("k", [2, 3, 7, 10, 19, 20, 21, 29, 30, 99])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_choice_follows_the_rule(k: int, count: int) -> None:
    rng = np.random.default_rng(k)
    # There are few different values, many scores are equal.
    scores = [rng.integers(0, 4, 30).astype(float) for _ in range(count)]
    found = choose_images(k, scores, np.random.default_rng(3))
    numbers, sampled = by_the_rule(k, [each.tolist() for each in scores], 3)
    assert found.numbers.tolist() == numbers
    assert found.sampled.tolist() == sampled
    assert len(numbers) == min(k, 30)
    assert found.numbers.dtype == np.int64


def test_extreme_images_are_chosen() -> None:
    rng = np.random.default_rng(0)
    weight, psi = rng.exponential(size=200), rng.normal(size=200)
    chosen = choose_images(60, [weight, psi, -psi], np.random.default_rng(0))
    found = set(chosen.numbers)
    assert len(found) == 60
    assert chosen.sampled.sum() == 30
    for scores in (weight, psi, -psi):
        assert set(np.argsort(-scores)[:8]) <= found, "each part has ten images"


def test_the_sample_contains_each_image_equally_often() -> None:
    """Files may be sorted by class, but the sample must cover all classes."""
    scores = [np.arange(20.0)]
    counts = np.zeros(20)
    for seed in range(4000):
        found = choose_images(10, scores, np.random.default_rng(seed))
        counts[found.numbers[found.sampled]] += 1
    # 5 of 20 images are sampled, so each occurs 1,000 times, with a standard deviation of 27.
    assert np.abs(counts - 1000).max() < 5 * 27


def test_scores_of_different_lengths_are_refused() -> None:
    with pytest.raises(FringeError, match=r"scores of \[3, 2\] images"):
        choose_images(2, [np.zeros(3), np.zeros(2)], np.random.default_rng(0))
    with pytest.raises(FringeError, match="at least one score"):
        choose_images(2, [], np.random.default_rng(0))
