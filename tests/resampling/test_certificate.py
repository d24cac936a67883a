"""The bound from several tangents, and bounds compared with independent solvers."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.optimize import linprog, minimize

from fringe.metrics import Gaussian
from fringe.resampling import optimize_weights
from fringe.resampling.certificate import best_bound


def whole_program(cuts: np.ndarray) -> float:
    """Return the value of the game from one linear program over all candidates."""
    T, N = cuts.shape
    solution = linprog(
        np.append(np.zeros(T), -1),
        A_ub=np.column_stack([-cuts.T, np.ones(N)]),
        b_ub=np.zeros(N),
        A_eq=np.append(np.ones(T), 0)[None],
        b_eq=[1],
        bounds=[(0, None)] * T + [(None, None)],
    )
    return float(solution.x[-1])


@pytest.mark.parametrize(("T", "N"), [(1, 50), (2, 50), (8, 3000), (30, 1000)])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_best_mixture_equals_that_of_the_whole_program(T: int, N: int, scale: float) -> None:
    rng = np.random.default_rng(T)
    cuts = scale * (5 + rng.standard_normal((T, N)) * rng.uniform(0.5, 2, (T, 1)))
    bound, mixture = best_bound(torch.from_numpy(cuts))
    weights = mixture.numpy()
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)
    # The mixture proves the returned bound, and the bound is as good as that of the program.
    assert bound == pytest.approx((weights @ cuts).min(), rel=1e-12)
    best, single = whole_program(cuts / scale) * scale, cuts.min(axis=1).max()
    assert best - bound <= 1e-3 * (best - single) + 1e-12 * abs(best)
    assert bound >= single - 1e-12 * abs(best)


def test_bound_of_constant_tangents() -> None:
    bound, mixture = best_bound(torch.full((3, 20), 2.0, dtype=torch.float64))
    assert bound == 2.0
    assert float(mixture.sum()) == 1.0


def distance(p: np.ndarray, real: Gaussian, candidates: np.ndarray) -> float:
    """Return the objective from the textbook formula, with SciPy's matrix square root."""
    mean = p @ candidates
    centred = candidates - mean
    covariance = (centred * p[:, None]).T @ centred
    root = np.asarray(sqrtm(real.covariance)).real
    middle = np.asarray(sqrtm(root @ covariance @ root)).real
    traces = np.trace(real.covariance + covariance - 2 * middle)
    return float(np.sum((mean - real.mean) ** 2) + traces)


@pytest.mark.parametrize(("dim", "N"), [(2, 25), (8, 40)])
@pytest.mark.parametrize("seed", [0, 1])
def test_objective_and_bound_agree_with_an_independent_convex_solver(
    dim: int, N: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    real = Gaussian.from_features(rng.standard_normal((200, dim)) @ rng.standard_normal((dim, dim)))
    candidates = 1.5 * rng.standard_normal((N, dim)) + 0.3
    judge = minimize(
        distance,
        np.full(N, 1 / N),
        args=(real, candidates),
        method="SLSQP",
        bounds=[(0, None)] * N,
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
        options={"maxiter": 500, "ftol": 1e-12},
    )
    weights = optimize_weights(real, candidates, tolerance=1e-7, max_evaluations=500)
    assert weights.lower_bound <= judge.fun * (1 + 1e-9)
    # SLSQP differentiates numerically, which causes an error of about 1e-6.
    assert weights.objective <= judge.fun * (1 + 1e-9)
    assert weights.objective == pytest.approx(judge.fun, rel=1e-4)
    assert weights.gap <= 1e-6 * weights.objective


def test_random_weights_are_never_below_the_bound() -> None:
    rng = np.random.default_rng(5)
    candidates = np.abs(rng.standard_normal((60, 4))) ** 2
    real = Gaussian.from_features(np.abs(rng.standard_normal((100, 4))) ** 2 + 0.2)
    bound = optimize_weights(real, candidates, tolerance=1e-6, max_evaluations=300).lower_bound
    assert bound > 0
    for _ in range(300):
        p = rng.dirichlet(np.full(60, rng.uniform(0.02, 1)))
        assert distance(p, real, candidates) >= bound
