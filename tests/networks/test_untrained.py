"""The control never changes, and its distance distinguishes worse images from better ones."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.metrics import Gaussian, frechet_distance
from fringe.networks import FeatureNetwork, load_network
from fringe.networks.untrained import random_filters
from fringe.sources import source_from_spec

DIGEST = "8824fb082b734d747c9b760613168213b91192c7180a3f4455c090c9cdeb8dbc"


@pytest.fixture(scope="module")
def network() -> FeatureNetwork:
    return load_network("untrained")


def test_the_filters_never_change(network: FeatureNetwork) -> None:
    assert network.weight_file_sha256 == DIGEST


def test_first_filters_have_zero_mean_and_all_have_unit_gain() -> None:
    filters = random_filters(5)
    np.testing.assert_allclose(filters[0].mean(axis=(2, 3)), 0, atol=1e-7)
    for values in filters:
        np.testing.assert_allclose((values**2).sum(axis=(1, 2, 3)), 2, rtol=1e-5)


def test_features_equal_those_of_the_same_network_in_numpy(network: FeatureNetwork) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 64, 64), dtype=np.uint8)
    x = (images.astype(np.float64) - 127) / 64
    expected = [1.6 * x.mean((2, 3)), 3 * x.std((2, 3))]
    for values in random_filters(0):
        half = values.shape[-1] // 2
        padded = np.pad(x, ((0, 0), (0, 0), (half, half), (half, half)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, values.shape[-2:], (2, 3))
        x = np.einsum("nchwij,ocij->nohw", windows[:, :, ::2, ::2], values).clip(0)
        expected += [12 * x.mean((2, 3)), 10 * x.std((2, 3))]
    features = network(torch.from_numpy(images)).features.numpy()
    np.testing.assert_allclose(features, np.concatenate(expected, axis=1), rtol=1e-4, atol=1e-4)


def test_a_weight_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "any.pth").touch()
    with pytest.raises(FringeError, match="needs no weight file"):
        load_network("untrained", weight_file=tmp_path / "any.pth")


def gaussian(network: FeatureNetwork, **spec: object) -> Gaussian:
    source = source_from_spec({"count": 600, "resolution": 64, **spec})
    images = torch.from_numpy(source.read(range(600))).permute(0, 3, 1, 2)
    features = [network(batch).features for batch in images.split(50)]
    return Gaussian.from_features(torch.cat(features).numpy())


def test_the_distance_grows_with_severity_and_exceeds_sampling_noise(
    network: FeatureNetwork,
) -> None:
    real = gaussian(network, kind="photos", seed=1)
    noise = frechet_distance(real, gaussian(network, kind="photos", seed=2))
    distances = [
        frechet_distance(real, gaussian(network, kind="imitation", seed=3, severity=severity))
        for severity in (0.4, 0.8)
    ]
    assert distances == sorted(distances)
    assert distances[1] > 10 * noise


def test_features_have_deviations_of_about_one_on_photographs(network: FeatureNetwork) -> None:
    source = source_from_spec({"kind": "photos", "count": 200, "resolution": 64, "seed": 0})
    images = torch.from_numpy(source.read(range(200))).permute(0, 3, 1, 2)
    deviations = network(images).features.std(0)
    assert 0.5 < deviations.mean() < 1.5
    assert deviations.max() < 4


def test_other_resolutions_are_resized(network: FeatureNetwork) -> None:
    gray = torch.full((1, 3, 100, 30), 191, dtype=torch.uint8)
    features = network(gray).features[0]
    torch.testing.assert_close(features[:6], torch.tensor([1.6, 1.6, 1.6, 0, 0, 0]))
    native = torch.full((1, 3, 64, 64), 191, dtype=torch.uint8)
    torch.testing.assert_close(network(native).features[0], features)
