"""Weights of the candidates that minimize the Fréchet distance (Section 4 of the paper)."""

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

EQUAL = 0.1  # share of equal weights that is mixed into given start weights


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
    """Return the probabilities p that minimize FID(real, candidates weighted by p) [1]_.

    Parameters
    ----------
    real : array (n, D) or Gaussian
        Features of the real images, or their statistics. The covariance has the divisor n - 1.
    candidates : array (N, D), or an object with such a shape and a dtype whose slices are arrays
        Features of the generated images: pre-logits, logits or class indicators. They may be in
        memory or, for example, in an HDF5 dataset.
    method : "auto", "reference" or "released"
        ``auto``: projected, preconditioned L-BFGS with a certified bound. ``reference``: exactly
        the released algorithm, which is gradient descent on log-weights. Its loss divides the
        covariance by (sum w) - 1. It keeps about five float64 copies of the candidates on the
        device. ``released``: the released algorithm with merged steps, and a measurement of the
        error of merging (see `Merging`). The candidates may exceed the device's memory.
    max_evaluations : int, optional
        Default: 150 for ``auto``; 100,000 steps for the other methods, as in the paper. Each
        evaluation costs two products of N x D x D and one symmetric eigenproblem of size D.
    tolerance : float
        ``auto`` stops if the gap is at most this share of the FID at equal weights, or of 20 times
        the best FID so far if that is smaller. It also stops if neither the objective nor the gap
        has fallen by a hundredth of that in 25 evaluations.
    learning_rate : float
        Step size of ``reference`` and ``released``.
    merge : float
        ``released`` merges steps as long as no log-weight changes by more than this number, and
        never passes over a check. 0 merges no steps.
    judge : function of (probabilities (N,), repeat), optional
        Returns the distance of images that are drawn with the probabilities, see
        `fringe.resampling.SampledDistance`. With a judge, the weights with the smallest distance
        are returned, as in the paper. ``auto`` asks the judge every 5 evaluations and at the end.
        The other methods ask it after the first, every 500th and the last step, and the best of
        three repeats counts. Without a judge, ``auto`` returns the weights with the smallest
        objective, and the other methods return the weights after the last step.
    start : array (N,), optional
        Weights near which ``auto`` starts, none negative. A tenth of equal weights is mixed in,
        because a weight of 0 grows slowly. Default: equal weights.
    device : str or torch.device
        The last bits of the result depend on the device, and on the number of threads of a CPU.
    memory_limit : int, optional
        Bytes for candidates on the device. Candidates that need more are read again in every pass,
        with the same result. Default: 60 % of a GPU's free memory, 2 GiB on the CPU.
    checkpoint : path, optional
        An HDF5 file in which the state is saved every 20 seconds and at the end. If the function is
        called again with the same arguments, it continues from the saved state and returns the same
        weights to the last bit. With other arguments, the file is overwritten. A judge is
        identified by its ``repr``, so a plain function counts as a different judge in another
        process.
    title : str
        Name of the optimization in progress lines on stderr.

    Returns
    -------
    Weights

    Raises
    ------
    FringeError
        NaN or infinity, dimensions that differ, an argument out of range, or released steps that
        diverge.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023, Section 4.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real, candidates = rng.normal(size=(500, 4)), rng.normal(size=(200, 4)) + 1
    >>> weights = optimize_weights(real, candidates)
    >>> equal = weights.path[0, 1]  # the objective at equal weights
    >>> bool(weights.objective < 0.01 * equal), bool(weights.gap <= 5e-4 * equal)
    (True, True)
    """
    matrix = _matrix(candidates)
    gaussian = _statistics(real)
    if matrix.shape[1] != gaussian.dim:
        raise FringeError(
            f"real and candidate features have {gaussian.dim} and {matrix.shape[1]} dimensions: "
            "they come from different networks or spaces"
        )
    if method not in ("auto", "reference", "released"):
        raise FringeError(f"method: got {method!r}; give 'auto', 'reference' or 'released'")
    evaluations = 150 if method == "auto" else 100_000
    if max_evaluations is not None:
        evaluations = max_evaluations
    if not (evaluations == int(evaluations) >= 1 and 0 <= tolerance < np.inf and learning_rate > 0):
        raise FringeError(
            f"optimize_weights: got max_evaluations {evaluations}, tolerance {tolerance}, "
            f"learning_rate {learning_rate}; give a whole number of at least 1, a number of at "
            "least 0 and a number above 0"
        )
    if not 0 <= merge < np.inf:
        raise FringeError(f"merge: got {merge}; give a number of at least 0 (0 merges no steps)")
    if start is not None and method != "auto":
        raise FringeError(
            f"start: method {method!r} always starts at equal weights; leave start out"
        )
    # Imported here, because PyTorch takes seconds to import and only an optimization needs it.
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
    """Return candidates as an array, or unchanged if they can only be read in slices."""
    sliced = hasattr(candidates, "shape") and hasattr(candidates, "dtype")
    if isinstance(candidates, np.ndarray) or is_tensor(candidates) or not sliced:
        return as_matrix(candidates, "candidates")
    # Check shape and type with an array of the same shape and type that takes no memory.
    as_matrix(np.broadcast_to(np.zeros((), candidates.dtype), candidates.shape), "candidates")
    return candidates


def _statistics(real: Any) -> Gaussian:
    if not isinstance(real, Gaussian):
        real = Gaussian.from_features(real)
    return Gaussian(
        as_numpy(real.mean).astype(np.float64), as_numpy(real.covariance).astype(np.float64)
    )


def _start(start: Any, count: int) -> Floats:
    """Return relative weights (N,) with a mean of 1, none of them 0."""
    x = as_numpy(start).astype(np.float64)
    if x.shape != (count,) or not np.isfinite(x).all() or (x < 0).any() or not x.any():
        raise FringeError(
            f"start: expected {count} finite weights, none negative and not all 0, "
            f"got shape {x.shape}"
        )
    return np.asarray((1 - EQUAL) * x * (count / x.sum()) + EQUAL)
