"""How FID answers to the features of one image, in closed form.

FID compares m, R (mean and covariance of real images) with mu', S' of n images, one of which has
the features f. With R = F F^T and the singular value decomposition F^T G = V L^1/2 W^T, where
S = G G^T, the optimal transport map from the generated to the real Gaussian is
T = F V L^-1/2 V^T F^T, and

    dFID/df = (2/n) (mu' - m) + (2/n) (I - T') (f - mu),

where T' belongs to S' and mu, S to the n - 1 other images. S' = c S + (f - mu)(f - mu)^T / n with
c = (n - 2)/(n - 1) differs from c S by one rank, so with z = V^T F^T (f - mu)

    T' (f - mu) = F V (c L + z z^T / n)^-1/2 z
                = F V (2/pi) int_0^oo (c L + t^2)^-1 z / (1 + z^T (c L + t^2)^-1 z / n) dt,

a quadrature whose nodes all images share: three products of matrices for a whole batch. Nothing is
squared, so covariances may be singular; where FID has no gradient (f adds nothing to a direction
that no other image has) the part of it that has none is left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fringe.errors import FringeError
from fringe.metrics import Gaussian
from fringe.metrics.arrays import Array, Floats, as_matrix, as_numpy, like, require_finite
from fringe.metrics.transport import ROUNDING, Transport, optimal_transport

__all__ = ["approximation_bound", "fid_gradient"]

ROWS = 1024  # features that are worked on at a time
# The trapezoidal rule in log t errs by exp(-pi^2 / step), and by exp(-TAIL) where it is cut off.
STEP = 0.3
TAIL = 32.0


def fid_gradient(
    features: Any,
    real: Gaussian,
    generated: Gaussian,
    n: int,
    *,
    included: bool = False,
    exact: bool = True,
    transport: Transport | None = None,
) -> Any:
    """Return dFID/df for the features f of each of B images, one at a time among n.

    Parameters
    ----------
    features : array (B, D)
        One row per image; all is computed in float64.
    real, generated : Gaussian
        Of D dimensions, covariances with the divisor of ``numpy.cov``. ``generated`` is that of the
        n - 1 other images, which each row is added to alone (Section 2 of the paper; the released
        code shows an image among 49,999 others). With ``included`` it is that of all n images, each
        row being one of them.
    n : int
        Generated images in all, at least 3.
    included : bool
        See ``generated``. Exact too, and needs no quadrature, as T is the same for all images.
    exact : bool
        False leaves out by how much an image changes T: T' = c^-1/2 T. `approximation_bound` tells
        what that may cost.
    transport : Transport, optional
        ``optimal_transport(real, generated)``, where several batches share it.

    Returns
    -------
    array (B, D), float64
        Of the kind that ``features`` is, in units of the features. For well-conditioned covariances
        rounding is about 1e-12 of a row's length; single components may be less exact.

    Raises
    ------
    FringeError
        If dimensions differ, n is too small, or a feature is NaN or infinite.
    """
    rows, parts = _checked(features, real, generated, n, transport)
    m, mu = (as_numpy(g.mean).astype(np.float64) for g in (real, generated))
    gradient = np.empty(rows.shape)
    for first in range(0, len(rows), ROWS):
        step = _step(rows[first : first + ROWS], mu)
        # Towards the mean of all n images, which this one moves by step / n.
        drift = mu - m + (0 if included else step / n)
        if included:
            # S is that of all n, and f - mu of the others n / (n - 1) times f - mu of all.
            spread = n / (n - 1) * (step - _transported(step, parts, 1.0))
        elif exact:
            spread = step - _transported_by_own(step, parts, n)
        else:
            spread = step - _transported(step, parts, (n - 2) / (n - 1))
        gradient[first : first + ROWS] = 2 / n * (drift + spread)
    return like(features, gradient)


def approximation_bound(
    features: Any, real: Gaussian, generated: Gaussian, n: int, transport: Transport | None = None
) -> Any:
    """Return, for each row, a bound on the length of what ``exact=False`` gets wrong.

    The approximation has the components w = (c L)^-1/2 z. The exact ones are w_j (1 - d_j), where
    d_j is the mean of Q / (1 + Q) over t with the density (2/pi) (c L_j)^1/2 / (c L_j + t^2), and
    Q = z^T (c L + t^2)^-1 z / n. The mean of Q itself is

        q_j = sum_i w_i^2 L_i^1/2 / (L_i^1/2 + L_j^1/2) / n,

    and Q is at most the leverage q = |w|^2 / n, about D / n for a typical image. Hence d_j lies
    between q_j / (1 + q) and, by Jensen's inequality, q_j / (1 + q_j).

    Parameters
    ----------
    features, real, generated, n, transport
        As `fid_gradient` takes them, with ``included=False``.

    Returns
    -------
    array (B,), float64
        In units of `fid_gradient`; infinite where a direction is new (S singular). Little above the
        error itself where q is small.
    """
    rows, parts = _checked(features, real, generated, n, transport)
    mu = as_numpy(generated.mean).astype(np.float64)
    known = parts.eigenvalues > 0
    roots = np.sqrt((n - 2) / (n - 1) * parts.eigenvalues[known])
    axes = parts.axes[:, known]
    shares = roots[:, None] / (roots[:, None] + roots)
    # At least the largest singular value of F, for a hundredth of its time.
    length = np.sqrt(np.linalg.norm(as_numpy(real.covariance)))
    lengths = np.linalg.norm(axes, axis=0)
    bound = np.empty(len(rows))
    for first in range(0, len(rows), ROWS):
        z = _projected(_step(rows[first : first + ROWS], mu), parts)
        w = z[:, known] / roots
        q = (w**2).sum(axis=1, keepdims=True) / n
        own = w**2 @ shares / n
        least, most = own / (1 + q), own / (1 + own)
        middle = np.linalg.norm((w * (most + least) / 2) @ axes.T, axis=1)
        doubt = np.abs(w) * (most - least) / 2
        rest = np.minimum(length * np.linalg.norm(doubt, axis=1), doubt @ lengths)
        found = 2 / n * (middle + rest)
        found[(z[:, ~known] != 0).any(axis=1)] = np.inf
        bound[first : first + ROWS] = found
    return like(features, bound)


def _checked(
    features: Any, real: Gaussian, generated: Gaussian, n: int, transport: Transport | None
) -> tuple[Array, Transport]:
    rows = as_matrix(features, "features")
    dims = {real.dim, generated.dim} | ({len(transport.axes)} if transport else set())
    if dims != {rows.shape[1]}:
        raise FringeError(
            f"features: {rows.shape[1]} dimensions, but the Gaussians have "
            f"{' and '.join(map(str, sorted(dims)))}; take all from the same network and space"
        )
    if n < 3:
        raise FringeError(
            f"n is {n}: the covariance of fewer than two other images is undefined; "
            "give at least 3 images"
        )
    require_finite(rows, "features")
    return rows, transport or optimal_transport(real, generated)


def _step(rows: Array, mu: Floats) -> Floats:
    """Return f - mu, (B, D), 0 where it may be nothing but the rounding of mu."""
    step = np.asarray(rows.astype(np.float64) - mu)
    step[np.abs(step) <= ROUNDING * np.abs(mu)] = 0
    return step


def _projected(step: Floats, parts: Transport) -> Floats:
    """Return z = V^T F^T (f - mu), (B, r); 0 in unknown directions where there is only rounding."""
    z = np.asarray(step @ parts.axes)
    known = parts.eigenvalues > 0
    if not known.all():
        new = np.linalg.norm(z[:, ~known], axis=1)
        # An f that is like the other images is mu + G w, and V is only as exact as F^T G is.
        w = np.linalg.norm(z[:, known] / np.sqrt(parts.eigenvalues[known]), axis=1)
        noise = np.linalg.norm(parts.axes) * np.linalg.norm(step, axis=1) + parts.scale * w
        z[np.ix_(new <= ROUNDING * noise, ~known)] = 0
    return z


def _transported(step: Floats, parts: Transport, share: float) -> Floats:
    """Return T (f - mu) for the covariance ``share`` S; the null space of S is left out."""
    known = parts.eigenvalues > 0
    axes = parts.axes[:, known]
    scale = 1 / np.sqrt(share * parts.eigenvalues[known])
    return np.asarray((step @ axes * scale) @ axes.T)


def _transported_by_own(step: Floats, parts: Transport, n: int) -> Floats:
    """Return T' (f - mu): each row by the map of the covariance that it changes itself."""
    z = _projected(step, parts)
    # Only ratios of L and z z^T matter to the quadrature: without units nothing overflows.
    unit = max(parts.eigenvalues.max(initial=0), (z**2).sum(axis=1).max() / n)
    if unit == 0:
        return np.zeros(step.shape)
    eigenvalues = (n - 2) / (n - 1) * parts.eigenvalues / unit
    change = z**2 / (n * unit)  # (B, r): the diagonal of z z^T / n
    t, weights = _nodes(_least(eigenvalues, change), 1 + change.sum(axis=1).max())
    resolvents = 1 / (eigenvalues[:, None] + t**2)  # (r, nodes)
    shares = weights / (1 + change @ resolvents)  # (B, nodes)
    return np.asarray((z * (shares @ resolvents.T)) @ parts.axes.T / np.sqrt(unit))


def _least(eigenvalues: Floats, change: Floats) -> float:
    """Return x; no nonzero eigenvalue of c L + z z^T / n, of any row, is less than x / 3."""
    known = eigenvalues > 0
    least = eigenvalues[known].min(initial=1)
    new = change[:, ~known].sum(axis=1)
    # What is new in z z^T, less what the known directions can hide of it.
    leverage = (change[:, known] / eigenvalues[known]).sum(axis=1)
    found = (new / (1 + leverage))[new > 0]
    return float(min(least, found.min(initial=1)))


def _nodes(least: float, most: float) -> tuple[Floats, Floats]:
    """Return t and weights (k,) with sum w / (x + t^2) = x^-1/2 for x from ``least`` to ``most``.

    The trapezoidal rule in log t for (2/pi) int_0^oo dt / (x + t^2), exact to about 1e-13.
    """
    first, last = np.log(least) / 2 - TAIL, np.log(most) / 2 + TAIL
    t = np.exp(np.arange(first, last + STEP, STEP))
    return t, 2 / np.pi * STEP * t
