"""The first numbers of the released code and ours, with tolerances that detect mistakes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fringe.evaluation import gaussian_of, measure_checks
from fringe.evaluation.self_check import MINIMUM_SD
from fringe.features import FeatureFile, open_features
from fringe.files.hdf5 import create_h5
from fringe.metrics import Gaussian, frechet_distance
from fringe.resampling.released_step import released_loss
from fringe.scores.self_check import Check


def feature_file(path: Path, count: int, shift: float) -> FeatureFile:
    rows = np.random.default_rng(count).standard_normal((count, 6)) + shift
    with create_h5(path, {"first": 0, "last": count, "network": "tiny"}) as file:
        file.create_dataset("features", data=rows.astype("f4"), fletcher32=True)
    return open_features(path)


@pytest.fixture
def candidates(tmp_path: Path) -> FeatureFile:
    return feature_file(tmp_path / "made.h5", 800, 0.5)


@pytest.fixture
def real(tmp_path: Path) -> Gaussian:
    return gaussian_of(feature_file(tmp_path / "real.h5", 300, 0))


def measured(
    real: Gaussian, candidates: FeatureFile, loss: float | None, seed: int = 1, **stated: float
) -> list[Check]:
    networks = ["main", *stated]
    return measure_checks(
        dict.fromkeys(networks, real),
        dict.fromkeys(networks, candidates),
        stated,
        loss=loss,
        n_real=300,
        n_drawn=200,
        seed=seed,
    )


def test_the_loss_equals_the_released_one_at_equal_weights(
    real: Gaussian, candidates: FeatureFile
) -> None:
    tensors = Gaussian(torch.from_numpy(real.mean), torch.from_numpy(real.covariance))
    rows = torch.from_numpy(candidates.read("features").astype(np.float64))
    zero = torch.zeros(len(rows), dtype=torch.float64)
    released = float(released_loss(zero, rows, tensors))
    (found,) = measured(real, candidates, 5.0)
    # The released code adds 1e-12 to eigenvalues.
    assert found.value == pytest.approx(released, rel=1e-9)
    assert (found.name, found.n_drawn, found.draws, found.std) == ("loss", 800, 0, 0)


def test_distances_are_the_smallest_of_three_draws(real: Gaussian, candidates: FeatureFile) -> None:
    main, other = measured(real, candidates, None, main=1.0, other=1.0)
    assert main.draws == 15
    single = []
    rows = candidates.read("features").astype(np.float64)
    for seed in range(300):
        drawn = rows[np.random.default_rng(seed).integers(800, size=200)]
        single.append(frechet_distance(real, Gaussian.from_features(drawn)))
    spread = np.std(single)
    minima = np.reshape(single, (100, 3)).min(axis=1)
    # A mean of five minima, compared with a mean of a hundred minima.
    assert abs(main.value - minima.mean()) < 4 * MINIMUM_SD * spread * np.sqrt(1 / 5 + 1 / 100)
    assert minima.std() / spread == pytest.approx(MINIMUM_SD, rel=0.25)
    assert main.std == pytest.approx(spread, rel=0.6)
    assert other.value == main.value, "the same features and draws"
    assert other.tolerance - main.tolerance == pytest.approx(0.045)
    again, _ = measured(real, candidates, None, main=1.0, other=1.0)
    assert again == main
    assert measured(real, candidates, None, seed=2, main=1.0)[0].value != main.value


def test_the_tolerance_detects_a_wrong_filter(real: Gaussian, candidates: FeatureFile) -> None:
    """A wrong filter changes FFHQ's FID by about a fifth, which is far more than the tolerance."""
    (loss,) = measured(real, candidates, 5.0)
    value = loss.value
    assert measured(real, candidates, value * 1.004)[0].passes
    assert not measured(real, candidates, value * 1.006)[0].passes
    assert not measured(real, candidates, value * 0.8)[0].passes
    check = Check("inception", 5.25, 5.2, 0.04, 15, 0.125, "", 50000, 250000, 50000, 0)
    assert check.passes
    assert not replace(check, value=6.2).passes
