"""Value, gradient and lower bound of the weighted Fréchet distance."""

from pathlib import Path

import h5py
import numpy as np
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
def test_value_equals_that_of_the_weighted_gaussian(dim: int) -> None:
    real, candidates = problem(dim=dim)
    p = some_weights(len(candidates))
    gaussian = Gaussian.from_features(real)
    value = Objective(gaussian, candidates).evaluate(p).value
    weighted = Gaussian.from_features(candidates, p)
    assert value == pytest.approx(frechet_distance(gaussian, weighted), rel=1e-7)


def test_value_equals_pot() -> None:
    import ot  # imported here because it takes a second

    real, candidates = problem()
    p = some_weights(len(candidates))
    judge = ot.gaussian.empirical_bures_wasserstein_distance(
        real, candidates, ws=np.full((len(real), 1), 1 / len(real)), wt=p[:, None], reg=0
    )
    divided_by_n = Gaussian.from_features(real, ddof=0)
    value = Objective(divided_by_n, candidates).evaluate(p).value
    assert value == pytest.approx(judge**2, rel=1e-9)


@pytest.mark.parametrize("dim", [6, 60])
def test_gradient_equals_finite_differences(dim: int) -> None:
    real, candidates = problem(dim=dim)
    objective = Objective(Gaussian.from_features(real), candidates)
    p = some_weights(len(candidates))
    gradient = objective.evaluate(p).tangent.numpy()
    for seed in range(3):
        q = some_weights(len(p), 10 + seed)
        h = 1e-5
        difference = (
            objective.evaluate(p + h * (q - p)).smoothed
            - objective.evaluate(p - h * (q - p)).smoothed
        ) / (2 * h)
        assert gradient @ (q - p) == pytest.approx(difference, rel=1e-6)


@pytest.mark.parametrize(("N", "dim"), [(150, 6), (150, 200), (20, 40)])
def test_objective_is_convex_and_never_below_a_bound(N: int, dim: int) -> None:
    real, candidates = problem(N=N, dim=dim)
    objective = Objective(Gaussian.from_features(real), candidates)
    points = [some_weights(N, seed) for seed in range(8)] + [np.eye(N)[3], np.full(N, 1 / N)]
    results = [objective.evaluate(p) for p in points]
    bound = max(float(result.tangent.min()) for result in results)
    tiny = 1e-9 * max(result.value for result in results)
    for p, at_p in zip(points, results, strict=True):
        assert at_p.value >= bound - tiny
        assert np.isfinite(at_p.tangent.numpy()).all()
        assert at_p.value >= p @ at_p.tangent.numpy() - tiny
        for q, at_q in zip(points, results, strict=True):
            assert at_q.value >= q @ at_p.tangent.numpy() - tiny
            middle = objective.evaluate((p + q) / 2).value
            assert middle <= (at_p.value + at_q.value) / 2 + tiny


def test_bound_is_tight_at_a_planted_optimum() -> None:
    # The real statistics are those of weighted candidates, so the optimum is known to be 0.
    _, candidates = problem(N=400)
    p = some_weights(400)
    objective = Objective(Gaussian.from_features(candidates, p), candidates)
    at_optimum = objective.evaluate(p)
    assert at_optimum.value == pytest.approx(0, abs=1e-9)
    assert np.ptp(at_optimum.tangent.numpy()) < 1e-5
    assert at_optimum.value - float(at_optimum.tangent.min()) < 1e-5


def test_result_does_not_depend_on_origin_and_unit() -> None:
    real, candidates = problem()
    p = some_weights(len(candidates))
    plain = Objective(Gaussian.from_features(real), candidates).evaluate(p)
    for unit, offset in ((1e-9, 0.0), (1e9, 0.0), (1.0, 1e5)):
        moved = Objective(
            Gaussian.from_features(unit * real + offset), unit * candidates + offset
        ).evaluate(p)
        assert moved.value == pytest.approx(unit**2 * plain.value, rel=1e-6)
        expected = unit**2 * plain.tangent.numpy()
        np.testing.assert_allclose(
            moved.tangent.numpy(), expected, atol=1e-6 * np.abs(expected).max()
        )


@pytest.mark.parametrize("dim", [6, 60])
def test_curvature_bounds_the_diagonal_of_the_hessian(dim: int) -> None:
    real, candidates = problem(dim=dim)
    objective = Objective(Gaussian.from_features(real), candidates)
    p = some_weights(len(candidates)) + 0.01
    p /= p.sum()
    curvature = objective.evaluate(p).curvature.numpy()
    h = 1e-3
    for i in (0, 7, 90):
        # Towards candidate i: the second derivative along e_i - p.
        towards = np.eye(len(p))[i] - p
        ahead, here, behind = (
            objective.evaluate(p + step * towards).smoothed for step in (h, 0.0, -h)
        )
        measured = (ahead - 2 * here + behind) / h**2
        # The finite difference has a relative error of about h^2.
        assert 0.1 * curvature[i] < measured < 1.02 * curvature[i]


def rows_of(candidates: np.ndarray, path: Path) -> h5py.Dataset:
    file = h5py.File(path, "w")
    return file.create_dataset("features", data=candidates, chunks=(16, candidates.shape[1]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, bool])
def test_kept_and_streamed_candidates_give_the_same_bits(
    dtype: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fringe.resampling.candidates.BLOCK", 32)
    real, candidates = problem()
    candidates = (10 * candidates + 40).astype(dtype)
    gaussian = Gaussian.from_features(10 * real + 40)
    p = some_weights(len(candidates))
    size = candidates.size
    kept = Objective(gaussian, candidates, memory_limit=8 * size).evaluate(p)
    dataset = rows_of(candidates, tmp_path / "features.h5")
    for source, limit in ((candidates, 0), (dataset, 8 * size), (dataset, 4 * size), (dataset, 0)):
        other = Objective(gaussian, source, memory_limit=limit).evaluate(p)
        assert other.value == kept.value
        assert np.array_equal(other.tangent.numpy(), kept.tangent.numpy())
        assert np.array_equal(other.curvature.numpy(), kept.curvature.numpy())


def test_distance_of_drawn_images_equals_that_of_repeated_rows() -> None:
    real, candidates = problem(dim=20)
    gaussian = Gaussian.from_features(real)
    counts = np.random.default_rng(3).poisson(0.7, len(candidates))
    repeated = np.repeat(candidates, counts, axis=0)
    expected = frechet_distance(gaussian, Gaussian.from_features(repeated))
    assert Objective(gaussian, candidates).distance(counts) == pytest.approx(expected, rel=1e-9)
