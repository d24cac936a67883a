"""The Fréchet distance between two Gaussians (FID, Equation 1 of the paper)."""

import numpy as np
import scipy.linalg as linalg

from fringe.errors import FringeError
from fringe.metrics.arrays import Floats, as_numpy
from fringe.metrics.gaussian import Gaussian, require_same_dim

__all__ = ["covariance_root", "frechet_distance", "squared_root"]

PRECISION = 1e-10  # rounding error, relative to the traces, above which the slower way is used


def frechet_distance(
    real: Gaussian,
    generated: Gaussian,
    root: Floats | None = None,
    *,
    precision: float = PRECISION,
) -> float:
    """Return the Fréchet distance |m_r - m_g|^2 + tr R + tr S - 2 tr (R S)^1/2 of two Gaussians.

    FID is this distance for the Gaussians of Inception features ([1]_, Equation 1). With R = F F^T
    and S = G G^T, the last trace is the nuclear norm of F^T G: the sum of the square roots of the
    eigenvalues of the symmetric matrix F^T S F. Nothing is added to the diagonal, and no
    unsymmetric eigenproblem is solved. The result is also exact for singular covariances (n <= D),
    because their null spaces drop out of the factors.

    Parameters
    ----------
    real, generated : Gaussian
        Of D dimensions each.
    root : array (D, r), optional
        `covariance_root` of ``real``. Give it if several distances share ``real``.
    precision : float
        The largest rounding error that is accepted, relative to the traces. If the faster way
        could have a larger error, a slower way is used.

    Returns
    -------
    float
        In squared units of the features, at least 0.

    Raises
    ------
    FringeError
        If the dimensions differ.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023.

    Examples
    --------
    >>> import numpy as np
    >>> real = Gaussian(np.zeros(2), np.eye(2))
    >>> generated = Gaussian(np.array([3.0, 0.0]), 4 * np.eye(2))
    >>> round(frechet_distance(real, generated), 6)
    11.0
    """
    require_same_dim(real, generated)
    F = covariance_root(real) if root is None else root
    if F.ndim != 2 or len(F) != real.dim:
        raise FringeError(f"root: expected shape ({real.dim}, r), got {F.shape}")
    S = _float64(generated.covariance)
    difference = _float64(real.mean) - _float64(generated.mean)
    traces = np.trace(_float64(real.covariance)) + np.trace(S)
    value = difference @ difference + traces - 2 * _nuclear_norm(F, S, precision * traces)
    return max(float(value), 0.0)


def covariance_root(gaussian: Gaussian) -> Floats:
    """Return a matrix F (D, r) such that F F^T is the covariance, which has the rank r.

    F is lower triangular if r = D. It is computed from the Cholesky factor of the correlation
    matrix, with pivoting if that matrix is singular, so that neither the unit of a feature nor a
    constant feature affects the rank.

    Parameters
    ----------
    gaussian : Gaussian
        Of D dimensions.

    Returns
    -------
    float64 array (D, r)

    Examples
    --------
    >>> import numpy as np
    >>> covariance_root(Gaussian(np.zeros(2), np.array([[4.0, 2.0], [2.0, 5.0]])))
    array([[2., 0.],
           [1., 2.]])
    >>> covariance_root(Gaussian(np.zeros(2), np.array([[4.0, 0.0], [0.0, 0.0]])))
    array([[2.],
           [0.]])
    """
    return _factor(_float64(gaussian.covariance))


def _float64(value: object) -> Floats:
    return as_numpy(value).astype(np.float64, copy=False)


def _factor(covariance: Floats) -> Floats:
    scale = np.sqrt(np.clip(np.diag(covariance), 0, None))
    scale[scale == 0] = 1
    correlation = np.asfortranarray(covariance / scale[:, None] / scale)
    rounding = len(scale) * np.finfo(np.float64).eps
    factor, failed = linalg.lapack.dpotrf(correlation, lower=1, clean=1)
    if not failed and np.diag(factor).min() ** 2 > 10 * rounding:
        return np.asarray(factor * scale[:, None])
    factor, pivots, rank, _ = linalg.lapack.dpstrf(correlation, tol=rounding, lower=1)
    rows: Floats = np.zeros((len(scale), rank))
    rows[pivots - 1] = np.tril(factor)[:, :rank]
    rows *= scale[:, None]
    return rows


def squared_root(F: Floats, S: Floats) -> Floats:
    """Return F^T S F (r, r), where F (D, r) comes from `covariance_root`.

    Only the lower triangle of the result is valid.
    """
    if F.shape[0] == F.shape[1] and not any(F[:i, i].any() for i in range(len(F))):
        # LAPACK's reduction of the generalized problem computes F^T S F in a quarter of the time of
        # two products. S.T equals S, but has the memory order that LAPACK needs.
        product, _ = linalg.lapack.dsygst(
            np.array(S.T, order="F"), np.asfortranarray(F), itype=2, lower=1, overwrite_a=1
        )
        return np.asarray(product)
    return np.asarray(F.T @ S @ F)


def _nuclear_norm(F: Floats, S: Floats, precision: float) -> float:
    """Return the sum of singular values of F^T G, where S = G G^T, to within ``precision``."""
    if not F.size:
        return 0.0
    # NumPy's decompositions let other threads run at the same time; SciPy's do not.
    eigenvalues = np.linalg.eigvalsh(squared_root(F, S))
    largest = eigenvalues[-1]
    if largest <= 0:
        return 0.0
    noise = np.finfo(np.float64).eps * largest
    # An error of `noise` in an eigenvalue is an error of noise / (2 root) in its square root.
    error = (noise / (2 * np.sqrt(np.maximum(eigenvalues, noise)))).sum()
    if error <= precision:
        return float(np.sqrt(np.clip(eigenvalues, 0, None)).sum())
    # Near-singular: use the factors themselves, which keep all digits because they are not squared.
    G = _factor(S)
    if not G.size:
        return 0.0
    return float(np.linalg.svd(F.T @ G, compute_uv=False).sum())
