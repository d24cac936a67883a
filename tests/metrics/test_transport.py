"""The maps between two Gaussians: the faster way, compared with the slower way."""

import numpy as np
import pytest

from fringe.metrics import Gaussian, optimal_transports
from fringe.metrics.transport import Transport, _of_any_rank, _of_full_rank


def gaussian(seed: int, least: float = 0.1, dim: int = 12) -> Gaussian:
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((dim, dim)))[0] * np.geomspace(1, least, dim)
    return Gaussian(rng.standard_normal(dim), axes @ axes.T)


def matrix(transport: Transport) -> np.ndarray:
    """Return the matrix T of the map x -> m + T (x - mu)."""
    return transport.axes / np.sqrt(transport.eigenvalues) @ transport.axes.T


def test_maps_transform_one_covariance_into_the_other() -> None:
    real, generated = gaussian(0), gaussian(1)
    there, back = (matrix(one) for one in optimal_transports(real, generated))
    assert np.allclose(there @ generated.covariance @ there, real.covariance, atol=1e-12)
    assert np.allclose(back @ real.covariance @ back, generated.covariance, atol=1e-12)


def test_eigenvalues_and_singular_values_agree() -> None:
    fast, slow = _of_full_rank(gaussian(0), gaussian(1)), _of_any_rank(gaussian(0), gaussian(1))
    assert fast is not None
    for one, other in zip(fast, slow, strict=True):
        assert matrix(one) == pytest.approx(matrix(other), rel=1e-9, abs=1e-12)
        roots = (np.sqrt(each.eigenvalues).sum() for each in (one, other))
        assert next(roots) == pytest.approx(next(roots), rel=1e-12)
        assert one.scale == other.scale


@pytest.mark.parametrize("least", [1e-2, 1e-5, 1e-9])
def test_eigenvalues_are_used_only_if_they_exceed_rounding(least: float) -> None:
    real, generated = gaussian(0, least), gaussian(1, least)
    fast, slow = _of_full_rank(real, generated), _of_any_rank(real, generated)
    assert (fast is None) == (least < 1e-2)
    chosen, _ = optimal_transports(real, generated)
    roots = [np.sqrt(one.eigenvalues).sum() for one in (chosen, slow[0])]
    traces = np.trace(real.covariance) + np.trace(generated.covariance)
    assert abs(roots[0] - roots[1]) < 1e-10 * traces
