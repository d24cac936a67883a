"""The relative MMD test of which of two generated sets is nearer to the same real images.

This module computes the squared maximum mean discrepancy over all pairs with the kernel of KID,
k(x, y) = (x.y / D + 1)^3, and the contribution of each image. To first order, the unbiased estimate
varies as

    2 mean_x [k(x, X) - k(x, Y)] + 2 mean_y [k(y, Y) - k(y, X)],

where k(x, Y) is the mean of k over Y (Bounliphone et al. 2016, arXiv 1511.04581). All models share
the terms at the real images X, so the difference of two models has a smaller error than the value
of either model.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Floats, as_matrix, require_finite

__all__ = ["KernelInfluence", "RealKernel", "kernel_influence", "real_kernel"]

ROWS = 1024  # rows of the kernel matrix that are computed at a time


class RealKernel(NamedTuple):
    """Real features, and the mean kernel value of each image with the other images.

    Attributes
    ----------
    features : float64 array (n, D)
    means : float64 array (n,)
    """

    features: Floats
    means: Floats


class KernelInfluence(NamedTuple):
    """MMD^2 of real and generated images, and the contribution of each image.

    Attributes
    ----------
    distance : float
        Unbiased, so it may be negative. KID is the mean of such distances over subsets.
    real, generated : float64 array (n,), (m,)
        Contributions of the real and of the generated images. The mean of each array is 0. The
        variance of the distance is the sum of the variances of both means.
    """

    distance: float
    real: Floats
    generated: Floats


def real_kernel(real: Any) -> RealKernel:
    """Return the kernel means of real features for calls of `kernel_influence` [1]_.

    Several calls can share the result.

    Parameters
    ----------
    real : array (n, D)
        n at least 2.

    Returns
    -------
    RealKernel

    Raises
    ------
    FringeError
        If there are fewer than two images, or a feature is NaN or infinite.

    References
    ----------
    .. [1] Bounliphone et al., 2016, arXiv 1511.04581.

    Examples
    --------
    >>> real_kernel([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]]).means.tolist()
    [1.0, 1.0, 1.0]
    """
    rows = _checked(real, "real")
    return RealKernel(rows, _means_within(rows))


def kernel_influence(real: RealKernel, generated: Any) -> KernelInfluence:
    """Return the unbiased MMD^2 of generated features, and the contribution of each image [1]_.

    Parameters
    ----------
    real : RealKernel
        The result of `real_kernel`.
    generated : array (m, D)

    Returns
    -------
    KernelInfluence

    Raises
    ------
    FringeError
        If dimensions differ, there are fewer than two images, or a feature is NaN or infinite.

    References
    ----------
    .. [1] Bounliphone et al., 2016, arXiv 1511.04581.

    Examples
    --------
    The z-value of the test of which of the models A and B is nearer to the real images:

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> real = real_kernel(rng.normal(size=(300, 8)))
    >>> a = kernel_influence(real, rng.normal(size=(300, 8)) + 0.2)
    >>> b = kernel_influence(real, rng.normal(size=(300, 8)) + 0.5)
    >>> parts = [a.real - b.real, a.generated, b.generated]
    >>> error = np.sqrt(sum(part.var(ddof=1) / len(part) for part in parts))
    >>> bool((b.distance - a.distance) / error > 5)
    True
    """
    rows = _checked(generated, "generated")
    if rows.shape[1] != real.features.shape[1]:
        raise FringeError(
            f"real and generated features have {real.features.shape[1]} and {rows.shape[1]} "
            "dimensions: they come from different networks or spaces"
        )
    within = _means_within(rows)
    of_real, of_generated = _means_between(real.features, rows)
    distance = real.means.mean() + within.mean() - 2 * of_real.mean()
    x, y = real.means - of_real, within - of_generated
    return KernelInfluence(float(distance), 2 * (x - x.mean()), 2 * (y - y.mean()))


def _checked(features: Any, what: str) -> Floats:
    rows = as_matrix(features, what)
    require_finite(rows, what)
    if len(rows) < 2:
        raise FringeError(f"kernel distance: got {len(rows)} {what} images; give at least two")
    return rows.astype(np.float64)


def _kernel(x: Floats, y: Floats) -> Floats:
    base = x @ y.T
    base /= x.shape[1]
    base += 1
    return np.asarray(base * base * base)


def _means_within(x: Floats) -> Floats:
    """Return the mean of k(x_i, x_j) over j other than i, for each i."""
    sums = np.zeros(len(x))
    for first in range(0, len(x), ROWS):
        # Blocks on and above the diagonal; the kernel is symmetric.
        values = _kernel(x[first : first + ROWS], x[first:])
        size = len(values)
        np.fill_diagonal(values[:, :size], 0)
        sums[first : first + size] += values.sum(axis=1)
        sums[first + size :] += values[:, size:].sum(axis=0)
    return sums / (len(x) - 1)


def _means_between(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the means of k(x_i, y_j) over j for each i, and over i for each j."""
    of_x, of_y = np.empty(len(x)), np.zeros(len(y))
    for first in range(0, len(x), ROWS):
        values = _kernel(x[first : first + ROWS], y)
        of_x[first : first + ROWS] = values.mean(axis=1)
        of_y += values.sum(axis=0)
    return of_x, of_y / len(x)
