"""Wavelet scattering: Kymatio's coefficients, and features with equal variance on photographs."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.networks import FeatureNetwork, load_network
from fringe.networks.scattering import Filters, coefficients, filters, log_means, means
from fringe.sources import PhotoSource

DIGESTS = {
    "scattering": "91274b40f00584e58a50313cab114e6051695d0bd20b55a77b22d1839447b528",
    "scattering-aligned": "3b140a0cfbf19f2b35c45b14ea8e96c249fe987cde96d640af99d670d1799291",
}

# Means over places of every twelfth coefficient of `chirps` by Kymatio 0.3.0's NumPy code.
KYMATIO = """
    5.011597e-01 1.830387e-02 3.463909e-02 1.294258e-03 1.125693e-03 2.185755e-03 4.608042e-04
    8.237693e-04 2.607349e-04 4.278435e-04 4.413698e-04 5.641458e-04 1.228741e-03 1.399622e-03
    1.096396e-03 1.147669e-03 3.854541e-04 1.055128e-03 1.590922e-03
"""


@pytest.fixture(scope="module")
def bank() -> Filters:
    return filters(torch.device("cpu"))


@pytest.fixture(scope="module")
def network() -> FeatureNetwork:
    return load_network("scattering")


@pytest.fixture(scope="module")
def photographs() -> torch.Tensor:
    return torch.from_numpy(PhotoSource(100, 128, 5).read(range(100))).permute(0, 3, 1, 2)


def chirps() -> np.ndarray:
    """Return an image of waves with changing lengths and directions, without symmetry."""
    y, x = np.mgrid[:128, :128]
    waves = 90 * np.sin(x**2 / 150 + y / 5) + 30 * np.cos(y * (x + 40) / 90)
    return np.rint(127.5 + waves).clip(0, 255)


def test_coefficients_equal_those_of_kymatio(bank: Filters) -> None:
    image = torch.from_numpy(chirps() / 255).float()[None]
    means = coefficients(image, bank)[0].mean((1, 2)).numpy()
    assert means.shape == (217,)
    # Each of Kymatio's filters divides by 3.1415 instead of pi.
    filtered = np.array([1] + 24 * [2] + 192 * [3])
    expected = np.array(KYMATIO.split(), float) * (3.1415 / np.pi) ** filtered[::12]
    np.testing.assert_allclose(means[::12], expected, rtol=1e-5)


def test_every_wavelet_is_zero_on_plain_areas(bank: Filters) -> None:
    plain = coefficients(torch.full((1, 128, 128), 0.7), bank)[0]
    torch.testing.assert_close(plain[0], torch.full((16, 16), 0.7))
    assert plain[1:].max() < 1e-6


def test_log_means_by_hand(bank: Filters) -> None:
    images = torch.from_numpy(chirps()).to(torch.uint8).repeat(1, 3, 1, 1)
    images[:, 0] //= 2
    brightness = (0.299 * images[:, 0] + 0.587 * images[:, 1] + 0.114 * images[:, 2]) / 255
    local = coefficients(brightness, bank).double().numpy()[0]
    expected = [local[0].mean(), *np.log(local[1:] + 0.01).mean((1, 2))]
    np.testing.assert_allclose(log_means(images, bank)[0].numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("name", DIGESTS)
def test_the_matrix_never_changes(name: str) -> None:
    assert load_network(name).weight_file_sha256 == DIGESTS[name]


def test_photographs_have_similar_variance_in_all_directions(
    network: FeatureNetwork, photographs: torch.Tensor
) -> None:
    covariance = torch.cov(network(photographs).features.T)
    assert covariance.shape == (32, 32)
    sizes = torch.linalg.eigvalsh(covariance)
    # For 100 normal vectors, they would be between 0.19 and 2.45 (Marchenko and Pastur).
    assert sizes[0] > 0.1
    assert sizes[-1] < 8


def test_aligned_photographs_have_similar_variance_in_all_directions() -> None:
    images = torch.from_numpy(PhotoSource(150, 64, 5, "aligned").read(range(150)))
    covariance = torch.cov(
        load_network("scattering-aligned")(images.permute(0, 3, 1, 2)).features.T
    )
    assert covariance.shape == (64, 64)
    sizes = torch.linalg.eigvalsh(covariance)
    # For 150 normal vectors, they would be between 0.12 and 2.7 (Marchenko and Pastur).
    assert sizes[0] > 0.02
    assert sizes[-1] < 8


def test_means_by_hand(bank: Filters) -> None:
    images = torch.from_numpy(chirps()).to(torch.uint8).repeat(1, 3, 1, 1)
    local = coefficients(images[:, 0] / 255, bank).double()
    torch.testing.assert_close(means(images, bank), local.mean((2, 3)), rtol=1e-5, atol=0)


def test_other_resolutions_are_resized(network: FeatureNetwork) -> None:
    wide, native = (
        torch.full((1, 3, *size), 191, dtype=torch.uint8) for size in [(30, 99), (128, 128)]
    )
    found, expected = network(wide).features, network(native).features
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


def test_every_precision_gives_the_same_features(
    network: FeatureNetwork, photographs: torch.Tensor
) -> None:
    coarse = load_network("scattering", precision="bfloat16")
    assert torch.equal(coarse(photographs[:2]).features, network(photographs[:2]).features)


def test_a_weight_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "any.pth").touch()
    with pytest.raises(FringeError, match="needs no weight file"):
        load_network("scattering", weight_file=tmp_path / "any.pth")
