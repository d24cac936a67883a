"""The optimal transport map between two Gaussians, which the derivatives of FID are made of.

With R = F F^T and S = G G^T, and the singular value decomposition F^T G = V L^1/2 W^T, the map that
takes N(mu, S) to N(m, R) is x -> m + T (x - mu) with T = F V L^-1/2 V^T F^T (Knott and Smith 1984).
The map back is G W L^-1/2 W^T G^T. Nothing is squared, so covariances may be singular.

Where both covariances have full rank, V and L are the eigenvectors and eigenvalues of F^T S F, and
G W = S F V L^-1/2, which takes less than half of the time. This way is taken if each eigenvalue is
far above what rounding may add to it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fringe.metrics.arrays import Floats, as_numpy
from fringe.metrics.frechet import covariance_root, squared_root
from fringe.metrics.gaussian import Gaussian, require_same_dim

__all__ = [
    "ROUNDING",
    "Transport",
    "optimal_transport",
    "optimal_transports",
    "transported_distance",
]

# Eigenvalues will do if the least one is this many times the rounding of the largest one, and if
# rounding costs the sum of their roots at worst this part of the traces.
CLEAR, PRECISION = 1e4, 1e-9
ROUNDING = 1e-12  # what sums over thousands of images or features may lose, relatively


class Transport(NamedTuple):
    """What the map from the generated to the real Gaussian is made of.

    ``axes`` (D, r) is F V and ``eigenvalues`` (r,) are L, those of F^T S F, 0 where they cannot be
    told from it; r is the rank of R. ``scale`` is the length of what F^T G is a product of: what
    rounding leaves of a zero in F^T G is a part of it.
    """

    axes: Floats
    eigenvalues: Floats
    scale: float


def optimal_transport(real: Gaussian, generated: Gaussian) -> Transport:
    """Return the map from the generated to the real Gaussian, both of D dimensions.

    Raises
    ------
    FringeError
        If the dimensions differ.
    """
    F, G, scale = _factors(real, generated)
    eigenvalues = np.zeros(F.shape[1])
    axes = F
    if F.size and G.size:
        V, singular, _ = np.linalg.svd(F.T @ G, full_matrices=G.shape[1] < F.shape[1])
        _clear_rounding(singular, real.dim, scale)
        eigenvalues[: len(singular)] = singular**2
        axes = F @ V
    return Transport(axes, eigenvalues, scale)


def transported_distance(real: Gaussian, generated: Gaussian, to_real: Transport) -> float:
    """Return the Fréchet distance of two Gaussians between which the map is known.

    Parameters
    ----------
    real, generated : Gaussian
    to_real : Transport
        ``optimal_transport(real, generated)``.
    """
    drift = as_numpy(real.mean) - as_numpy(generated.mean)
    traces = sum(float(np.trace(as_numpy(g.covariance))) for g in (real, generated))
    value = float(drift @ drift) + traces - 2 * float(np.sqrt(to_real.eigenvalues).sum())
    return max(value, 0.0)


def optimal_transports(real: Gaussian, generated: Gaussian) -> tuple[Transport, Transport]:
    """Return the map from the generated to the real Gaussian, and the map back.

    Both come from one decomposition. Directions that one of the two Gaussians does not have are
    left out of both maps, so all eigenvalues are positive.

    Raises
    ------
    FringeError
        If the dimensions differ.
    """
    return _of_full_rank(real, generated) or _of_any_rank(real, generated)


def _of_full_rank(real: Gaussian, generated: Gaussian) -> tuple[Transport, Transport] | None:
    """Return both maps by eigenvalues, or None if these are not clear of rounding."""
    require_same_dim(real, generated)
    F = covariance_root(real)
    if F.shape[1] < real.dim:
        return None
    S = as_numpy(generated.covariance).astype(np.float64, copy=False)
    eigenvalues, V = np.linalg.eigh(squared_root(F, S))
    rounding = np.finfo(np.float64).eps * eigenvalues[-1]
    if not eigenvalues[0] > CLEAR * rounding:
        return None
    traces = np.trace(as_numpy(real.covariance)) + np.trace(S)
    if (rounding / (2 * np.sqrt(eigenvalues))).sum() > PRECISION * traces:
        return None
    axes = F @ V
    scale = _scale(real, generated)
    return (
        Transport(axes, eigenvalues, scale),
        Transport(S @ axes / np.sqrt(eigenvalues), eigenvalues, scale),
    )


def _of_any_rank(real: Gaussian, generated: Gaussian) -> tuple[Transport, Transport]:
    """Return both maps by singular values."""
    F, G, scale = _factors(real, generated)
    if not (F.size and G.size):
        nothing = Transport(np.zeros((real.dim, 0)), np.zeros(0), scale)
        return nothing, nothing
    V, singular, W = np.linalg.svd(F.T @ G, full_matrices=False)
    _clear_rounding(singular, real.dim, scale)
    known = singular > 0
    eigenvalues = singular[known] ** 2
    return (
        Transport(F @ V[:, known], eigenvalues, scale),
        Transport(G @ W[known].T, eigenvalues, scale),
    )


def _factors(real: Gaussian, generated: Gaussian) -> tuple[Floats, Floats, float]:
    require_same_dim(real, generated)
    F, G = covariance_root(real), covariance_root(generated)
    # Rounding makes features that are the same in all images vary, by less than their mean's.
    G[np.linalg.norm(G, axis=1) <= ROUNDING * np.abs(as_numpy(generated.mean))] = 0
    return F, G, _scale(real, generated)


def _scale(real: Gaussian, generated: Gaussian) -> float:
    R, S = (np.linalg.norm(as_numpy(g.covariance)) for g in (real, generated))
    return float(np.sqrt(R) * np.sqrt(S))


def _clear_rounding(singular: Floats, dim: int, scale: float) -> None:
    """Set singular values to 0, in place, that may be rounding only."""
    singular[singular < dim * np.finfo(np.float64).eps * scale] = 0
