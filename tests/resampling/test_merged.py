"""Merged released steps: the released iteration within the stated error, resuming, divergence."""

from collections.abc import Callable
from functools import cache
from inspect import signature
from pathlib import Path

import h5py
import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.metrics import Gaussian
from fringe.resampling import (
    SampledDistance,
    Weights,
    draw,
    optimize_weights,
    reference,
    saved_state,
)
from fringe.resampling.objective import Objective
from fringe.resampling.reference import DivergenceError, Reference

MERGE = signature(optimize_weights).parameters["merge"].default
STEPS = 1200  # step size x steps / candidates is 4 on the golden problem, as in the paper


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "golden" / "resampling.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def objective(golden: dict[str, np.ndarray]) -> Objective:
    return Objective(Gaussian.from_features(golden["real"]), golden["gen"])


@pytest.fixture(scope="module")
def judge(objective: Objective) -> SampledDistance:
    return SampledDistance(objective, 1500, seed=1)


@pytest.fixture(scope="module")
def unmerged(golden: dict[str, np.ndarray], judge: SampledDistance) -> Weights:
    return optimize_weights(
        golden["real"], golden["gen"], "reference", max_evaluations=STEPS, judge=judge
    )


@pytest.fixture(scope="module")
def merged(golden: dict[str, np.ndarray], judge: SampledDistance) -> Callable[[float], Weights]:
    """Return a cached function that optimizes with a given limit of merging."""

    @cache
    def optimized(merge: float) -> Weights:
        return optimize_weights(
            golden["real"],
            golden["gen"],
            "released",
            max_evaluations=STEPS,
            merge=merge,
            judge=judge,
        )

    return optimized


@pytest.fixture(scope="module")
def unmerged_distance(objective: Objective, unmerged: Weights) -> float:
    return drawn(objective, unmerged.probabilities)


