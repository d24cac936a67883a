"""Weights for the candidates that minimize the Fréchet distance (Section 4 of the paper)."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from tqdm import tqdm

from fringe.errors import FringeError
from fringe.metrics import Gaussian
from fringe.metrics.arrays import Floats, as_matrix, as_numpy, is_tensor, like
from fringe.resampling.checkpoint import Checkpoint, signature
from fringe.resampling.draw import effective_sample_size

if TYPE_CHECKING:
    import torch

__all__ = ["CHECKS", "PATH", "Judge", "Merging", "Report", "Weights", "ask", "optimize_weights"]

EQUAL = 0.1  # share of equal weights at the start, where other weights are given
REPORT = 10.0  # seconds between two lines of progress

PATH = ("evaluation", "objective", "gap", "effective_sample_size", "seconds")
"""Columns of a path: one row per evaluation. Gap: best objective so far less best bound so far."""

CHECKS = ("evaluation", "objective", "effective_sample_size", "sampled")
"""Columns of checks: one row each. Sampled: the distance of images drawn with the weights."""

Judge: TypeAlias = Callable[[Floats, int], float]


@dataclass(frozen=True, eq=False)
class Merging:
    """What merging released steps cost and how far it may have led astray, see `merged`.

    Attributes
    ----------
    steps : int
        Released steps that were taken.
    evaluations : int
        Evaluations of the loss and its gradient that this took.
    learning_rate, merge : float
        As asked for.
    weights_error : float
        Of the weights that were returned: half the sum of |p - p'|, the share of draws that would
        be of other images, where p' are the weights of the first-order path at the same step.
    loss_error : float
        Likewise |difference| of the released loss.
    sampled_error : float
        Likewise the largest |difference| of three draws' distances, which contains the luck of
        the draw: unequal weights draw other images. NaN without a judge.
    differences : float64 array (E,)
        For each row of the path, the loss there less that of the first-order path.
    """

    steps: int
    evaluations: int
    learning_rate: float
    merge: float
    weights_error: float
    loss_error: float
    sampled_error: float
    differences: Floats

    def __str__(self) -> str:
        """Say all but the differences in words."""
        return (
            f"{self.steps:,} released steps of size {self.learning_rate:g} took "
            f"{self.evaluations:,} evaluations; error of merging them: {self.weights_error:.2g} of "
            f"the weights, {self.loss_error:.2g} in the loss, {self.sampled_error:.2g} in the FID "
            "of drawn images"
        )


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
    path : float64 array (E, 5)
        One row per evaluation, columns `PATH`. For ``reference`` and ``released``, the evaluation
        is the number of the step, the objective is the released loss from before the step, and no
        bound is computed: the gap is NaN.
    checks : float64 array (C, 4)
        Where a ``judge`` chose: one row per check, columns `CHECKS`.
    reduced_costs : float64 array (N,)
        How fast the objective rises as a little weight moves to each candidate from all others,
        in proportion to theirs. At the optimum they are 0 where there is weight, and at least 0
        elsewhere: the larger, the less the candidate is wanted.
    merging : Merging or None
        Of ``released``: how exact it is.
    """

    probabilities: Any
    objective: float
    lower_bound: float
    path: Floats
    checks: Floats = field(default_factory=lambda: np.zeros((0, len(CHECKS))))
    reduced_costs: Floats = field(default_factory=lambda: np.zeros(0))
    merging: Merging | None = None

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
    from fringe.resampling import REVISION, descent, merged, reference
    from fringe.resampling.objective import Objective

    first = None if start is None else _start(start, len(matrix))
    settings = {
        "auto": (method, evaluations, tolerance, judge),
        "reference": (method, evaluations, learning_rate, judge),
        "released": (method, evaluations, learning_rate, merge, judge),
    }[method]
    key = ""
    if checkpoint is not None:
        key = signature(REVISION, settings, gaussian.mean, gaussian.covariance, matrix, first)
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


def ask(judge: Judge, probabilities: Floats, repeat: int) -> float:
    """Return what ``judge`` says.

    Raises
    ------
    FringeError
        If that is not a number: no weights could be told from others.
    """
    sampled = judge(probabilities, repeat)
    if not np.isfinite(sampled):
        raise FringeError(
            f"judge: got {sampled} for weights of effective sample size "
            f"{effective_sample_size(probabilities):.0f}; it has to return a finite number"
        )
    return sampled


class Report:
    """A bar in a terminal; in a log, a line every ten seconds and at the end of a longer run."""

    def __init__(self, title: str, total: int, unit: str = "evaluation") -> None:
        self._title, self._total, self._unit = title, total, unit
        self._begun = time.perf_counter()
        self._last = time.monotonic()
        self._any = False
        self._bar = tqdm(total=total, desc=title, unit=unit, disable=not sys.stderr.isatty())

    def __enter__(self) -> "Report":
        """Return the report itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bar."""
        self._bar.close()

    def seconds(self) -> float:
        """Return the seconds since the start, those before an interruption included."""
        return time.perf_counter() - self._begun

    def resume(self, path: Floats) -> None:
        """Count from where ``path`` ends."""
        self._begun -= float(path[-1, PATH.index("seconds")])

    def __call__(self, path: Floats, *, last: bool = False) -> None:
        """Show the latest row of a path."""
        evaluation, objective, gap, effective, _ = path[-1]
        bound = "" if np.isnan(gap) else f", gap at most {gap:.4g}"
        text = f"objective {objective:.6g}{bound}, effective sample size {effective:.0f}"
        if not self._bar.disable:
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(int(evaluation) - self._bar.n)
            return
        now = time.monotonic()
        if now - self._last < REPORT and not (last and self._any):
            return
        self._last, self._any = now, True
        at_most = "at most " if self._unit == "evaluation" else ""
        line = f"{self._title}: {self._unit} {evaluation:.0f} of {at_most}{self._total}, {text}"
        print(line, file=sys.stderr, flush=True)
