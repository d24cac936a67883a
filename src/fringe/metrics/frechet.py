"""The Fréchet distance between two Gaussians (FID, Equation 1 of the paper)."""

import numpy as np
import scipy.linalg as linalg

from fringe.errors import FringeError
from fringe.metrics.arrays import Floats, as_numpy
from fringe.metrics.gaussian import Gaussian, require_same_dim

__all__ = ["covariance_root", "frechet_distance", "squared_root"]

PRECISION = 1e-10  # of the traces: what rounding may cost before the slower way is taken


def frechet_distance(
    real: Gaussian,
    generated: Gaussian,
    root: Floats | None = None,
    *,
    precision: float = PRECISION,
) -> float:
    """Return |m_r - m_g|^2 + tr R + tr S - 2 tr (R S)^1/2.

    With R = F F^T, the last trace is the nuclear norm of F^T G, where S = G G^T: the sum of
    square roots of the eigenvalues of the symmetric matrix F^T S F. Nothing is added to the
    diagonal, and no unsymmetric eigenproblem is solved. Singular covariances (n <= D) are
    exact as well: their null spaces drop out of the factors.

    Parameters
    ----------
    real, generated : Gaussian
        Of D dimensions each.
    root : array (D, r), optional
        `covariance_root` of ``real``, where several distances share it.
    precision : float
        The part of the traces that rounding may cost at worst. A slower way is taken where the
        faster one could cost more.

    Returns
    -------
    float
        In squared units of the features, at least 0.

    Raises
    ------
    FringeError
        If the dimensions differ.
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
    """Return F (D, r) with F F^T the covariance, r its rank; lower triangular where r = D.

    Cholesky factors of the correlation matrix, with pivoting where it is singular, so that
    neither the unit of a feature nor a constant feature matters to the rank.
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
    """Return F^T S F (r, r) for F (D, r) of `covariance_root`; read its lower triangle only."""
    if F.shape[0] == F.shape[1] and not any(F[:i, i].any() for i in range(len(F))):
        # LAPACK's reduction of the generalized problem: F^T S F at a quarter of two products.
        # S.T is S, but for the order of its elements in memory.
        product, _ = linalg.lapack.dsygst(
            np.array(S.T, order="F"), np.asfortranarray(F), itype=2, lower=1, overwrite_a=1
        )
        return np.asarray(product)
    return np.asarray(F.T @ S @ F)


def _nuclear_norm(F: Floats, S: Floats, precision: float) -> float:
    """Return the sum of singular values of F^T G, where S = G G^T, to within ``precision``."""
    if not F.size:
        return 0.0
    # NumPy's decompositions let other threads go on meanwhile; SciPy's do not.
    eigenvalues = np.linalg.eigvalsh(squared_root(F, S))
    largest = eigenvalues[-1]
    if largest <= 0:
        return 0.0
    noise = np.finfo(np.float64).eps * largest
    # An error of `noise` in an eigenvalue is one of noise / (2 root) in its square root.
    error = (noise / (2 * np.sqrt(np.maximum(eigenvalues, noise)))).sum()
    if error <= precision:
        return float(np.sqrt(np.clip(eigenvalues, 0, None)).sum())
    # Near-singular: the factors themselves, never squared, keep all digits.
    G = _factor(S)
    if not G.size:
        return 0.0
    return float(np.linalg.svd(F.T @ G, compute_uv=False).sum())
