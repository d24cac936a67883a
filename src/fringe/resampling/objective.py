"""The weighted Fréchet distance as a function of the weights: value, tangent and curvature.

Candidates f_i with probabilities p_i have the mean mu = sum p_i f_i and the covariance
S = sum p_i (f_i - mu)(f_i - mu)^T. With R = F F^T, K = F^T S F and a_i = |f_i|^2 - 2 m.f_i,

    FID(p) = |m|^2 + tr R + sum p_i a_i - 2 tr K^1/2.

S is concave in p in the order of symmetric matrices, and tr K^1/2 is monotone and concave in K, so
FID is convex. For every positive definite B, 2 tr K^1/2 <= tr B K + tr B^-1, with equality at
B = K^-1/2, so

    h_B(p) = |m|^2 + tr R + sum p_i a_i - tr B K(p) - tr B^-1  <=  FID(p)

is a convex quadratic function below FID. Its tangent at p, as a function of q on the simplex, is

    sum q_i t_i,   t_i = |m|^2 + tr R - tr B^-1 + a_i - (f_i - mu)^T F B F^T (f_i - mu).

So FID(q) >= t.q for all q, and t.q is at least min t_i. No weights can have a smaller FID than this
bound.
"""

import math
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch

from fringe.metrics import Gaussian, covariance_root, frechet_distance
from fringe.metrics.arrays import Array
from fringe.resampling.candidates import Rows
from fringe.resampling.saved_state import signature

__all__ = ["EPSILON", "Evaluation", "Objective"]

EPSILON = 1e-12  # the released loss adds this to each eigenvalue of S R before its square root

SMOOTHING = 1e-6  # relative to the mean eigenvalue of K^1/2, see `Objective.smoothing`


class Evaluation(NamedTuple):
    """The result of one pass over the candidates at the probabilities p.

    Attributes
    ----------
    value : float
        FID(p), with the divisor sum p = 1 as in the paper.
    smoothed : float
        FID(p) with K + smoothing instead of K.
    tangent : float64 tensor (N,)
        FID(q) >= tangent.q for all probabilities q. The tangent is also the gradient of the
        smoothed value, up to a constant, which has no effect on the simplex.
    curvature : float64 tensor (N,)
        An upper bound of the diagonal of the Hessian. It is exact, except for the smoothing, if the
        eigenvalues of K are equal.
    """

    value: float
    smoothed: float
    tangent: torch.Tensor
    curvature: torch.Tensor


