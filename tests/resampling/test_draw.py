"""Drawing with replacement, and the effective sample size."""

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.resampling import draw, effective_sample_size
from fringe.seeds import random_stream


def test_frequencies_follow_the_probabilities() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(20))
    indices = draw(p, 200_000, random_stream(0))
    assert indices.dtype == np.int64
    counts = np.bincount(indices, minlength=20)
    deviation = (counts - 200_000 * p) / np.sqrt(200_000 * p * (1 - p))
    assert np.abs(deviation).max() < 4.5


def test_probability_zero_is_never_drawn() -> None:
    p = np.array([0.0, 0.5, 0, 0, 0.5, 0])
    assert set(draw(p, 10_000, random_stream(0)).tolist()) == {1, 4}


def test_the_largest_draw_does_not_pass_the_last_candidate() -> None:
    class Top:
        def random(self, n: int) -> np.ndarray:
            return np.full(n, np.nextafter(1, 0))

    p = np.append(np.full(9, 1 / 9), 0)
    assert draw(p, 3, Top()).tolist() == [8, 8, 8]  # type: ignore[arg-type]


def test_the_stream_decides() -> None:
    p = np.full(50, 0.02)
    first, again, other = (draw(p, 30, random_stream(s)) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_effective_sample_size() -> None:
    assert effective_sample_size(np.full(40, 1 / 40)) == pytest.approx(40)
    assert effective_sample_size(np.array([0, 3.0, 0])) == 1
    assert effective_sample_size(np.array([0.5, 0.25, 0.25])) == pytest.approx(1 / 0.375)
    assert effective_sample_size(np.full(40, 1e-300)) == pytest.approx(40)


def test_tensors() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(20))
    indices = draw(torch.from_numpy(p), 100, random_stream(0))
    assert isinstance(indices, torch.Tensor)
    assert np.array_equal(indices.numpy(), draw(p, 100, random_stream(0)))


@pytest.mark.parametrize("bad", [[0.5, -0.1], [0.0, 0.0], [np.nan, 1.0], [[0.5, 0.5]], []])
def test_bad_probabilities(bad: list) -> None:
    with pytest.raises(FringeError, match="probabilities"):
        draw(np.array(bad), 3, random_stream(0))
