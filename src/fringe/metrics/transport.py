"""The optimal transport map between two Gaussians, which the derivatives of FID are made of.

With R = F F^T and S = G G^T, and the singular value decomposition F^T G = V L^1/2 W^T, the map that
takes N(mu, S) to N(m, R) is x -> m + T (x - mu) with T = F V L^-1/2 V^T F^T (Knott and Smith 1984).
The map back is G W L^-1/2 W^T G^T. Nothing is squared, so covariances may be singular.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.linalg as linalg

from fringe.metrics.arrays import Floats, as_numpy
from fringe.metrics.frechet import covariance_root
from fringe.metrics.gaussian import Gaussian, require_same_dim

__all__ = ["ROUNDING", "Transport", "optimal_transport", "optimal_transports"]

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
        V, singular, _ = linalg.svd(F.T @ G, full_matrices=G.shape[1] < F.shape[1])
        _clear_rounding(singular, real.dim, scale)
        eigenvalues[: len(singular)] = singular**2
        axes = F @ V
    return Transport(axes, eigenvalues, scale)


def optimal_transports(real: Gaussian, generated: Gaussian) -> tuple[Transport, Transport]:
    """Return the map from the generated to the real Gaussian, and the map back.

    Both come from one singular value decomposition. Directions that one of the two Gaussians does
    not have are left out of both maps, so all eigenvalues are positive.

    Raises
    ------
    FringeError
        If the dimensions differ.
    """
    F, G, scale = _factors(real, generated)
    if not (F.size and G.size):
        nothing = Transport(np.zeros((real.dim, 0)), np.zeros(0), scale)
        return nothing, nothing
    V, singular, W = linalg.svd(F.T @ G, full_matrices=False, overwrite_a=True)
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
    R, S = (np.linalg.norm(as_numpy(g.covariance)) for g in (real, generated))
    return F, G, float(np.sqrt(R) * np.sqrt(S))


def _clear_rounding(singular: Floats, dim: int, scale: float) -> None:
    """Set singular values to 0, in place, that may be rounding only."""
    singular[singular < dim * np.finfo(np.float64).eps * scale] = 0
