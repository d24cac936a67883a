"""The optimal transport map between two Gaussians, from which the derivatives of FID follow.

With R = F F^T, S = G G^T and the singular value decomposition F^T G = V L^1/2 W^T, the map from
N(mu, S) to N(m, R) is x -> m + T (x - mu), where T = F V L^-1/2 V^T F^T (Knott and Smith 1984).
The matrix of the map back is G W L^-1/2 W^T G^T. No matrix is squared, so covariances may be
singular.

If both covariances have full rank, V and L are the eigenvectors and eigenvalues of F^T S F, and
G W = S F V L^-1/2. This takes less than half of the time. It is used if each eigenvalue is far
above its possible rounding error.
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

# Eigenvalues are used if the smallest is more than CLEAR times the rounding error of the largest,
# and if the rounding error of the sum of their roots is at most PRECISION times the traces.
CLEAR, PRECISION = 1e4, 1e-9
ROUNDING = 1e-12  # relative rounding error of sums over thousands of images or features


class Transport(NamedTuple):
    """The factors of the matrix T = axes diag(eigenvalues^-1/2) axes^T of a map between Gaussians.

    Attributes
    ----------
    axes : float64 array (D, r)
        F V, where r is the rank of R.
    eigenvalues : float64 array (r,)
        L, the eigenvalues of F^T S F. An eigenvalue that cannot be distinguished from 0 is 0.
    scale : float
        The product of the lengths of F and G. Rounding errors of F^T G are proportional to it.
    """

    axes: Floats
    eigenvalues: Floats
    scale: float


def optimal_transport(real: Gaussian, generated: Gaussian) -> Transport:
    """Return the map from the generated to the real Gaussian [1]_.

    Parameters
    ----------
    real, generated : Gaussian
        Of D dimensions each.

    Returns
    -------
    Transport

    Raises
    ------
    FringeError
        If the dimensions differ.

    References
    ----------
    .. [1] Knott and Smith, 1984.

    Examples
    --------
    The map between these Gaussians multiplies by 2:

    >>> import numpy as np
    >>> real = Gaussian(np.zeros(2), 4 * np.eye(2))
    >>> generated = Gaussian(np.zeros(2), np.eye(2))
    >>> axes, eigenvalues, _ = optimal_transport(real, generated)
    >>> (axes / np.sqrt(eigenvalues) @ axes.T).round(6).tolist()
    [[2.0, 0.0], [0.0, 2.0]]
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
    """Return the Fréchet distance of two Gaussians, given the map between them.

    Parameters
    ----------
    real, generated : Gaussian
    to_real : Transport
        The result of ``optimal_transport(real, generated)``.
    """
    drift = as_numpy(real.mean) - as_numpy(generated.mean)
    traces = sum(float(np.trace(as_numpy(g.covariance))) for g in (real, generated))
    value = float(drift @ drift) + traces - 2 * float(np.sqrt(to_real.eigenvalues).sum())
    return max(value, 0.0)


def optimal_transports(real: Gaussian, generated: Gaussian) -> tuple[Transport, Transport]:
    """Return the map from the generated to the real Gaussian, and the map back [1]_.

    Both maps come from one decomposition. Directions in which one of the two Gaussians has no
    variance are left out of both maps, so all eigenvalues are positive.

    Parameters
    ----------
    real, generated : Gaussian
        Of D dimensions each.

    Returns
    -------
    to_real, to_generated : Transport

    Raises
    ------
    FringeError
        If the dimensions differ.

    References
    ----------
    .. [1] Knott and Smith, 1984.

    Examples
    --------
    >>> import numpy as np
    >>> real = Gaussian(np.zeros(2), 4 * np.eye(2))
    >>> generated = Gaussian(np.zeros(2), np.eye(2))
    >>> for axes, eigenvalues, _ in optimal_transports(real, generated):
    ...     print((axes / np.sqrt(eigenvalues) @ axes.T).round(6).tolist())
    [[2.0, 0.0], [0.0, 2.0]]
    [[0.5, 0.0], [0.0, 0.5]]
    """
    return _of_full_rank(real, generated) or _of_any_rank(real, generated)


def _of_full_rank(real: Gaussian, generated: Gaussian) -> tuple[Transport, Transport] | None:
    """Return both maps from eigenvalues, or None if rounding could affect an eigenvalue."""
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
    """Return both maps from singular values."""
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
    # A feature that is the same in all images gets a small variance by the rounding of its mean.
    G[np.linalg.norm(G, axis=1) <= ROUNDING * np.abs(as_numpy(generated.mean))] = 0
    return F, G, _scale(real, generated)


def _scale(real: Gaussian, generated: Gaussian) -> float:
    R, S = (np.linalg.norm(as_numpy(g.covariance)) for g in (real, generated))
    return float(np.sqrt(R) * np.sqrt(S))


def _clear_rounding(singular: Floats, dim: int, scale: float) -> None:
    """Set singular values that may be rounding errors to 0, in place."""
    singular[singular < dim * np.finfo(np.float64).eps * scale] = 0
