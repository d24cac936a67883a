"""Value, gradient and lower bound of the weighted Fréchet distance."""

import numpy as np
import ot
import pytest

from fringe.metrics import Gaussian, frechet_distance
from fringe.resampling.objective import Objective


def problem(
    n: int = 200, N: int = 150, dim: int = 6, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((dim, dim))
    real = rng.standard_normal((n, dim)) @ mixing + 1
    return real, rng.standard_normal((N, dim)) @ (mixing + 0.3) + 1.2


def some_weights(N: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(N))


@pytest.mark.parametrize("dim", [6, 60, 300])
def test_value_is_that_of_the_weighted_gaussian(dim: int) -> None:
    real, candidates = problem(dim=dim)
    p = some_weights(len(candidates))
    gaussian = Gaussian.from_features(real)
    value = Objective(gaussian, candidates).evaluate(p).value
    weighted = Gaussian.from_features(candidates, p)
    assert value == pytest.approx(frechet_distance(gaussian, weighted), rel=1e-7)


def test_value_beside_the_optimal_transport_library() -> None:
    real, candidates = problem()
    p = some_weights(len(candidates))
    judge = ot.gaussian.empirical_bures_wasserstein_distance(
        real, candidates, ws=np.full((len(real), 1), 1 / len(real)), wt=p[:, None], reg=0
    )
    divided_by_n = Gaussian.from_features(real, ddof=0)
    value = Objective(divided_by_n, candidates).evaluate(p).value
    assert value == pytest.approx(judge**2, rel=1e-9)


@pytest.mark.parametrize("dim", [6, 60])
def test_gradient_by_finite_differences(dim: int) -> None:
    real, candidates = problem(dim=dim)
    objective = Objective(Gaussian.from_features(real), candidates)
    p = some_weights(len(candidates))
    gradient = objective.evaluate(p).gradient
    for seed in range(3):
        q = some_weights(len(p), 10 + seed)
        h = 1e-5
        difference = (
            objective.evaluate(p + h * (q - p)).smoothed
            - objective.evaluate(p - h * (q - p)).smoothed
        ) / (2 * h)
        assert gradient @ (q - p) == pytest.approx(difference, rel=1e-6)


@pytest.mark.parametrize(("N", "dim"), [(150, 6), (150, 200), (20, 40)])
def test_convex_and_never_below_any_bound(N: int, dim: int) -> None:
    real, candidates = problem(N=N, dim=dim)
    objective = Objective(Gaussian.from_features(real), candidates)
    points = [some_weights(N, seed) for seed in range(8)] + [np.eye(N)[3], np.full(N, 1 / N)]
    results = [objective.evaluate(p) for p in points]
    bound = max(result.lower_bound for result in results)
    tiny = 1e-9 * max(result.value for result in results)
    for p, at_p in zip(points, results, strict=True):
        assert at_p.value >= bound - tiny
        assert np.isfinite(at_p.gradient).all()
        for q, at_q in zip(points, results, strict=True):
            middle = objective.evaluate((p + q) / 2).value
            assert middle <= (at_p.value + at_q.value) / 2 + tiny


def test_bound_is_tight_at_a_planted_optimum() -> None:
    # The real statistics are those of weighted candidates, so the optimum is 0 and known.
    _, candidates = problem(N=400)
    p = some_weights(400)
    objective = Objective(Gaussian.from_features(candidates, p), candidates)
    at_optimum = objective.evaluate(p)
    assert at_optimum.value == pytest.approx(0, abs=1e-9)
    assert np.ptp(at_optimum.gradient) < 1e-5
    assert at_optimum.value - at_optimum.lower_bound < 1e-5


def test_origin_and_unit_do_not_matter() -> None:
    real, candidates = problem()
    p = some_weights(len(candidates))
    plain = Objective(Gaussian.from_features(real), candidates).evaluate(p)
    for unit, offset in ((1e-9, 0.0), (1e9, 0.0), (1.0, 1e5)):
        moved = Objective(
            Gaussian.from_features(unit * real + offset), unit * candidates + offset
        ).evaluate(p)
        assert moved.value == pytest.approx(unit**2 * plain.value, rel=1e-6)
        expected = unit**2 * (plain.gradient - p @ plain.gradient)
        np.testing.assert_allclose(
            moved.gradient - p @ moved.gradient, expected, atol=1e-6 * np.abs(expected).max()
        )
