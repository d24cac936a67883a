"""Draws with and without replacement, systematic draws, and the effective sample size."""

from itertools import permutations
from typing import get_args

import numpy as np
import pytest
import torch
from scipy import stats

from fringe.errors import FringeError
from fringe.metrics import kernel_distance
from fringe.resampling import draw, effective_sample_size
from fringe.resampling.drawing import Sampling
from fringe.seeds import random_stream

SAMPLINGS: tuple[Sampling, ...] = get_args(Sampling)


def counts_of(p: np.ndarray, n: int, draws: int, sampling: Sampling) -> np.ndarray:
    """Return the number of times that each image is in each draw, (draws, N)."""
    rows = (draw(p, n, random_stream(0, number), sampling) for number in range(draws))
    return np.stack([np.bincount(indices, minlength=len(p)) for indices in rows])


def test_frequencies_follow_the_probabilities() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(20))
    indices = draw(p, 200_000, random_stream(0))
    assert indices.dtype == np.int64
    counts = np.bincount(indices, minlength=20)
    deviation = (counts - 200_000 * p) / np.sqrt(200_000 * p * (1 - p))
    assert np.abs(deviation).max() < 4.5

    # The seed is fixed. The test must hold at the level 0.001, with 19 degrees of freedom.
    assert stats.chisquare(counts, 200_000 * p).pvalue > 0.001


def test_draws_with_replacement_equal_those_of_earlier_versions() -> None:
    """The draws equal those of earlier runs, and those of NumPy's choice."""
    assert draw(np.arange(1.0, 8), 10, random_stream(0)).tolist() == [4, 0, 4, 5, 5, 1, 3, 3, 5, 4]
    p = np.random.default_rng(0).dirichlet(np.full(500, 0.3))
    judge = random_stream(1).choice(500, 10_000, p=p)
    assert np.array_equal(draw(p, 10_000, random_stream(1)), judge)


def test_systematic_counts_are_expected_counts_rounded_up_or_down() -> None:
    p = np.random.default_rng(0).dirichlet(np.full(60, 0.5))
    counts = counts_of(p, 100, 4000, "systematic")
    assert (counts.sum(axis=1) == 100).all()
    assert (counts >= np.floor(100 * p)).all()
    assert (counts <= np.ceil(100 * p)).all()
    # A count is the whole part of n p, plus 1 with probability r. Five standard errors of 4000.
    r = 100 * p % 1
    error = np.sqrt(r * (1 - r) / 4000)
    assert (np.abs(counts.mean(axis=0) - 100 * p) < 5 * error).all()


@pytest.mark.parametrize(("copies", "images"), [(1, 2000), (3, 700)])
def test_systematic_draws_of_equal_weights_have_equal_counts(copies: int, images: int) -> None:
    """n p_i is a whole number, so rounding could add one image and drop another."""
    counts = counts_of(np.full(images, 0.1), copies * images, 50, "systematic")
    assert (counts == copies).all()


def test_neighbours_are_drawn_together_as_often_as_other_pairs() -> None:
    # In the order of the file, two neighbours with n p = 1/4 would never be drawn together.
    counts = counts_of(np.full(12, 1 / 12), 3, 6000, "systematic")
    together = counts.T @ counts
    pairs = together[~np.eye(12, dtype=bool)]
    # All 66 pairs have the probability 3/12 2/11. Five standard errors of 6000 draws.
    share = 1 / 22
    assert np.abs(pairs / 6000 - share).max() < 5 * np.sqrt(share * (1 - share) / 6000)


def test_systematic_draws_lower_the_variance_of_a_mean_as_in_theory() -> None:
    """150 of 400 images are always drawn (n p = 1), with a simple sample of 150 of the others."""
    n, always, others = 300, 150, 250
    p = np.append(np.full(always, 1 / n), np.full(others, 150 / others / n))
    x = np.random.default_rng(0).lognormal(size=always + others)
    drawn = n - always
    multinomial = p @ (x - p @ x) ** 2 / n
    rest = x[always:].var(ddof=1)
    systematic = (drawn / n) ** 2 * rest / drawn * (1 - drawn / others)
    assert systematic < multinomial / 3
    for sampling, variance in (("with_replacement", multinomial), ("systematic", systematic)):
        means = counts_of(p, n, 4000, sampling) @ x / n
        # Five standard errors of the mean, and of a variance from 4000 nearly normal values.
        assert abs(means.mean() - p @ x) < 5 * np.sqrt(variance / 4000)
        assert means.var(ddof=1) == pytest.approx(variance, rel=5 * np.sqrt(2 / 4000))


def test_only_fractions_of_expected_counts_vary_in_systematic_draws() -> None:
    """The variance is Hajek's, of nearly random sampling with the fractional parts r of n p."""
    n = 200
    rng = np.random.default_rng(1)
    p, x = rng.dirichlet(np.full(500, 0.3)), rng.lognormal(size=500)
    r = n * p % 1
    b, m = r * (1 - r), r.sum()
    theory = b @ (x - b @ x / b.sum()) ** 2 / n**2 * m / (m - 1)
    means = counts_of(p, n, 4000, "systematic") @ x / n
    # Five standard errors of a variance are 11 %. The formula is accurate to 1 % here.
    assert means.var(ddof=1) == pytest.approx(theory, rel=0.13)
    assert theory < p @ (x - p @ x) ** 2 / n / 3


