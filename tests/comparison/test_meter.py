"""Tests of the meter for training loops."""

import numpy as np
import pytest
import torch

import fringe
from fringe.errors import FringeError
from fringe.metrics import frechet_influence
from fringe.networks import load_network


def test_meter_agrees_with_the_distance_of_all_features_at_once() -> None:
    rng = np.random.default_rng(0)
    real, generated = (rng.integers(0, 256, (120, 3, 32, 32), np.uint8) for _ in range(2))
    network = load_network("untrained")
    meter = fringe.FrechetMeter(network, batch_size=30)
    meter.update(torch.from_numpy(real), real=True)
    for part in np.array_split(generated, 4):
        meter.update(part)
    found = meter.compute()
    features = [network(torch.from_numpy(images)).features.numpy() for images in (real, generated)]
    slow = frechet_influence(*features)
    assert found.value == pytest.approx(slow.distance, rel=1e-4)
    assert found.standard_error == pytest.approx(slow.standard_error(), rel=1e-4)
    assert (found.n_real, found.n_generated) == (120, 120)
    meter.reset()
    with pytest.raises(FringeError, match="120 real and 0 generated"):
        meter.compute()


def test_real_features_of_another_network_are_refused() -> None:
    with pytest.raises(FringeError, match="give features of this network"):
        fringe.FrechetMeter("untrained", real=np.ones((10, 7)))