def problem(scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((6, 6))
    real = rng.standard_normal((300, 6)) @ mixing
    return scale * real, scale * (rng.standard_normal((500, 6)) @ (mixing + 0.2) + 0.1)


def drawn(objective: Objective, p: np.ndarray, repeats: int = 40) -> float:
    """Return the mean FID of images drawn with ``p``; its standard error is about 0.004."""
    counts = [
        np.bincount(draw(p, 1500, np.random.default_rng(repeat)), minlength=len(p))
        for repeat in range(repeats)
    ]
    return float(np.mean([objective.distance(count) for count in counts]))


def test_loss_and_gradient_equal_the_released_ones(
    golden: dict[str, np.ndarray], objective: Objective
) -> None:
    algorithm = Reference(Gaussian.from_features(golden["real"]), golden["gen"], 10.0)
    for w in (np.zeros(3000), golden["w_log_after_500"].ravel(), golden["w_log_final"].ravel()):
        loss, gradient = algorithm.loss(w)
        found, slope = objective.evaluate_released(w)
        assert found == pytest.approx(loss, rel=1e-11)
        np.testing.assert_allclose(slope.numpy(), gradient, rtol=0, atol=1e-11)
    # If both covariances are singular, the number added to each eigenvalue matters.
    real, candidates = golden["bin_real_top_n5"], golden["bin_gen_top_n5"]
    statistics = Gaussian.from_features(real.astype(np.float32))
    w = golden["bin5_w_log_final"].ravel()
    loss, gradient = Reference(statistics, candidates.astype(np.float32), 10.0).loss(w)
    found, slope = Objective(statistics, candidates.astype(np.float32)).evaluate_released(w)
    assert found == pytest.approx(loss, rel=1e-9)
    np.testing.assert_allclose(slope.numpy(), gradient, rtol=0, atol=1e-10)


def test_no_merging_gives_the_released_iteration(
    merged: Callable[[float], Weights], unmerged: Weights
) -> None:
    weights = merged(0)
    assert weights.merging is not None
    np.testing.assert_allclose(weights.path[:, 1], unmerged.path[:, 1], rtol=1e-9)
    np.testing.assert_allclose(weights.probabilities, unmerged.probabilities, atol=1e-12)
    errors = weights.merging.weights_error, weights.merging.loss_error
    assert (*errors, weights.merging.sampled_error) == (0, 0, 0)


@pytest.mark.parametrize("merge", [0.02, MERGE, 0.2])
def test_merging_errors_are_within_the_stated_errors(
    merge: float,
    merged: Callable[[float], Weights],
    objective: Objective,
    unmerged: Weights,
    unmerged_distance: float,
) -> None:
    weights = merged(merge)
    merging = weights.merging
    assert merging is not None
    assert len(weights.path) < 700
    assert merging.evaluations < 1400
    assert weights.checks[:, 0].tolist() == [1, 500, 1000, STEPS]
    assert weights.checks[:, 3].argmin() == unmerged.checks[:, 3].argmin()
    moved = abs(weights.probabilities - unmerged.probabilities).sum() / 2
    assert 0 < moved <= merging.weights_error < 0.01
    assert abs(weights.objective - unmerged.objective) <= merging.loss_error < 0.001
    # Means of 40 draws differ by far less than single draws.
    change = drawn(objective, weights.probabilities) - unmerged_distance
    assert abs(change) <= merging.sampled_error + 0.008
    # The losses of the path are within the largest stated error.
    at = weights.path[:, 0].astype(int) - 1
    errors = abs(weights.path[:, 1] - unmerged.path[at, 1])
    assert errors.max() <= abs(merging.differences).max()


def test_the_released_weights_draw_a_higher_fid_than_the_optimal_ones(
    golden: dict[str, np.ndarray],
    objective: Objective,
    judge: SampledDistance,
    merged: Callable[[float], Weights],
) -> None:
    released = merged(MERGE)
    optimal = optimize_weights(golden["real"], golden["gen"], judge=judge)
    assert drawn(objective, released.probabilities) == pytest.approx(0.508, abs=0.015)
    assert drawn(objective, optimal.probabilities) == pytest.approx(0.447, abs=0.015)


@pytest.mark.parametrize("killed", [2, 9, 30])
def test_same_bits_after_an_interruption(
    killed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_state, "INTERVAL", 0.0)
    monkeypatch.setattr(reference, "EVERY", 20)
    real, candidates = problem()
    judge = SampledDistance(Objective(Gaussian.from_features(real), candidates), 300, 4)

    def run(path: Path | None) -> Weights:
        return optimize_weights(
            *problem(),
            "released",
            max_evaluations=90,
            learning_rate=1.0,
            judge=judge,
            checkpoint=path,
        )

    whole = run(None)
    assert whole.merging is not None
    assert len(whole.path) < 90
    genuine = Objective.evaluate_released
    calls: list[int] = []

    def failing(self: Objective, w: np.ndarray) -> object:
        calls.append(1)
        if len(calls) == killed:
            raise KeyboardInterrupt
        return genuine(self, w)

    monkeypatch.setattr(Objective, "evaluate_released", failing)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "state.h5")
    resumed = run(tmp_path / "state.h5")
    assert len(calls) <= whole.merging.evaluations + 4  # at most one block is computed again
    assert np.array_equal(resumed.probabilities, whole.probabilities)
    assert np.array_equal(resumed.path[:, :4], whole.path[:, :4], equal_nan=True)
    assert np.array_equal(resumed.checks, whole.checks)
    assert resumed.merging is not None
    assert resumed.merging.weights_error == whole.merging.weights_error
    with h5py.File(tmp_path / "state.h5") as file:
        assert file["done"][()]


def test_message_on_divergence_names_the_step_size() -> None:
    real, candidates = problem(100.0)
    with pytest.raises(DivergenceError, match=r"step size 10 .*lower learning_rate"):
        optimize_weights(real, candidates, "released", max_evaluations=600)


def test_a_negative_merge_is_refused() -> None:
    with pytest.raises(FringeError, match="merge: got -1"):
        optimize_weights(*problem(), "released", merge=-1)