def test_systematic_draws_lower_kid_as_documented() -> None:
    """If all n p are whole numbers, nothing is random, and KID is lower by the full bound."""
    rng = np.random.default_rng(0)
    counts = np.array([0, 1, 2, 3, 4] * 4)
    real, candidates = rng.random((30, 5)), rng.random((20, 5))
    n, p = counts.sum(), counts / counts.sum()
    kernel = (candidates @ candidates.T / 5 + 1) ** 3
    own = (real @ real.T / 5 + 1) ** 3
    weighted = (own.sum() - np.trace(own)) / (30 * 29) + p @ kernel @ p
    weighted -= 2 * (((real @ candidates.T / 5 + 1) ** 3) @ p).mean()
    sampled = kernel_distance(real, candidates[draw(p, n, random_stream(0), "systematic")])
    less = (p @ np.diag(kernel) - p @ kernel @ p) / (n - 1)
    assert sampled == pytest.approx(weighted - less, rel=1e-9)


def test_draws_without_replacement_are_successive_draws() -> None:
    """The frequency of each order of three of four images is that of successive draws.

    Then first draws have the probabilities p, the sums over the orders that begin with an image.
    """
    p = np.array([0.5, 0.3, 0.15, 0.05])
    orders = list(permutations(range(4), 3))
    expected = np.array([p[a] * p[b] / (1 - p[a]) * p[c] / (1 - p[a] - p[b]) for a, b, c in orders])
    assert expected.sum() == pytest.approx(1)
    rng = random_stream(0)
    draws = [tuple(draw(p, 3, rng, "without_replacement").tolist()) for _ in range(20_000)]
    found = np.array([draws.count(order) for order in orders])
    # The seeds are fixed. Both tests must hold at the level 0.001.
    assert stats.chisquare(found, 20_000 * expected).pvalue > 0.001
    first = np.bincount([order[0] for order in draws])
    assert stats.chisquare(first, 20_000 * p).pvalue > 0.001


def test_draws_without_replacement_have_no_duplicates() -> None:
    p = np.random.default_rng(0).dirichlet(np.full(300, 0.2))
    counts = counts_of(p, 100, 50, "without_replacement")
    assert counts.max() == 1
    assert (counts.sum(axis=1) == 100).all()
    # As documented: images with n p > 1 are drawn less often than n p, and others more often.
    often = 100 * p > 1
    assert counts[:, often].sum(axis=1).mean() < 0.9 * 100 * p[often].sum()


def test_probabilities_of_any_scale_can_be_drawn_without_replacement() -> None:
    p = np.array([1e-150, 0, 1e150, 1e-5])
    assert draw(p, 3, random_stream(0), "without_replacement").tolist() == [2, 3, 0]


def test_too_few_images_without_replacement_are_refused() -> None:
    p = np.array([0.0, 0.5, 0, 0, 0.5, 0])
    assert set(draw(p, 2, random_stream(0), "without_replacement").tolist()) == {1, 4}
    with pytest.raises(FringeError, match="cannot draw 3 images, because only 2 of 6"):
        draw(p, 3, random_stream(0), "without_replacement")


def test_an_unknown_sampling_is_refused() -> None:
    with pytest.raises(FringeError, match="'stratified'; give 'with_replacement' or 'system"):
        draw(np.ones(3), 2, random_stream(0), "stratified")  # type: ignore[arg-type]


@pytest.mark.parametrize("sampling", ["with_replacement", "systematic"])
def test_probability_zero_is_never_drawn(sampling: Sampling) -> None:
    p = np.array([0.0, 0.5, 0, 0, 0.5, 0])
    assert set(draw(p, 10_000, random_stream(0), sampling).tolist()) == {1, 4}


def test_the_largest_random_number_gives_the_last_candidate_with_weight() -> None:
    class Top:
        def random(self, n: int) -> np.ndarray:
            return np.full(n, np.nextafter(1, 0))

    p = np.append(np.full(9, 1 / 9), 0)
    assert draw(p, 3, Top()).tolist() == [8, 8, 8]  # type: ignore[arg-type]


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_the_random_stream_determines_the_draws(sampling: Sampling) -> None:
    p = np.full(50, 0.02)
    first, again, other = (draw(p, 30, random_stream(s), sampling) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_effective_sample_size_of_known_weights() -> None:
    assert effective_sample_size(np.full(40, 1 / 40)) == pytest.approx(40)
    assert effective_sample_size(np.array([0, 3.0, 0])) == 1
    assert effective_sample_size(np.array([0.5, 0.25, 0.25])) == pytest.approx(1 / 0.375)
    assert effective_sample_size(np.full(40, 1e-300)) == pytest.approx(40)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_tensors_give_tensors(sampling: Sampling) -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(20))
    indices = draw(torch.from_numpy(p), 15, random_stream(0), sampling)
    assert isinstance(indices, torch.Tensor)
    assert indices.dtype == torch.int64
    assert np.array_equal(indices.numpy(), draw(p, 15, random_stream(0), sampling))


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("bad", [[0.5, -0.1], [0.0, 0.0], [np.nan, 1.0], [[0.5, 0.5]], []])
def test_bad_probabilities_are_refused(bad: list, sampling: Sampling) -> None:
    with pytest.raises(FringeError, match="probabilities"):
        draw(np.array(bad), 3, random_stream(0), sampling)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_a_draw_of_no_image_is_refused(sampling: Sampling) -> None:
    with pytest.raises(FringeError, match="n: got 0"):
        draw(np.ones(3), 0, random_stream(0), sampling)
