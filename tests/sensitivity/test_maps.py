"""Sensitivity maps, compared with autograd through a small network, and their upsampling."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from fringe.errors import FringeError
from fringe.metrics import Gaussian
from fringe.sensitivity import fid_gradient, normalized, sensitivity_maps, upsampled

N = 60  # total number of images


@pytest.fixture(scope="module")
def trunk() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 3, stride=2), nn.ReLU(), nn.Conv2d(6, 5, 2), nn.SiLU())


def images(count: int, seed: int) -> torch.Tensor:
    return torch.rand((count, 3, 12, 10), generator=torch.Generator().manual_seed(seed))


def fid(f: torch.Tensor, real: Gaussian, others: Gaussian) -> torch.Tensor:
    """Return FID of N images, one of them with the features f, as in the released code."""
    m, R, mu, S = map(
        torch.from_numpy, (real.mean, real.covariance, others.mean, others.covariance)
    )
    mean = (N - 1) / N * mu + f / N
    covariance = (N - 2) / (N - 1) * S + torch.outer(f - mu, f - mu) / N
    roots = torch.linalg.eigvals(R @ covariance).sqrt().real.sum()
    return (m - mean) @ (m - mean) + torch.trace(R + covariance) - 2 * roots


@pytest.mark.parametrize("pooling", ["mean", "weighted"])
def test_maps_equal_autograd_through_the_network(trunk: nn.Module, pooling: str) -> None:
    """The maps equal Equation 2, written out and summed for each place."""
    weight = torch.rand((4, 3), generator=torch.Generator().manual_seed(1)).double()
    weight = weight / weight.sum() if pooling == "weighted" else torch.ones_like(weight) / 12

    def features(maps: torch.Tensor) -> torch.Tensor:
        return (maps.double() * weight).sum((2, 3))

    with torch.no_grad():
        sets = (features(trunk(images(count, seed))) for count, seed in ((80, 2), (N - 1, 3)))
        real, others = (Gaussian.from_features(each.numpy()) for each in sets)
    maps = trunk(images(4, 4))
    assert maps.shape == (4, 5, 4, 3)
    A = maps.detach().double().requires_grad_()
    total = sum(fid(f, real, others) for f in features(A))
    (slopes,) = torch.autograd.grad(total, A)
    expected = np.zeros((4, 4, 3))
    for b in range(4):
        for k in range(5):
            alpha = sum(abs(float(slopes[b, k, i, j])) ** 2 for i in range(4) for j in range(3))
            expected[b] += alpha / 12 * A[b, k].detach().numpy()
    assert np.isfinite(expected).all()
    found = sensitivity_maps(A.detach(), slopes)
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    # Float32 maps are summed in float32.
    assert maps.dtype == torch.float32
    found = sensitivity_maps(maps.detach(), slopes)
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=2e-6 * abs(expected).max())
    if pooling == "mean":
        gradient = fid_gradient(features(maps), real, others, N)
        found = sensitivity_maps(maps.detach(), gradient)
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)
        # Pooling is constant over places, so both forms of the gradient give the same maps.
        whole = gradient[..., None, None].expand(4, 5, 4, 3) / 12
        np.testing.assert_allclose(sensitivity_maps(maps.detach(), whole), found, rtol=1e-12)


def test_negative_values_count_too() -> None:
    maps = np.array([[[[1.0, -2.0]], [[3.0, 0.0]]]])
    found = sensitivity_maps(maps, np.array([[-4.0, 2.0]]))
    np.testing.assert_allclose(found, [[[4 * 1 + 1 * 3, 4 * -2]]])


@pytest.mark.parametrize(
    ("dtype", "rounding"), [(np.float64, 1e-13), (np.float32, 1e-6), (np.float16, 1e-6)]
)
def test_arrays_and_tensors_give_the_same(dtype: type, rounding: float) -> None:
    rng = np.random.default_rng(0)
    maps, gradient = rng.random((3, 5, 4, 2)).astype(dtype), rng.standard_normal((3, 5))
    expected = np.einsum("bk,bkij->bij", (gradient / 8) ** 2, maps.astype(np.float64))
    for slopes in (gradient, torch.from_numpy(gradient)):
        array, tensor = (
            sensitivity_maps(given, slopes) for given in (maps, torch.from_numpy(maps))
        )
        assert type(array) is np.ndarray
        assert isinstance(tensor, torch.Tensor)
        for found in (array, tensor.numpy()):
            assert found.dtype == np.float64
            np.testing.assert_allclose(found, expected, rtol=rounding)


@pytest.mark.parametrize(
    ("maps", "gradient"),
    [
        ((3, 5, 4), (3, 5)),
        ((3, 5, 4, 2), (3, 4)),
        ((3, 5, 4, 2), (5,)),
        ((3, 5, 4, 2), (3, 5, 4)),
        ((0, 5, 4, 2), (0, 5)),
        ((3, 5, 0, 2), (3, 5)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    maps: tuple[int, ...], gradient: tuple[int, ...]
) -> None:
    with pytest.raises(FringeError, match=r"sensitivity maps: maps of shape .* give \(B, D, H, W"):
        sensitivity_maps(np.ones(maps), np.ones(gradient))


def test_each_map_is_normalized_separately() -> None:
    maps = np.random.default_rng(0).standard_normal((2, 3, 4, 5)) * [[[[1e-9]]], [[[1e9]]]]
    found = normalized(maps)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found.min((2, 3)), 0)
    np.testing.assert_array_equal(found.max((2, 3)), 1)
    first = maps[1, 2] - maps[1, 2].min()
    np.testing.assert_allclose(found[1, 2], first / first.max(), rtol=1e-14)
    np.testing.assert_array_equal(normalized(maps[0, 0]), found[0, 0])
    np.testing.assert_array_equal(normalized(torch.from_numpy(maps)), found)


@pytest.mark.parametrize("value", [0.0, 0.1, -3e-20])
def test_a_constant_map_becomes_0(value: float) -> None:
    maps = np.full((2, 7, 7), value)
    maps[1, 2, 3] += abs(value) / 8 + 1e-30
    found = normalized(maps)
    np.testing.assert_array_equal(found[0], 0)
    assert found[1].max() == 1
    assert found[1].sum() == 1
    large = upsampled(maps, (30, 40))
    np.testing.assert_array_equal(large[0], 0)
    assert large[1].max() == 1


def test_a_map_of_rounding_errors_becomes_0() -> None:
    """Sums over features may be rounded differently at different places."""
    maps = np.full((2, 7, 7), -0.1)
    maps[:, 2, 3] = np.nextafter(-0.1, 0)
    maps[1, 4, 4] -= 1e-9
    found = normalized(maps)
    np.testing.assert_array_equal(found[0], 0)
    assert found[1].max() == 1
    assert found[1, 4, 4] == 0


def lanczos(values: np.ndarray, size: int) -> np.ndarray:
    """Return (h, w) resized to (size, w), size at least h, by the formula of the Lanczos kernel."""
    found = np.empty((size, values.shape[1]))
    for i in range(size):
        distance = np.arange(len(values)) + 0.5 - (i + 0.5) * len(values) / size
        weight = np.where(abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0)
        found[i] = weight @ values / weight.sum()
    return found


@pytest.mark.parametrize("size", [(32, 32), (64, 40), (9, 100)])
def test_upsampling_equals_the_lanczos_filter(size: tuple[int, int]) -> None:
    maps = np.random.default_rng(0).random((3, 8, 5)) * 1e-12
    found = upsampled(maps, size)
    assert found.shape == (3, *size)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found.min((1, 2)), 0)
    np.testing.assert_array_equal(found.max((1, 2)), 1)
    for small, large in zip(maps, found, strict=True):
        expected = lanczos(lanczos(small, size[0]).T, size[1]).T
        expected = (expected - expected.min()) / np.ptp(expected)
        np.testing.assert_allclose(large, expected, atol=1e-5)


@pytest.mark.parametrize("size", [(48, 48), (30, 90), (2, 3)])
def test_a_hot_corner_stays_in_its_corner(size: tuple[int, int]) -> None:
    corners = [(0, 0), (0, -1), (-1, 0), (-1, -1)]
    maps = np.zeros((4, 4, 6))
    for small, corner in zip(maps, corners, strict=True):
        small[corner] = 1
    for large, corner in zip(upsampled(maps, size), corners, strict=True):
        i, j = np.unravel_index(large.argmax(), size)
        assert (i < size[0] / 2) == (corner[0] == 0)
        assert (j < size[1] / 2) == (corner[1] == 0)
        assert math.isclose(large[corner], 1, abs_tol=0.05)


def test_maps_that_cannot_be_upsampled_are_refused() -> None:
    for shape in ((8,), (3, 0, 4), ()):
        with pytest.raises(FringeError, match="expected shape"):
            normalized(np.ones(shape))
    for shape, size in (((8, 8), (9, 9)), ((0, 8, 8), (9, 9)), ((1, 8, 8), (9, 0))):
        with pytest.raises(FringeError, match=f"upsampling: .* to 9 x {size[1]}"):
            upsampled(np.ones(shape), size)


@pytest.mark.parametrize("scale", [0, 1e-30, 1e30])
def test_squares_of_slopes_may_exceed_float32(scale: float) -> None:
    maps = np.ones((1, 2, 3, 3), np.float32)
    found = sensitivity_maps(maps, scale * np.array([[3.0, 4.0]]))
    np.testing.assert_allclose(found, np.full((1, 3, 3), 25 * (scale / 9) ** 2), rtol=1e-6)
