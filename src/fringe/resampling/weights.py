"""Weights for the candidates that minimize the Fréchet distance (Section 4 of the paper)."""

import os
import sys
import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fringe.errors import FringeError
from fringe.metrics import Gaussian
from fringe.metrics.arrays import Array, Floats, as_matrix, as_numpy, like, require_finite
from fringe.resampling import solver
from fringe.resampling.checkpoint import Checkpoint, signature
from fringe.resampling.draw import effective_sample_size
from fringe.resampling.objective import Objective
from fringe.resampling.reference import Reference

__all__ = ["Weights", "optimize_weights"]

REPORT = 10.0  # seconds between two lines of progress


@dataclass(frozen=True, eq=False)
class Weights:
    """Probabilities of the candidates, and how good they are.

    Attributes
    ----------
    probabilities : float64 array (N,)
        At least 0, sum 1.
    objective : float
        The Fréchet distance of the weighted candidates (covariance divided by the sum of
        weights, as in the paper) to the real images.
    lower_bound : float
        No probabilities whatever give a smaller objective: proven by convexity.
    path : float64 array (E, 4)
        One row per evaluation: its number, its objective, the gap of best objective and best
        bound so far (NaN where none was computed), the effective sample size.
        For ``reference``, the objective is the released loss.
    """

    probabilities: Any
    objective: float
    lower_bound: float
    path: Floats

    @property
    def gap(self) -> float:
        """How far the objective is from the optimum, at most."""
        return self.objective - self.lower_bound

    @property
    def effective_sample_size(self) -> float:
        """Kish's 1 / sum p_i^2."""
        return effective_sample_size(self.probabilities)


def optimize_weights(
    real: Any,
    candidates: Any,
    method: Literal["auto", "reference"] = "auto",
    *,
    max_evaluations: int | None = None,
    tolerance: float = 1e-3,
    learning_rate: float = 10.0,
    checkpoint: str | os.PathLike[str] | None = None,
    title: str = "weights",
) -> Weights:
    """Return the probabilities p that minimize FID(real, candidates weighted by p).

    Parameters
    ----------
    real : array (n, D) or Gaussian
        Features of the real images (divisor n - 1), or their statistics.
    candidates : array (N, D)
        Features of the generated images: pre-logits, logits or class indicators.
    method : "auto" or "reference"
        ``auto``: projected L-BFGS, certified. ``reference``: the released algorithm to
        the letter, gradient descent on log-weights, whose loss divides the covariance by
        (sum w) - 1.
    max_evaluations : int, optional
        Default 150 for ``auto`` and 100,000 steps, as in the paper, for ``reference``. Each costs
        two products of N x D x D and one symmetric eigenproblem of size D.
    tolerance : float
        ``auto`` stops when the gap is at most this part of the objective.
    learning_rate : float
        Of ``reference``.
    checkpoint : path, optional
        The state is kept in this HDF5 file, written every 20 seconds and at the end. Called
        again with the same arguments, the function goes on from there and ends in the same
        weights to the last bit; with other arguments the file is overwritten.
    title : str
        Names the optimization in progress lines on stderr.

    Raises
    ------
    FringeError
        NaN or infinity, dimensions that differ, or an argument out of range.
    """
    matrix = as_matrix(candidates, "candidates")
    require_finite(matrix, "candidates")
    gaussian = _statistics(real)
    if matrix.shape[1] != gaussian.dim:
        raise FringeError(
            f"real and candidate features have {gaussian.dim} and {matrix.shape[1]} dimensions: "
            "they come from different networks or spaces"
        )
    if method not in ("auto", "reference"):
        raise FringeError(f"method: got {method!r}; known are 'auto' and 'reference'")
    evaluations = {"auto": 150, "reference": 100_000}[method]
    if max_evaluations is not None:
        evaluations = max_evaluations
    if evaluations < 1 or not tolerance >= 0 or not learning_rate > 0:
        raise FringeError(
            f"optimize_weights: got max_evaluations {evaluations}, tolerance {tolerance}, "
            f"learning_rate {learning_rate}; give at least 1, at least 0, more than 0"
        )
    settings = (method, evaluations, tolerance if method == "auto" else learning_rate)
    key = ""
    if checkpoint is not None:
        key = signature(settings, gaussian.mean, gaussian.covariance, matrix)
    saved = Checkpoint(checkpoint, key)
    run = _auto if method == "auto" else _reference
    weights = run(gaussian, matrix, evaluations, settings[2], saved, _Report(title))
    return Weights(
        like(candidates, weights.probabilities),
        weights.objective,
        weights.lower_bound,
        weights.path,
    )


def _statistics(real: Any) -> Gaussian:
    if not isinstance(real, Gaussian):
        real = Gaussian.from_features(real)
    return Gaussian(
        as_numpy(real.mean).astype(np.float64), as_numpy(real.covariance).astype(np.float64)
    )


def _auto(
    real: Gaussian,
    candidates: Array,
    evaluations: int,
    tolerance: float,
    saved: Checkpoint,
    report: "_Report",
) -> Weights:
    objective = Objective(real, candidates)
    state = saved.load() or solver.start(objective)
    while not solver.finished(state, evaluations, tolerance):
        state = solver.step(objective, state, evaluations)
        saved.save(state)
        report(state["path"], evaluations)
    saved.save(state, now=True)
    report(state["path"], evaluations, last=True)
    best, bound = float(state["best_value"]), float(state["bound"])
    return Weights(state["best"], best, bound, state["path"])


def _reference(
    real: Gaussian,
    candidates: Array,
    steps: int,
    learning_rate: float,
    saved: Checkpoint,
    report: "_Report",
) -> Weights:
    algorithm = Reference(real, candidates, learning_rate)
    state = saved.load() or algorithm.start(steps)
    while int(state["step"]) < steps:
        algorithm.step(state)
        saved.save(state)
        report(state["path"][: int(state["step"])], steps)
    saved.save(state, now=True)
    report(state["path"][: int(state["step"])], steps, last=True)
    p = np.exp(state["w"] - state["w"].max())
    p /= p.sum()
    final = Objective(real, candidates).evaluate(p)
    return Weights(p, final.value, min(final.lower_bound, final.value), state["path"])


class _Report:
    """One line on stderr every ten seconds, and one at the end of a run that needed any."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._last = time.monotonic()
        self._any = False

    def __call__(self, path: Floats, total: int, *, last: bool = False) -> None:
        now = time.monotonic()
        if now - self._last < REPORT and not (last and self._any):
            return
        self._last, self._any = now, True
        evaluation, objective, gap, effective = path[-1]
        bound = "" if np.isnan(gap) else f", gap at most {gap:.4g}"
        print(
            f"{self._title}: evaluation {evaluation:.0f} of {total}, objective {objective:.6g}"
            f"{bound}, effective sample size {effective:.0f}",
            file=sys.stderr,
            flush=True,
        )
