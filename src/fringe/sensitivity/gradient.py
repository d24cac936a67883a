"""The gradient of FID with respect to the features of one image, in closed form.

FID compares m, R (mean and covariance of real images) with mu', S' of n images, one of which has
the features f. With R = F F^T and the singular value decomposition F^T G = V L^1/2 W^T, where
S = G G^T, the optimal transport map from the generated to the real Gaussian is
T = F V L^-1/2 V^T F^T, and

    dFID/df = (2/n) (mu' - m) + (2/n) (I - T') (f - mu),

where T' belongs to S', and mu and S belong to the n - 1 other images. The matrix
S' = c S + (f - mu)(f - mu)^T / n with c = (n - 2)/(n - 1) differs from c S by a matrix of rank 1.
So with z = V^T F^T (f - mu)

    T' (f - mu) = F V (c L + z z^T / n)^-1/2 z
                = F V (2/pi) int_0^oo (c L + t^2)^-1 z / (1 + z^T (c L + t^2)^-1 z / n) dt.

All images share the nodes of this quadrature, so a whole batch needs only three matrix products. No
matrix is squared, so covariances may be singular. FID has no gradient along a direction in which
neither f nor any other image varies. This part of the gradient is left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fringe.errors import FringeError
from fringe.metrics import Gaussian
from fringe.metrics.arrays import Array, Floats, as_matrix, as_numpy, like, require_finite
from fringe.metrics.transport import ROUNDING, Transport, optimal_transport

__all__ = ["approximation_bound", "fid_gradient"]

ROWS = 1024  # images that are processed at a time
# The trapezoidal rule in log t has an error of exp(-pi^2 / STEP). Its finite range adds exp(-TAIL).
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
    """Return dFID/df for the features f of each of B images, each as one of n images.

    Parameters
    ----------
    features : array (B, D)
        One row per image. The computation is in float64.
    real, generated : Gaussian
        Of D dimensions, with covariances that have the divisor of ``numpy.cov``. By default,
        ``generated`` belongs to the n - 1 other images, and each row is added to them separately
        ([1]_, Section 2; in the released code, there are 49,999 other images). With ``included``,
        ``generated`` belongs to all n images, and each row is one of them.
    n : int
        Total number of generated images, at least 3.
    included : bool
        See ``generated``. This case is exact too, and needs no quadrature, because T is the same
        for all images.
    exact : bool
        False ignores the change of T by the image: T' = c^-1/2 T. `approximation_bound` returns a
        bound of the resulting error.
    transport : Transport, optional
        The result of ``optimal_transport(real, generated)``. Give it if several batches share it.

    Returns
    -------
    array (B, D), float64
        In units of the features. A tensor if ``features`` is a tensor. For well-conditioned
        covariances, the rounding error is about 1e-12 of a row's length. Single components may be
        less exact.

    Raises
    ------
    FringeError
        If dimensions differ, n is too small, or a feature is NaN or infinite.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023.

    Examples
    --------
    The gradient equals a finite difference of FID:

    >>> from fringe.metrics import frechet_distance
    >>> rng = np.random.default_rng(0)
    >>> real = Gaussian.from_features(rng.normal(size=(500, 4)))
    >>> features = rng.normal(size=(500, 4)) + 1
    >>> generated = Gaussian.from_features(features)
    >>> gradient = fid_gradient(features, real, generated, n=500, included=True)
    >>> moved = features.copy()
    >>> moved[0, 0] += 1e-4
    >>> new, old = (frechet_distance(real, Gaussian.from_features(f)) for f in (moved, features))
    >>> bool(np.isclose(gradient[0, 0], (new - old) / 1e-4, rtol=1e-3))
    True
    """
    rows, parts = _checked(features, real, generated, n, transport)
    m, mu = (as_numpy(g.mean).astype(np.float64) for g in (real, generated))
    gradient = np.empty(rows.shape)
    for first in range(0, len(rows), ROWS):
        step = _step(rows[first : first + ROWS], mu)
        # The difference from the mean of all n images, which the image changes by step / n.
        drift = mu - m + (0 if included else step / n)
        if included:
            # S and mu belong to all n images. For the other images, f - mu is n / (n - 1) times
            # as long.
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
    """Return, for each row, a bound of the length of the error that ``exact=False`` causes.

    The approximation has the components w = (c L)^-1/2 z. The exact components are w_j (1 - d_j),
    where d_j is the mean of Q / (1 + Q) over t with the density
    (2/pi) (c L_j)^1/2 / (c L_j + t^2), and Q = z^T (c L + t^2)^-1 z / n. The mean of Q itself is

        q_j = sum_i w_i^2 L_i^1/2 / (L_i^1/2 + L_j^1/2) / n,

    and Q is at most the leverage q = |w|^2 / n, which is about D / n for a typical image. So d_j is
    between q_j / (1 + q) and, by Jensen's inequality, q_j / (1 + q_j).

    Parameters
    ----------
    features, real, generated, n, transport
        As in `fid_gradient` with ``included=False``.

    Returns
    -------
    array (B,), float64
        In units of `fid_gradient`. Infinite if an image varies in a direction in which no other
        image does (S is singular). If q is small, the bound is only a little above the error.

    Raises
    ------
    FringeError
        For the reasons given in `fid_gradient`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real, others = (Gaussian.from_features(rng.normal(size=(500, 4))) for _ in range(2))
    >>> image = np.array([[3.0, 0.0, 0.0, 0.0]])
    >>> exact, rough = (fid_gradient(image, real, others, 501, exact=e) for e in (True, False))
    >>> error = np.linalg.norm(exact - rough, axis=1)
    >>> bound = approximation_bound(image, real, others, 501)
    >>> bool(0 < error[0] < bound[0] < 1.1 * error[0])
    True
    """
    rows, parts = _checked(features, real, generated, n, transport)
    mu = as_numpy(generated.mean).astype(np.float64)
    known = parts.eigenvalues > 0
    roots = np.sqrt((n - 2) / (n - 1) * parts.eigenvalues[known])
    axes = parts.axes[:, known]
    shares = roots[:, None] / (roots[:, None] + roots)
    # An upper bound of the largest singular value of F, computed in a hundredth of the time.
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
    """Return f - mu, (B, D), and 0 where the difference may be only the rounding of mu."""
    step = np.asarray(rows.astype(np.float64) - mu)
    step[np.abs(step) <= ROUNDING * np.abs(mu)] = 0
    return step


def _projected(step: Floats, parts: Transport) -> Floats:
    """Return z = V^T F^T (f - mu), (B, r), with 0 in unknown directions if it may be rounding."""
    z = np.asarray(step @ parts.axes)
    known = parts.eigenvalues > 0
    if not known.all():
        new = np.linalg.norm(z[:, ~known], axis=1)
        # If f varies like the other images, it is mu + G w, and V is only as exact as F^T G.
        w = np.linalg.norm(z[:, known] / np.sqrt(parts.eigenvalues[known]), axis=1)
        noise = np.linalg.norm(parts.axes) * np.linalg.norm(step, axis=1) + parts.scale * w
        z[np.ix_(new <= ROUNDING * noise, ~known)] = 0
    return z


def _transported(step: Floats, parts: Transport, share: float) -> Floats:
    """Return T (f - mu) for the covariance ``share`` S, without the null space of S."""
    known = parts.eigenvalues > 0
    axes = parts.axes[:, known]
    scale = 1 / np.sqrt(share * parts.eigenvalues[known])
    return np.asarray((step @ axes * scale) @ axes.T)


def _transported_by_own(step: Floats, parts: Transport, n: int) -> Floats:
    """Return T' (f - mu), where T' is the map of the covariance that includes the row itself."""
    z = _projected(step, parts)
    # The quadrature depends only on ratios of L and z z^T. Division by a unit prevents overflow.
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
    """Return x such that no nonzero eigenvalue of c L + z z^T / n, of any row, is below x / 3."""
    known = eigenvalues > 0
    least = eigenvalues[known].min(initial=1)
    new = change[:, ~known].sum(axis=1)
    # The part of z z^T in new directions, reduced by the part that known directions can hide.
    leverage = (change[:, known] / eigenvalues[known]).sum(axis=1)
    found = (new / (1 + leverage))[new > 0]
    return float(min(least, found.min(initial=1)))


def _nodes(least: float, most: float) -> tuple[Floats, Floats]:
    """Return t and weights (k,) with sum w / (x + t^2) = x^-1/2 for x from ``least`` to ``most``.

    This is the trapezoidal rule in log t for (2/pi) int_0^oo dt / (x + t^2), exact to about 1e-13.
    """
    first, last = np.log(least) / 2 - TAIL, np.log(most) / 2 + TAIL
    t = np.exp(np.arange(first, last + STEP, STEP))
    return t, 2 / np.pi * STEP * t
