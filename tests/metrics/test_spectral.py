"""Spectral differences, compared with dense eigenproblems of the kernel values."""

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.metrics import spectral, spectral_difference
from fringe.seeds import random_stream

from .sliced import Sliced


def dense(of_bb: np.ndarray, of_ba: np.ndarray, of_aa: np.ndarray, eta: float) -> np.ndarray:
    """Return the eigenvalues of the paper's matrix of kernel values (Eq. 7), largest first."""
    m, n = of_ba.shape
    cross = np.sqrt(eta / (m * n)) * of_ba
    matrix = np.block([[of_bb / m, cross], [-cross.T, -eta * of_aa / n]])
    return np.sort(np.linalg.eigvals(matrix).real)[::-1]


def gaussian(x: np.ndarray, y: np.ndarray, sigma: float) -> np.ndarray:
    return np.exp(-np.square(x[:, None] - y).sum(axis=2) / (2 * sigma**2))


def ken(eigenvalues: np.ndarray) -> float:
    """Return KEN as in the published code: the entropy of shares, times their sum."""
    positive = eigenvalues[eigenvalues > 1e-12]
    shares = positive / positive.sum()
    return float(-(shares * np.log(shares)).sum() * positive.sum())


def sets(seed: int = 0, n: int = 120, m: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Return a with kinds 0 to 3 and b with kinds 0 to 5. The images of b are sorted by kind."""
    rng = np.random.default_rng(seed)
    kinds = 8 * np.eye(6, 10)
    of_b = np.repeat(np.arange(6), [m // 4, m // 5, m // 10, m // 10, m // 5, m - 17 * m // 20])
    a, b = kinds[rng.integers(0, 4, n)], kinds[of_b]
    return a + 0.4 * rng.standard_normal(a.shape), b + 0.4 * rng.standard_normal(b.shape)


@pytest.mark.parametrize("eta", [1.0, 3.0])
@pytest.mark.parametrize("rows", [2048, 17])
def test_dense_eigenproblem_of_the_same_features(
    eta: float, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spectral, "ROWS", rows)
    a, b = sets()
    draws = random_stream(5, "spectral difference", "frequencies").standard_normal((10, 32))
    of_a, of_b = (
        np.concatenate([np.cos(v @ draws / 4), np.sin(v @ draws / 4)], axis=1) / np.sqrt(32)
        for v in (a, b)
    )
    expected = dense(of_b @ of_b.T, of_b @ of_a.T, of_a @ of_a.T, eta)
    found = spectral_difference(a, b, sigma=4, eta=eta, features=32, seed=5, modes=8)
    np.testing.assert_allclose(found.eigenvalues, expected[:8], rtol=1e-6, atol=1e-12)
    assert found.score.value == pytest.approx(ken(expected), rel=1e-6)
    assert found.excess.value == pytest.approx(expected[expected > 1e-12].sum(), rel=1e-6)


def test_dense_eigenproblem_of_the_kernel() -> None:
    a, b = sets()
    parts = gaussian(b, b, 4), gaussian(b, a, 4), gaussian(a, a, 4)
    expected = dense(*parts, 1)
    found = spectral_difference(a, b, sigma=4, features=512)
    np.testing.assert_allclose(found.eigenvalues[:2], expected[:2], atol=0.02)
    assert found.score.value == pytest.approx(ken(expected), rel=0.1)


def test_missing_modes_are_found() -> None:
    a, b = sets()  # kinds 4 and 5 are images 65 to 84 and 85 to 99
    found = spectral_difference(a, b, sigma=4, features=256, images=10)
    assert set(found.images[0]) <= set(range(65, 85))
    assert set(found.images[1]) <= set(range(85, 100))
    assert 0.08 < found.eigenvalues[1] < found.eigenvalues[0] < 0.2
    assert found.memberships[0].min() > 0.5
    assert (np.diff(found.memberships) <= 0).all()
    back = spectral_difference(b, a, sigma=4, features=256, images=10)
    assert back.excess.value < found.excess.value + 0.1
    # Without the kinds that a lacks, only chance differences remain.
    without = spectral_difference(a, b[:65], sigma=4, features=256)
    assert without.score.value < 0.6 * found.score.value
    assert spectral_difference(a, a, sigma=4, features=256).score.value < 1e-9


def test_kinds_of_both_sets_are_not_modes_with_a_larger_eta() -> None:
    rng = np.random.default_rng(1)
    kinds = 8 * np.eye(3, 10)
    a = kinds[np.repeat([0, 1], [80, 40])] + rng.standard_normal((120, 10))
    b = kinds[np.repeat([0, 1, 2], [30, 60, 30])] + rng.standard_normal((120, 10))
    once = spectral_difference(a, b, sigma=4, features=256, modes=2, images=5)
    assert set(once.images.ravel()) <= set(range(30, 120))
    assert {int(row[0]) >= 90 for row in once.images} == {True, False}
    often = spectral_difference(a, b, sigma=4, features=256, eta=4, modes=1, images=5)
    assert set(often.images.ravel()) <= set(range(90, 120))


def test_tensors_and_slices_give_the_same_result() -> None:
    a, b = (each.astype(np.float32) for each in sets())
    expected = spectral_difference(a, b, sigma=4, features=64)
    for one, other in ((torch.from_numpy(a), torch.from_numpy(b)), (Sliced(a), Sliced(b))):
        found = spectral_difference(one, other, sigma=4, features=64)
        assert found.score == expected.score
        np.testing.assert_array_equal(found.images, expected.images)
    few = spectral_difference(a, b[:7], sigma=4, features=3, modes=50, images=50)
    assert few.eigenvalues.shape == (6,)
    assert few.images.shape == (6, 7)


def test_errors_equal_the_spread_between_sets() -> None:
    """The spread of 200 repeats of 240 + 200 images is accurate to 5%."""

    def draw(rng: np.random.Generator, count: int, shares: list[float]) -> np.ndarray:
        kinds = 8 * np.eye(3, 6)[rng.choice(3, count, p=shares)]
        return kinds + 0.5 * rng.standard_normal(kinds.shape)

    rng = np.random.default_rng(2)
    found = []
    for _ in range(200):
        a, b = draw(rng, 240, [0.7, 0.3, 0]), draw(rng, 200, [0.2, 0.5, 0.3])
        one = spectral_difference(a, b, sigma=4, features=32, modes=2)
        found.append([*one.score, *one.excess, *one.eigenvalues, *one.errors])
    means, spread = np.mean(found, axis=0), np.std(found, axis=0, ddof=1)
    assert means[1] == pytest.approx(spread[0], rel=0.25)
    assert means[3] == pytest.approx(spread[2], rel=0.25)
    assert means[6] == pytest.approx(spread[4], rel=0.25)


def test_errors_of_many_images_are_estimated_on_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = sets(n=900, m=800)
    expected = spectral_difference(a, b, sigma=4, features=64)
    monkeypatch.setattr(spectral, "SAMPLE", 300)
    found = spectral_difference(Sliced(a), b, sigma=4, features=64)
    assert found.score.value == expected.score.value
    assert found.score.error == pytest.approx(expected.score.error, rel=0.2)
    assert found.score.error != expected.score.error
    np.testing.assert_array_equal(found.errors, expected.errors)
    np.testing.assert_array_equal(found.images, expected.images)


def test_bad_input_is_refused() -> None:
    a, b = sets()
    broken = a.copy()
    broken[17, 2] = np.nan
    for arguments, options, message in (
        ((a, b[:, :3]), {}, "a and b have 10 and 3 dimensions"),
        ((broken, b), {}, "a: row 17 holds NaN"),
        ((a, broken), {}, "b: row 17 holds NaN"),
        ((a[:1], b), {}, "a: got 1 image; give at least two"),
        ((a, b), {"sigma": 0}, "sigma: got 0; give a positive number"),
        ((a, b), {"eta": np.nan}, "eta: got nan; give a positive number"),
        ((a, b), {"features": 0}, "features: got 0; give a whole number"),
    ):
        with pytest.raises(FringeError, match=message):
            spectral_difference(*arguments, **{"sigma": 4, **options})  # type: ignore[arg-type]
