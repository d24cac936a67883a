"""Histogram matching, compared with a literal accept-or-discard loop."""

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.resampling import match_histogram, shortage
from fringe.resampling.histogram import quotas
from fringe.seeds import random_stream


def classes(count: int, seed: int, labels: int = 12) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.choice(labels, count, p=rng.dirichlet(np.ones(labels)))


def accept_or_discard(real: np.ndarray, candidates: np.ndarray, seed: int) -> list[int]:
    room = np.bincount(real, minlength=100)
    accepted = []
    for index in random_stream(seed, "match_histogram").permutation(len(candidates)):
        if room[candidates[index]]:
            room[candidates[index]] -= 1
            accepted.append(int(index))
    return accepted


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_match_equals_the_papers_procedure(seed: int) -> None:
    real, candidates = classes(300, 1), classes(900, 2)
    match = match_histogram(real, candidates, len(real), seed)
    assert match.indices.tolist() == accept_or_discard(real, candidates, seed)
    assert len(set(match.indices.tolist())) == len(match.indices)


def test_enough_candidates_give_the_same_histogram() -> None:
    real, candidates = classes(300, 1), np.repeat(np.arange(12), 400)
    match = match_histogram(real, candidates, 300, 0)
    assert match.unfilled == {}
    assert match.got == match.wanted
    np.testing.assert_array_equal(np.bincount(candidates[match.indices]), np.bincount(real))
    other = match_histogram(real, candidates, 300, 1)
    assert not np.array_equal(match.indices, other.indices)


def test_missing_images_are_reported_and_not_replaced() -> None:
    real = np.array([0, 0, 0, 1, 1, 7])
    candidates = np.array([0, 1, 1, 1, 3, 3])
    match = match_histogram(real, candidates, 6, 0)
    assert match.wanted == {0: 3, 1: 2, 7: 1}
    assert match.got == {0: 1, 1: 2, 7: 0}
    assert match.unfilled == {0: 2, 7: 1}
    assert len(match.indices) == 3
    assert sorted(candidates[match.indices].tolist()) == [0, 1, 1]
    assert shortage(real, candidates, 6) == match.unfilled


def test_quotas_by_largest_remainder() -> None:
    real = np.array([0] * 5 + [1] * 3 + [2] * 2)
    assert quotas(real, 10) == {0: 5, 1: 3, 2: 2}
    # 3.5, 2.1, 1.4: the last image goes to the largest remainder.
    assert quotas(real, 7) == {0: 4, 1: 2, 2: 1}
    # 0.5, 0.3, 0.2: classes without a quota are left out.
    assert quotas(real, 1) == {0: 1}
    # Equal remainders: the larger class first, then the smaller index.
    assert quotas(np.array([4, 9]), 3) == {4: 2, 9: 1}
    for n in range(1, 60):
        assert sum(quotas(classes(97, 5), n).values()) == n


def test_tensors_give_tensors() -> None:
    real, candidates = classes(300, 1), classes(900, 2)
    match = match_histogram(torch.from_numpy(real), torch.from_numpy(candidates), 300, 0)
    assert isinstance(match.indices, torch.Tensor)
    expected = match_histogram(real, candidates, 300, 0)
    assert match.indices.tolist() == expected.indices.tolist()
    assert match.unfilled == expected.unfilled


def test_bad_input_is_refused() -> None:
    real = classes(10, 1)
    with pytest.raises(FringeError, match="candidate classes"):
        match_histogram(real, np.ones((3, 2), int), 10, 0)
    with pytest.raises(FringeError, match="float64"):
        match_histogram(np.ones(3), real, 10, 0)
    with pytest.raises(FringeError, match="n: got 0"):
        match_histogram(real, real, 0, 0)
