"""The weighted Fréchet distance as a function of the weights: value, gradient, lower bound.

Candidates f_i with probabilities p_i have the mean mu = sum p_i f_i and the covariance
S = sum p_i (f_i - mu)(f_i - mu)^T. With R = F F^T, K = F^T S F and a_i = |f_i|^2 - 2 m.f_i,

    FID(p) = |m|^2 + tr R + sum p_i a_i - 2 tr K^1/2.

S is concave in p for the order of matrices, and tr K^1/2 is monotone and concave: FID is convex.
For every positive definite B, 2 tr K^1/2 <= tr B K + tr B^-1, with equality at B = K^-1/2, so

    h_B(p) = |m|^2 + tr R + sum p_i a_i - tr B K(p) - tr B^-1  <=  FID(p)

is a convex quadratic below FID, and its tangent at any p, minimized over the simplex (which is
taking its smallest gradient), is a bound that no weights whatever can beat.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy.linalg as linalg

from fringe.metrics import Gaussian, covariance_root
from fringe.metrics.arrays import Array, Floats

__all__ = ["Evaluation", "Objective"]

ROWS = 8192  # rows per matrix product: float64 copies of the candidates stay this small
PREPARED = 2**26  # numbers: up to so many are kept in float64 (half a GiB)
SMOOTHING = 1e-6  # of the mean of K^1/2's eigenvalues, see `Objective.smoothing`


class Evaluation(NamedTuple):
    """What one pass over the candidates at the probabilities p tells.

    Attributes
    ----------
    value : float
        FID(p), divisor sum p = 1 as in the paper.
    smoothed : float
        The value with K + smoothing in K's place; its gradient is exactly `gradient`.
    gradient : float64 array (N,)
        Up to a constant, which does not matter on the simplex.
    lower_bound : float
        FID is at least this for all probabilities.
    """

    value: float
    smoothed: float
    gradient: Floats
    lower_bound: float


class Objective:
    """FID of weighted candidates against fixed real statistics, in float64.

    Parameters
    ----------
    real : Gaussian
        Of D dimensions, NumPy.
    candidates : array (N, D)
        Kept in its own type and converted block by block, unless they are few.
    """

    def __init__(self, real: Gaussian, candidates: Array) -> None:
        self._candidates = candidates
        self._prepared: Floats | None = None
        count = len(candidates)
        uniform = np.full(count, 1 / count)
        # Far from zero, squares would lose digits: the candidates' mean becomes the origin,
        # and a power of two near the features' scale becomes the unit.
        self._origin = np.zeros(candidates.shape[1])
        self._unit = 1.0
        self._origin = sum(rows.sum(axis=0) for _, rows in self._rows()) / count
        _, scatter = self._moments(uniform)
        offset = real.mean - self._origin
        size = float(np.trace(real.covariance) + np.trace(scatter) + offset @ offset)
        size /= len(offset)
        self._unit = 2.0 ** round(math.log2(size) / 2) if size > 0 else 1.0
        self._mean = offset / self._unit
        self._trace = float(np.trace(real.covariance)) / self._unit**2
        self._root = covariance_root(real) / self._unit
        # Directions of F that no candidate reaches contribute nothing, at any p.
        if self._root.size:
            K = self._root.T @ (scatter / self._unit**2) @ self._root
            eigenvalues, vectors = linalg.eigh(K, driver="evd", check_finite=False)
            floor = len(K) * np.finfo(np.float64).eps * max(eigenvalues[-1], 0)
            reached = eigenvalues > floor
            if not reached.all():
                self._root = self._root @ vectors[:, reached]
            roots = np.sqrt(eigenvalues[reached])
        else:
            roots = np.zeros(0)
        self.smoothing = float((SMOOTHING * roots.mean()) ** 2) if len(roots) else 0.0
        """Added to K's eigenvalues, so that the gradient exists where S(p) is singular."""
        if candidates.size <= PREPARED:
            self._prepared = np.concatenate([rows for _, rows in self._rows()])
        self._linear = np.empty(count)
        for at, rows in self._rows():
            self._linear[at] = np.einsum("nd,nd->n", rows, rows) - 2 * (rows @ self._mean)

    def __len__(self) -> int:
        """Return the number of candidates N."""
        return len(self._candidates)

    def evaluate(self, p: Floats) -> Evaluation:
        """Return value, gradient and lower bound at the probabilities ``p`` (N,)."""
        mean, covariance = self._moments(p)
        constant = float(self._mean @ self._mean) + self._trace
        linear = constant + float(p @ self._linear)
        F = self._root
        gradient = self._linear.copy()
        bound = value = smoothed = linear
        if F.size:
            eigenvalues, vectors = linalg.eigh(
                F.T @ covariance @ F, driver="evd", overwrite_a=True, check_finite=False
            )
            eigenvalues = np.clip(eigenvalues, 0, None)
            roots = np.sqrt(eigenvalues + self.smoothing)
            value -= 2 * float(np.sqrt(eigenvalues).sum())
            smoothed -= 2 * float(roots.sum())
            bound -= float((eigenvalues / roots).sum() + roots.sum())
            # x^T T x = |W^T x|^2, where T = F B F^T maps N(mu, S) onto N(m, R).
            W = F @ (vectors / np.sqrt(roots))
            for at, rows in self._rows():
                moved = rows @ W
                moved -= mean @ W
                gradient[at] -= np.einsum("nr,nr->n", moved, moved)
        bound += float(gradient.min() - p @ gradient)
        square = self._unit**2
        return Evaluation(
            max(value, 0.0) * square,
            smoothed * square,
            gradient * square,
            max(bound, 0.0) * square,
        )

    def _rows(self) -> Iterator[tuple[slice, Floats]]:
        """Yield the candidates block by block, from this objective's origin and in its unit."""
        for first in range(0, len(self._candidates), ROWS):
            at = slice(first, first + ROWS)
            if self._prepared is not None:
                yield at, self._prepared[at]
                continue
            rows = self._candidates[at].astype(np.float64)
            rows -= self._origin
            rows /= self._unit
            yield at, rows

    def _moments(self, p: Floats) -> tuple[Floats, Floats]:
        """Return mu (D,) and S (D, D) from this objective's origin and in its unit."""
        dim = len(self._origin)
        mean, covariance = np.zeros(dim), np.zeros((dim, dim))
        for at, rows in self._rows():
            mean += p[at] @ rows
            weighted = rows * np.sqrt(p[at])[:, None]
            covariance += weighted.T @ weighted
        return mean, covariance - np.outer(mean, mean)
