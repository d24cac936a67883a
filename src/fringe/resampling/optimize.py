"""Weights for the candidates that minimize the Fréchet distance (Section 4 of the paper)."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fringe.errors import FringeError
from fringe.metrics import Gaussian
from fringe.metrics.arrays import Floats, as_matrix, as_numpy, is_tensor, like
from fringe.resampling.progress_line import Report
from fringe.resampling.result import Judge, Weights
from fringe.resampling.saved_state import Checkpoint, signature
from fringe.revisions import RESAMPLING

if TYPE_CHECKING:
    import torch

__all__ = ["optimize_weights"]

EQUAL = 0.1  # share of equal weights at the start, where other weights are given

"""Columns of a path: one row per evaluation. Gap: best objective so far less best bound so far."""

"""Columns of checks: one row each. Sampled: the distance of images drawn with the weights."""


def optimize_weights(
    real: Any,
    candidates: Any,
    method: Literal["auto", "reference", "released"] = "auto",
    *,
    max_evaluations: int | None = None,
    tolerance: float = 5e-4,
    learning_rate: float = 10.0,
    merge: float = 0.05,
    judge: Judge | None = None,
    start: Any = None,
    device: "str | torch.device" = "cpu",
    memory_limit: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    title: str = "weights",
) -> Weights:
    """Return the probabilities p that minimize FID(real, candidates weighted by p).

    Parameters
    ----------
    real : array (n, D) or Gaussian
        Features of the real images (divisor n - 1), or their statistics.
    candidates : array (N, D), or anything of that shape and a dtype whose slices are arrays
        Features of the generated images: pre-logits, logits or class indicators; in memory or,
        for example, an HDF5 dataset.
    method : "auto", "reference" or "released"
        ``auto``: projected, preconditioned L-BFGS, certified. ``reference``: the released
        algorithm to the letter, gradient descent on log-weights, whose loss divides the
        covariance by (sum w) - 1; about five float64 copies of the candidates are on the
        device. ``released``: the same with steps merged, and the error of that measured (see
        `Merging`); candidates may exceed the device's memory.
    max_evaluations : int, optional
        Default 150 for ``auto`` and 100,000 steps, as in the paper, for the others. Each costs
        two products of N x D x D and one symmetric eigenproblem of size D.
    tolerance : float
        ``auto`` stops when the gap is at most this part of the FID at equal weights, or of 20 times
        the best FID so far if that is less; or when neither objective nor gap have fallen by a
        hundredth of that in 25 evaluations.
    learning_rate : float
        Of ``reference`` and ``released``.
    merge : float
        ``released`` merges as many steps as change no log-weight by more than this, and never
        passes over a check; 0 merges none.
    judge : function of (probabilities (N,), repeat), optional
        Returns the distance of images that are drawn with the probabilities, see
        `fringe.resampling.SampledDistance`. Given one, the weights with the smallest are
        returned, as the paper does: ``auto`` asks every 5 evaluations and at the end, the others
        after the first, every 500th and the last step, where the best of three repeats counts.
        Without one, the weights with the smallest objective (``auto``) or after the last step are
        returned.
    start : array (N,), optional
        Weights that ``auto`` starts near, none negative: a tenth of equal weights is mixed in,
        because a weight of 0 comes back slowly. Without any, it starts at equal weights.
    device : str or torch.device
        The last bits of the result depend on it, and on a CPU's number of threads.
    memory_limit : int, optional
        Bytes of candidates on the device; beyond it they are read again in every pass, and the
        result is the same. Default: 60 % of a GPU's free memory, 2 GiB on the CPU.
    checkpoint : path, optional
        The state is kept in this HDF5 file, written every 20 seconds and at the end. Called
        again with the same arguments, the function goes on from there and ends in the same
        weights to the last bit; with other arguments the file is overwritten. A judge is known
        by its ``repr``, so a plain function is another one in another process.
    title : str
        Names the optimization in progress lines on stderr.

    Raises
    ------
    FringeError
        NaN or infinity, dimensions that differ, an argument out of range, or released steps that
        diverge.
    """
    matrix = _matrix(candidates)
    gaussian = _statistics(real)
    if matrix.shape[1] != gaussian.dim:
        raise FringeError(
            f"real and candidate features have {gaussian.dim} and {matrix.shape[1]} dimensions: "
            "they come from different networks or spaces"
        )
    if method not in ("auto", "reference", "released"):
        raise FringeError(f"method: got {method!r}; known are 'auto', 'reference' and 'released'")
    evaluations = 150 if method == "auto" else 100_000
    if max_evaluations is not None:
        evaluations = max_evaluations
    if not (evaluations == int(evaluations) >= 1 and 0 <= tolerance < np.inf and learning_rate > 0):
        raise FringeError(
            f"optimize_weights: got max_evaluations {evaluations}, tolerance {tolerance}, "
            f"learning_rate {learning_rate}; give a whole number from 1 on, at least 0, more than 0"
        )
    if not 0 <= merge < np.inf:
        raise FringeError(f"merge: got {merge}; give a number from 0 (merge no steps) on")
    if start is not None and method != "auto":
        raise FringeError("start: the released algorithm starts at equal weights; leave it out")
    # PyTorch takes seconds to import, and only those who optimize need it.
    from fringe.resampling import descent, merged, reference
    from fringe.resampling.objective import Objective

    first = None if start is None else _start(start, len(matrix))
    settings = {
        "auto": (method, evaluations, tolerance, judge),
        "reference": (method, evaluations, learning_rate, judge),
        "released": (method, evaluations, learning_rate, merge, judge),
    }[method]
    key = ""
    if checkpoint is not None:
        key = signature(RESAMPLING, settings, gaussian.mean, gaussian.covariance, matrix, first)
    unit = "evaluation" if method == "auto" else "step"
    saved, report = Checkpoint(checkpoint, key), Report(title, evaluations, unit)
    with report:
        if method == "reference":
            weights = reference.follow(
                gaussian, matrix[:], evaluations, learning_rate, judge, device, saved, report
            )
        else:
            objective = Objective(gaussian, matrix, device, memory_limit)
            if method == "auto":
                weights = descent.descend(
                    objective, evaluations, tolerance, judge, first, saved, report
                )
            else:
                weights = merged.follow(
                    objective, evaluations, learning_rate, merge, judge, saved, report
                )
    return replace(weights, probabilities=like(candidates, weights.probabilities))


def _matrix(candidates: Any) -> Any:
    """Return candidates as an array, or as they are where they can only be read in slices."""
    sliced = hasattr(candidates, "shape") and hasattr(candidates, "dtype")
    if isinstance(candidates, np.ndarray) or is_tensor(candidates) or not sliced:
        return as_matrix(candidates, "candidates")
    # An array of no rows, which costs nothing to read, tells whether these can be features.
    as_matrix(np.broadcast_to(np.zeros((), candidates.dtype), candidates.shape), "candidates")
    return candidates


def _statistics(real: Any) -> Gaussian:
    if not isinstance(real, Gaussian):
        real = Gaussian.from_features(real)
    return Gaussian(
        as_numpy(real.mean).astype(np.float64), as_numpy(real.covariance).astype(np.float64)
    )


def _start(start: Any, count: int) -> Floats:
    """Return relative weights (N,), their mean 1, none 0."""
    x = as_numpy(start).astype(np.float64)
    if x.shape != (count,) or not np.isfinite(x).all() or (x < 0).any() or not x.any():
        raise FringeError(
            f"start: expected {count} finite weights, none negative and not all 0, "
            f"got shape {x.shape}"
        )
    return np.asarray((1 - EQUAL) * x * (count / x.sum()) + EQUAL)
