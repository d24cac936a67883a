"""Kernel distances of tensors, compared with those of arrays and with all pairs written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.metrics import Kernel, kernel_distances, kernel_tensors
from fringe.metrics.kernel_tensors import kernel_distances_of_tensors

KERNELS = [Kernel(), Kernel("polynomial", 0.3), Kernel("rbf", 0.05), Kernel("rbf")]


def features(count: int, dim: int, seed: int) -> np.ndarray:
    return np.maximum(np.random.default_rng(seed).standard_normal((count, dim)) + 0.3, 0)


def all_pairs(x: np.ndarray, y: np.ndarray, kernel: Kernel) -> float:
    """Return the estimate, computed one pair at a time."""
    gamma = kernel.gamma or 1 / x.shape[1]

    def value(a: np.ndarray, b: np.ndarray) -> float:
        if kernel.name == "polynomial":
            return float((gamma * (a @ b) + 1) ** 3)
        return float(np.exp(-gamma * ((a - b) ** 2).sum()))

    def within(side: np.ndarray) -> float:
        return np.mean([value(a, b) for i, a in enumerate(side) for b in np.delete(side, i, 0)])

    return float(within(x) + within(y) - 2 * np.mean([value(a, b) for a in x for b in y]))


@pytest.mark.parametrize("block", [7, 4096])
def test_distance_of_all_pairs_equals_its_definition(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(kernel_tensors, "BLOCK", block)
    x, y = features(23, 5, 0), 1.2 * features(31, 5, 1)
    found = kernel_distances_of_tensors(torch.from_numpy(x), torch.from_numpy(y), KERNELS)
    np.testing.assert_allclose(found, [all_pairs(x, y, k) for k in KERNELS], rtol=0, atol=1e-13)
    assert min(map(abs, found)) > 1e-3


def test_subsets_equal_those_of_arrays() -> None:
    x, y = features(90, 6, 2).astype(np.float32), features(70, 6, 3).astype(np.float32)
    how: dict[str, Any] = {"subsets": 4, "subset_size": 30, "seed": 5}
    found = kernel_distances_of_tensors(torch.from_numpy(x), torch.from_numpy(y), KERNELS, **how)
    expected = kernel_distances(x.astype(float), y.astype(float), KERNELS, **how)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    other = kernel_distances(x.astype(float), y.astype(float), KERNELS, **{**how, "seed": 6})
    assert np.abs(np.subtract(found, other)).min() > 1e-6


@pytest.mark.parametrize(
    ("real", "generated", "message"),
    [
        (torch.ones(4, 3), torch.ones(4, 2), r"shapes \(4, 3\) and \(4, 2\)"),
        (torch.ones(4), torch.ones(4), "give matrices"),
        (torch.ones(4, 3), torch.full((4, 3), torch.nan), "generated features hold NaN"),
        (torch.ones(1, 3), torch.ones(4, 3), "got 1 real and 4 generated images"),
        (torch.ones(4, 3), torch.ones(4, 3, device="meta"), "on cpu, generated features on meta"),
    ],
    ids=["columns", "vectors", "nan", "few", "places"],
)
def test_bad_input_is_refused(real: Any, generated: Any, message: str) -> None:
    with pytest.raises(FringeError, match=message):
        kernel_distances_of_tensors(real, generated, KERNELS[:1])
