"""The contribution of each image to a Fréchet distance, and the standard error of the distance.

The influence function of |m - mu|^2 + tr R + tr S - 2 tr (R S)^1/2 at a generated image f, with the
map T from N(mu, S) to N(m, R) (`fringe.metrics.transport`), is

    psi(f) = 2 (mu - m)^T (f - mu) + (f - mu)^T (I - T) (f - mu) - tr[(I - T) S],

and psi_r at a real image is the same with the roles exchanged. The mean of psi over the images is 0
except for the divisor of S. To first order, the random choice of images changes the distance by the
changes of these means:

    SE^2 = Var psi / n + Var psi_r / n_r

(the central limit theorem of Rippl, Munk and Sturm, arXiv 1507.04090). Two distances from the same
real images share the second term. For their difference, this term is Var(psi_r^A - psi_r^B) / n_r.

The error covers only the random choice of images. It does not cover another training of a
generator. If both sets are nearly equal, the distance is not linear in the images, and the error is
too large. For fewer than about 10 D images, the bias of the distance is larger than its error.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Floats, as_matrix, as_numpy, require_finite
from fringe.metrics.gaussian import Gaussian
from fringe.metrics.transport import Transport, optimal_transports, transported_distance

__all__ = [
    "FrechetInfluence",
    "frechet_influence",
    "influences",
    "parts_by_class",
    "ratio_error",
    "variance_of_mean",
]

ROWS = 2048  # images that are processed at a time


class FrechetInfluence(NamedTuple):
    """A Fréchet distance, and the contribution of each image to it.

    Attributes
    ----------
    distance : float
        In squared units of the features.
    real : float64 array (n,)
        psi of each real image.
    generated : float64 array (m,)
        psi of each generated image.
    to_real : Transport
        The map from the generated to the real Gaussian. With it, `influences` computes psi of
        images that are in neither set.
    """

    distance: float
    real: Floats
    generated: Floats
    to_real: Transport

    def standard_error(self, weights: Any = None) -> float:
        """Return the standard error of the distance.

        Give the ``weights`` (m,) of the generated images if the distance was computed with weights.
        """
        parts = variance_of_mean(self.real) + variance_of_mean(self.generated, weights)
        return float(np.sqrt(parts))


def frechet_influence(
    real: Any,
    generated: Any,
    weights: Any = None,
    *,
    of_real: Gaussian | None = None,
    of_generated: Gaussian | None = None,
) -> FrechetInfluence:
    """Return the Fréchet distance of two sets of features, and psi of each image [1]_.

    Parameters
    ----------
    real, generated : array (n, D), (m, D)
    weights : array (m,), optional
        Relative weights of the generated images, none negative. The covariance of the generated
        images has the divisor 1 - sum w^2, where the weights w sum to 1.
    of_real, of_generated : Gaussian, optional
        Mean and covariance of either set, if already computed. The divisor of the covariance is
        n - 1, or with weights the one given above.

    Returns
    -------
    FrechetInfluence

    Raises
    ------
    FringeError
        If dimensions differ, a feature is NaN or infinite, a weight is negative, or there are too
        few images for a covariance.

    References
    ----------
    .. [1] Rippl, Munk and Sturm, arXiv 1507.04090.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> found = frechet_influence(rng.normal(size=(500, 4)), rng.normal(size=(500, 4)) + 1)
    >>> round(found.distance, 1), round(found.standard_error(), 1)
    (4.2, 0.3)
    """
    shares = None if weights is None else normalized(weights, len(generated))
    of_real = of_real or Gaussian.from_features(as_numpy(real))
    if of_generated is None:
        ddof = None if shares is None else float(shares @ shares)
        of_generated = Gaussian.from_features(as_numpy(generated), shares, ddof=ddof)
    to_real, to_generated = optimal_transports(of_real, of_generated)
    return FrechetInfluence(
        transported_distance(of_real, of_generated, to_real),
        influences(real, of_real, of_generated, to_generated),
        influences(generated, of_generated, of_real, to_real),
        to_real,
    )


def influences(features: Any, own: Gaussian, other: Gaussian, transport: Transport) -> Floats:
    """Return the influence psi of images on the distance of two Gaussians.

    An image's influence is the change of the distance as the image is added to ``own`` [1]_.

    Parameters
    ----------
    features : array (n, D)
        Features of any images.
    own, other : Gaussian
        Of D dimensions.
    transport : Transport
        The map from ``own`` to ``other``.

    Returns
    -------
    float64 array (n,)

    Raises
    ------
    FringeError
        If a feature is NaN or infinite, or dimensions differ.

    References
    ----------
    .. [1] Rippl, Munk and Sturm, arXiv 1507.04090.

    Examples
    --------
    >>> import numpy as np
    >>> generated = Gaussian(np.zeros(2), np.eye(2))
    >>> real = Gaussian(np.zeros(2), 4 * np.eye(2))
    >>> to_real = optimal_transports(real, generated)[0]
    >>> influences([[0.0, 0.0], [3.0, 0.0]], generated, real, to_real).round(6).tolist()
    [2.0, -7.0]
    """
    rows = as_matrix(features, "features")
    mean = as_numpy(own.mean).astype(np.float64)
    if rows.shape[1] != len(mean):
        raise FringeError(
            f"features: {rows.shape[1]} dimensions, but the Gaussians have {len(mean)}; take all "
            "from the same network and space"
        )
    require_finite(rows, "features")
    drift = 2 * (mean - as_numpy(other.mean))
    known = transport.eigenvalues > 0
    # x^T T x is the squared length of x @ axes.
    axes = transport.axes[:, known] * transport.eigenvalues[known] ** -0.25
    trace = float(np.trace(as_numpy(own.covariance)) - np.sqrt(transport.eigenvalues).sum())
    psi = np.empty(len(rows))
    for first in range(0, len(rows), ROWS):
        x = rows[first : first + ROWS].astype(np.float64) - mean
        after = x @ axes
        psi[first : first + ROWS] = (
            x @ drift + np.einsum("nd,nd->n", x, x) - np.einsum("nr,nr->n", after, after) - trace
        )
    return psi


def parts_by_class(values: Any, classes: Any, size: int, weights: Any = None) -> Floats:
    """Return the part of the mean of ``values`` that comes from the images of each class.

    The part of class c is h_c E(value | c), where h_c is the share of the images of class c. The
    sum of all parts is the mean.

    Parameters
    ----------
    values : array (n,)
        One value for each image, such as psi.
    classes : int array (n,)
        From 0 to ``size`` - 1.
    size : int
        The number of classes.
    weights : array (n,), optional
        Relative weights of the images, none negative.

    Returns
    -------
    float64 array (size,)

    Examples
    --------
    >>> parts_by_class([1.0, 2.0, 6.0], [0, 1, 1], 3)
    array([0.33333333, 2.66666667, 0.        ])
    """
    v = as_numpy(values).astype(np.float64)
    if weights is None:
        return np.asarray(np.bincount(classes, weights=v, minlength=size) / len(v))
    w = normalized(weights, len(v))
    return np.asarray(np.bincount(classes, weights=w * v, minlength=size), np.float64)


def variance_of_mean(values: Any, weights: Any = None) -> float:
    """Return the variance of the mean of ``values`` of independent images.

    With weights w that sum to 1, the variance is sum w^2 (v - mean)^2 / (1 - sum w^2). For equal
    weights, it is the sample variance divided by n.

    Parameters
    ----------
    values : array (n,)
    weights : array (n,), optional
        Relative weights of the images, none negative.

    Raises
    ------
    FringeError
        If there are fewer than two values, or fewer than two images have a weight above 0.

    Examples
    --------
    >>> round(variance_of_mean([1.0, 2.0, 3.0]), 6)
    0.333333
    """
    v = as_numpy(values).astype(np.float64)
    if len(v) < 2:
        raise FringeError(f"variance of a mean: got {len(v)} values; give at least two")
    if weights is None:
        return float(v.var(ddof=1) / len(v))
    w = normalized(weights, len(v))
    squares = float(w @ w)
    if squares >= 1 - 1e-12:
        raise FringeError("weights: only one image has a weight; give at least two")
    return float((w**2 @ (v - w @ v) ** 2) / (1 - squares))


def ratio_error(ratio: float, above_error: float, below: float, below_error: float) -> float:
    """Return the standard error of a ratio of two independent numbers, to first order.

    Parameters
    ----------
    ratio : float
        The numerator divided by ``below``.
    above_error : float
        Standard error of the numerator.
    below, below_error : float
        The denominator and its standard error.

    Examples
    --------
    >>> round(ratio_error(2.0, 0.3, 1.0, 0.2), 6)
    0.5
    """
    return float(np.hypot(above_error / below, ratio * below_error / below))


def normalized(weights: Any, count: int) -> Floats:
    """Return weights as a float64 array (count,) that sums to 1.

    Raises
    ------
    FringeError
        If there are not ``count`` weights, a weight is negative or not finite, or all weights are
        0.
    """
    w = as_numpy(weights).astype(np.float64)
    if w.shape != (count,):
        raise FringeError(f"weights: expected one per image, shape ({count},), got {w.shape}")
    if not np.isfinite(w).all() or w.min() < 0 or not w.sum() > 0:
        raise FringeError("weights: expected finite numbers, none negative and not all 0")
    return np.asarray(w / w.sum())
