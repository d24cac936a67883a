"""The step of the released code, compared with golden data and with the closed form."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.metrics import Gaussian
from fringe.resampling import optimize_weights
from fringe.resampling.reference import DivergenceError, Reference
from fringe.resampling.released_step import released_loss, released_step, time_released_step


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "golden" / "resampling.npz") as arrays:
        return dict(arrays)


def tensors(real: np.ndarray) -> Gaussian:
    statistics = Gaussian.from_features(real)
    return Gaussian(torch.from_numpy(statistics.mean), torch.from_numpy(statistics.covariance))


def test_first_steps_equal_the_golden_ones(golden: dict[str, np.ndarray]) -> None:
    features, real = torch.from_numpy(golden["gen"]).double(), tensors(golden["real"])
    w = torch.zeros(len(features), dtype=torch.float64)
    losses = []
    for _ in range(10):
        loss, w = released_step(w, features, real, 10.0)
        losses.append(loss)
        if len(losses) == 1:
            step = golden["grad_it0"].ravel() * -10
            np.testing.assert_allclose(w.numpy(), step, rtol=1e-8, atol=1e-14)
    np.testing.assert_allclose(losses, golden["loss_all"][:10], rtol=1e-9)
    np.testing.assert_allclose(w.numpy(), golden["w_log_after_10"].ravel(), rtol=0, atol=1e-9)


def test_closed_form_has_the_same_loss_and_gradient(golden: dict[str, np.ndarray]) -> None:
    """They agree far from equal weights too, where the eigenvalues of the product differ widely."""
    reference = Reference(Gaussian.from_features(golden["real"]), golden["gen"], 10.0)
    features, real = torch.from_numpy(golden["gen"]).double(), tensors(golden["real"])
    for log_weights in (golden["w_log_after_100"], golden["w_log_final"]):
        w = torch.from_numpy(log_weights.ravel()).requires_grad_()
        loss = released_loss(w, features, real)
        (gradient,) = torch.autograd.grad(loss, w)
        expected, closed = reference.loss(log_weights.ravel())
        assert loss.item() == pytest.approx(expected, rel=1e-8)
        np.testing.assert_allclose(gradient.numpy(), closed, rtol=0, atol=1e-8 * abs(closed).max())


@pytest.mark.parametrize("steps", [1, 3])
def test_time_is_that_of_the_fastest_step(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fastest step counts. The first step never counts, even if it is the fastest."""
    rng = np.random.default_rng(0)
    real = Gaussian.from_features(rng.standard_normal((40, 5)))
    clock = iter(np.cumsum([0.0, 0.1, 9.0, 3.0, 9.0, 2.0, 9.0, 4.0]))
    monkeypatch.setattr("fringe.resampling.released_step.time.perf_counter", lambda: next(clock))
    timing = time_released_step(real, rng.standard_normal((60, 5)).astype(np.float32), steps)
    assert timing.seconds == pytest.approx(3.0 if steps == 1 else 2.0)
    assert timing.steps == steps
    assert timing.device == "cpu"
    assert timing.threads == torch.get_num_threads()


@pytest.mark.parametrize("case", ["constant columns", "few real images", "few candidates"])
def test_singular_covariances_can_be_timed(case: str) -> None:
    """The released loss may be NaN in this case, but its step takes as long."""
    rng = np.random.default_rng(0)
    real, candidates = rng.standard_normal((40, 12)), rng.standard_normal((60, 12))
    if case == "constant columns":
        real[:, [2, 3, 7]], candidates[:, [3, 4]] = 0, 0
    elif case == "few real images":
        real = real[:6]
    else:
        candidates = candidates[:5]
    assert time_released_step(Gaussian.from_features(real), candidates).seconds > 0


def test_a_device_that_does_not_exist_is_refused() -> None:
    real = Gaussian.from_features(np.random.default_rng(0).standard_normal((40, 5)))
    with pytest.raises(FringeError, match="cuda:99"):
        time_released_step(real, np.ones((9, 5)), device="cuda:99")


def test_a_divergence_error_contains_the_path() -> None:
    rng = np.random.default_rng(0)
    real, candidates = rng.standard_normal((40, 5)), 1e3 * rng.standard_normal((60, 5))
    with pytest.raises(DivergenceError) as caught:
        optimize_weights(real, candidates, "reference", max_evaluations=50)
    path = caught.value.path
    assert 1 <= len(path) < 50
    assert np.isfinite(path[:, 1]).all()


def test_steps_that_would_diverge_can_be_timed() -> None:
    rng = np.random.default_rng(0)
    real = Gaussian.from_features(rng.standard_normal((40, 5)))
    assert time_released_step(real, 1e3 * rng.standard_normal((60, 5))).seconds > 0