class Objective:
    """FID of weighted candidates against fixed real statistics, in float64.

    Parameters
    ----------
    real : Gaussian
        Of D dimensions, NumPy.
    candidates : array (N, D), or an object with such a shape and a dtype whose slices are arrays
        For example an HDF5 dataset. Converted to float64 block by block.
    device : str or torch.device
    memory_limit : int, optional
        Bytes for candidates on the device, see `Rows`. The result does not depend on it.

    Raises
    ------
    FringeError
        If a candidate contains NaN or infinity.
    """

    def __init__(
        self,
        real: Gaussian,
        candidates: Any,
        device: str | torch.device = "cpu",
        memory_limit: int | None = None,
    ) -> None:
        self._real = real
        self._rows = Rows(candidates, device, memory_limit)
        self.device = self._rows.device
        mean, covariance, root = (
            torch.from_numpy(np.ascontiguousarray(array)).to(self.device)
            for array in (real.mean, real.covariance, covariance_root(real))
        )
        # Squares of features far from zero would lose digits. So the candidates' mean becomes the
        # origin, and a power of two near the scale of the features becomes the unit.
        origin, spread = self._rows.moments()
        offset = mean - origin
        trace = float(covariance.trace())
        size = (trace + spread + float(offset @ offset)) / len(offset)
        self._unit = 2.0 ** round(math.log2(size) / 2) if size > 0 else 1.0
        self._rows.place(origin, self._unit)
        self._mean = offset / self._unit
        self._trace = trace / self._unit**2
        # F is rotated so that K is diagonal at equal weights.
        moments = self._moments(self._mean.new_full((len(self),), 1 / len(self)))
        eigenvalues, vectors = _eigh(root.T @ moments[1] @ root / self._unit**2)
        if not eigenvalues.any():  # K is 0 for every p
            eigenvalues, vectors = eigenvalues[:0], vectors[:, :0]
        self._root = (root / self._unit) @ vectors
        self._equal = (*moments, eigenvalues, torch.eye(len(eigenvalues)).to(root))
        roots = eigenvalues.sqrt()
        self.smoothing = (SMOOTHING * float(roots.mean())) ** 2 if len(roots) else 0.0
        """Number added to the eigenvalues of K, so that the gradient exists if S(p) is singular."""
        equal = self._without_root(*moments) - 2 * float(roots.sum())
        self.equal = max(equal, 0.0) * self._unit**2
        """FID at equal weights."""

    def __len__(self) -> int:
        """Return the number of candidates N."""
        return len(self._rows)

    def evaluate(self, p: torch.Tensor | Array) -> Evaluation:
        """Return value, tangent and curvature at the probabilities ``p`` (N,)."""
        p = torch.as_tensor(p).to(self.device)
        mean, covariance, eigenvalues, vectors = self._spectrum(p)
        roots = (eigenvalues + self.smoothing).sqrt()
        # x^T F B F^T x = |W^T x|^2, and the Hessian's diagonal is at most
        # (sum_a (W^T x)_a^2 roots_a^-1/2)^2 / 2 + 2 |W^T x|^2, because
        # 1 / (a + b) <= 1 / (2 sqrt(a b)) in the derivative of the square root of a matrix.
        W = self._root @ (vectors / roots.sqrt())
        sums = torch.stack([torch.ones_like(roots), roots.rsqrt()], dim=1)
        constant = float(self._mean @ self._mean) + self._trace - float(roots.sum())
        tangent = torch.empty(len(self), dtype=torch.float64, device=self.device)
        curvature = torch.empty_like(tangent)
        for at, rows in self._rows:
            moved = (rows - mean) @ W
            squares, bent = (moved.square_() @ sums).T
            linear = (rows * rows).sum(dim=1)
            tangent[at] = linear - 2 * (rows @ self._mean) - squares + constant
            curvature[at] = bent.square() / 2 + 2 * squares
        base = self._without_root(mean, covariance)
        square = self._unit**2
        return Evaluation(
            max(base - 2 * float(eigenvalues.sqrt().sum()), 0.0) * square,
            (base - 2 * float(roots.sum())) * square,
            tangent * square,
            curvature * square,
        )

    def evaluate_released(self, w: torch.Tensor | Array) -> tuple[float, torch.Tensor]:
        """Return the released loss at the log-weights ``w`` (N,), and its gradient in w (N,).

        Loss and gradient are the same as in `fringe.resampling.reference`, but candidates may be
        read block by block. The sum of the weights must be finite and above 1.
        """
        weights = torch.as_tensor(w).to(self.device).exp()
        total = weights.sum()
        p = weights / total
        widened = float(total / (total - 1))  # the released divisor is the sum minus 1
        mean, covariance, eigenvalues, vectors = self._spectrum(p)
        square = self._unit**2
        epsilon = EPSILON / square**2
        roots = (widened * eigenvalues + epsilon).sqrt()
        W = self._root @ (vectors / roots.sqrt())
        difference = mean - self._mean
        balance = widened * float(covariance.trace() - (eigenvalues / roots).sum())
        gradient = torch.empty_like(p)
        for at, rows in self._rows:
            centred = rows - mean
            curved = centred.square().sum(dim=1) - (centred @ W).square_().sum(dim=1) - balance
            gradient[at] = p[at] * (2 * (centred @ difference) + widened * curved)
        # All D eigenvalues of S R count, including those that are 0 for every p.
        root = float(roots.sum()) + (self._rows.dim - len(roots)) * math.sqrt(epsilon)
        loss = float(difference @ difference) + self._trace + widened * float(covariance.trace())
        return (loss - 2 * root) * square, gradient * square

    @cached_property
    def identity(self) -> str:
        """A digest of the real statistics and of the candidates."""
        return signature(self._real.mean, self._real.covariance, self._rows.matrix)

    def measure(self, p: torch.Tensor | Array) -> float:
        """Return FID(p) from `fringe.metrics.frechet_distance`, which is slower than `evaluate`.

        The results differ if the eigenvalues of K span more than the digits of float64, because
        this method does not square the factors of near-singular matrices.
        """
        mean, covariance = self._moments(torch.as_tensor(p).to(self.device))
        weighted = Gaussian(
            (mean * self._unit + self._rows.origin).cpu().numpy(),
            (covariance * self._unit**2).cpu().numpy(),
        )
        return frechet_distance(self._real, weighted)

    def distance(self, counts: torch.Tensor | Array) -> float:
        """Return the FID of images that are drawn ``counts`` (N,) times, with the divisor n - 1."""
        counts = torch.as_tensor(counts, dtype=torch.float64).to(self.device)
        n = float(counts.sum())
        mean, covariance = self._moments(counts / n)
        covariance *= n / (n - 1)
        eigenvalues = torch.linalg.eigvalsh(self._root.T @ covariance @ self._root).clamp_(min=0)
        value = self._without_root(mean, covariance) - 2 * float(eigenvalues.sqrt().sum())
        return max(value, 0.0) * self._unit**2

    def _without_root(self, mean: torch.Tensor, covariance: torch.Tensor) -> float:
        """Return |m - mu|^2 + tr R + tr S."""
        step = mean - self._mean
        return float(step @ step) + self._trace + float(covariance.trace())

    def _spectrum(
        self, p: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return `_moments` at p, and the eigenvalues and eigenvectors of K."""
        if bool((p == p[0]).all()):
            return self._equal
        mean, covariance = self._moments(p)
        return (mean, covariance, *_eigh(self._root.T @ covariance @ self._root))

    def _moments(self, p: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mu (D,) and S (D, D), relative to the origin and in the unit of this objective."""
        dim = self._rows.dim
        mean = torch.zeros(dim, dtype=torch.float64, device=self.device)
        covariance = torch.zeros((dim, dim), dtype=torch.float64, device=self.device)
        for at, rows in self._rows:
            used = p[at] > 0  # late in an optimization, most candidates have a weight of 0
            weights, rows = p[at][used], rows[used]
            mean += weights @ rows
            covariance += _gram(rows * weights.sqrt()[:, None])
        return mean, covariance - torch.outer(mean, mean)


def _eigh(symmetric: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the eigenvalues, smallest first and none negative, and the eigenvectors."""
    eigenvalues, vectors = torch.linalg.eigh(symmetric)
    return eigenvalues.clamp_(min=0), vectors


def _gram(rows: torch.Tensor) -> torch.Tensor:
    """Return rows^T rows. NumPy detects that the product is symmetric and does half of the work."""
    if rows.device.type == "cpu":
        array = rows.numpy()
        return torch.from_numpy(array.T @ array)
    return rows.T @ rows
