"""The Vendi score (Friedman and Dieng, TMLR 2023, arXiv 2210.02410), a number of different images.

Let K be the matrix of the cosines between n images. The Vendi score is exp(-sum_i l_i log l_i),
where l_i are the eigenvalues of K / n. The score is 1 if all images are alike, and n if all images
are orthogonal. The D x D matrix of mean products of normalized features has the same eigenvalues,
and is smaller if D < n.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.linalg as linalg

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats, as_rows, read_rows
from fringe.metrics.scored import Scored
from fringe.seeds import random_stream

__all__ = ["vendi_score"]

ROWS = 2048  # images that are processed at a time
SAMPLE = 8192  # images from which the error is estimated, to within 1%


def vendi_score(features: Any) -> Scored:
    """Return the Vendi score [1]_ of order 1 with the cosine kernel.

    Parameters
    ----------
    features : array (n, D), or an object that supports slices of rows
        Each row is normalized. Read in blocks. Memory is needed for min(n, D)^2 numbers, and for
        the rows if n < D.

    Returns
    -------
    Scored
        From 1 to min(n, D). The error is to first order: an image x changes the entropy
        H = -tr R log R of the mean product R by (-x^T (log R) x - H) / n, so the error is the score
        times the standard deviation of x^T (log R) x divided by sqrt(n). The score of few images is
        too low, which the error does not cover: compare only scores of equal numbers of images. The
        error of one image is None.

    Raises
    ------
    FringeError
        NaN or infinity, a row of zeros.

    References
    ----------
    .. [1] Friedman and Dieng, TMLR 2023, arXiv 2210.02410.

    Examples
    --------
    >>> import numpy as np
    >>> four_kinds = np.eye(4).repeat(100, axis=0)
    >>> round(vendi_score(four_kinds).value, 6)
    4.0
    """
    rows = as_rows(features, "features")
    count, dim = map(int, rows.shape)
    entropy, parts = _of_rows(rows) if count < dim else _of_dimensions(rows)
    score = float(np.exp(entropy))
    error = None if count < 2 else score * float(np.sqrt(parts.var(ddof=1) / count))
    return Scored(score, error)


def _normalized(rows: Any, chosen: Array | None = None) -> Iterator[tuple[slice, Floats]]:
    """Yield slices with their rows (b, D), or only the chosen rows, normalized in float64."""
    count = int(rows.shape[0]) if chosen is None else len(chosen)
    for start in range(0, count, ROWS):
        at = slice(start, min(start + ROWS, count))
        block = read_rows(rows, at if chosen is None else chosen[at], "features")
        largest = np.abs(block).max(axis=1, keepdims=True)
        if not largest.all():
            row = start + int(np.flatnonzero(largest[:, 0] == 0)[0])
            raise FringeError(
                f"features: row {row} is zero and has no direction; find the image that gives it, "
                "or take the features of another network"
            )
        block = block / largest  # squares of large numbers overflow, squares of small ones vanish
        yield at, block / np.sqrt(np.einsum("nd,nd->n", block, block))[:, None]


def _of_dimensions(rows: Any) -> tuple[float, Floats]:
    """Return H, and -x^T (log R) x of each image, computed from R = sum x x^T / n.

    The mean of -x^T (log R) x is H. If there are more than `SAMPLE` images, a sample is used.
    """
    count, dim = map(int, rows.shape)
    products = np.zeros((dim, dim), order="F")
    for _, x in _normalized(rows):
        # Only the lower triangle of x.T @ x, which is half the work.
        products = linalg.blas.dsyrk(1, x.T, beta=1, c=products, lower=1, overwrite_c=1)
    shares, axes = linalg.eigh(products, lower=True, overwrite_a=True)
    shares /= count
    known = shares > _least(shares, dim)
    logs = -np.log(np.minimum(shares[known], 1))
    scaled = axes[:, known] * np.sqrt(logs)
    chosen = None
    if count > SAMPLE:
        rng = random_stream(0, "vendi score", "error")
        chosen = np.sort(rng.choice(count, SAMPLE, replace=False))
    parts = np.empty(min(count, SAMPLE))
    for at, x in _normalized(rows, chosen):
        after = x @ scaled
        parts[at] = np.einsum("nd,nd->n", after, after)
    return float(shares[known] @ logs), parts


def _of_rows(rows: Any) -> tuple[float, Floats]:
    """Return `_of_dimensions`, computed from the cosines (n, n): x_i^T u_l is sqrt(n l_l) v_il."""
    x = np.concatenate([block for _, block in _normalized(rows)])
    shares, vectors = linalg.eigh(x @ x.T / len(x), overwrite_a=True)
    known = shares > _least(shares, len(x))
    shares = shares[known]
    logs = -np.log(np.minimum(shares, 1))
    return float(shares @ logs), vectors[:, known] ** 2 @ (logs * shares * len(x))


def _least(shares: Floats, size: int) -> float:
    """Return the limit up to which an eigenvalue may be a rounding error of 0."""
    return float(size * np.finfo(np.float64).eps * shares.max())
