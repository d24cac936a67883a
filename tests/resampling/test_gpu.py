"""The solver on a GPU, compared with the CPU. Skipped on a machine without a GPU."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from fringe.metrics import Gaussian
from fringe.resampling import SampledDistance, optimize_weights
from fringe.resampling.objective import Objective

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


def problem(N: int = 20000, dim: int = 48) -> tuple[Gaussian, np.ndarray]:
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((dim, dim))
    real = np.abs(rng.standard_normal((2000, dim)) @ mixing)
    candidates = np.abs(rng.standard_normal((N, dim)) @ (mixing + 0.3)) + 0.2
    return Gaussian.from_features(real), candidates.astype(np.float32)


def test_one_evaluation_equals_that_of_the_cpu() -> None:
    real, candidates = problem()
    p = np.random.default_rng(1).dirichlet(np.ones(len(candidates)))
    here, there = (Objective(real, candidates, device).evaluate(p) for device in ("cpu", "cuda"))
    assert there.value == pytest.approx(here.value, rel=1e-9)
    # Both use float64, but the orders of summation differ.
    for one, other in ((here.tangent, there.tangent), (here.curvature, there.curvature)):
        np.testing.assert_allclose(
            other.cpu().numpy(), one.numpy(), atol=1e-9 * float(one.abs().max())
        )


@pytest.mark.parametrize("share", [8, 4, 0])  # kept as float64, as float32, streamed
def test_optimum_equals_that_of_the_cpu_and_can_be_resumed(share: int, tmp_path: Path) -> None:
    real, candidates = problem()
    on_cpu = optimize_weights(real, candidates)
    path = tmp_path / "features.h5"
    with h5py.File(path, "w") as file:
        file["features"] = candidates
    with h5py.File(path) as file:
        judge = SampledDistance(Objective(real, candidates, "cuda"), 1000, 0)
        arguments = {
            "judge": judge,
            "device": "cuda",
            "memory_limit": share * candidates.size,
            "checkpoint": tmp_path / "state.h5",
        }
        weights = optimize_weights(real, file["features"], **arguments)
        again = optimize_weights(real, file["features"], **arguments)
    assert weights.path[:, 1].min() == pytest.approx(on_cpu.objective, rel=1e-3)
    assert weights.lower_bound <= on_cpu.objective
    assert np.array_equal(again.probabilities, weights.probabilities)
    assert weights.checks[:, 3].min() == judge(weights.probabilities, 0)
