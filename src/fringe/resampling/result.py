"""What a weight optimization returns, and what judges it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Floats
from fringe.resampling.drawing import effective_sample_size

__all__ = ["CHECKS", "PATH", "Judge", "Merging", "Weights", "ask"]

PATH = ("evaluation", "objective", "gap", "effective_sample_size", "seconds")

CHECKS = ("evaluation", "objective", "effective_sample_size", "sampled")

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
