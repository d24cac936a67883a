"""The result types of a weight optimization, and the type of a judge of weights."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Floats
from fringe.resampling.drawing import effective_sample_size

__all__ = ["CHECKS", "PATH", "Judge", "Merging", "Weights", "ask"]

PATH = ("evaluation", "objective", "gap", "effective_sample_size", "seconds")
"""Columns of a path, which has one row per evaluation.

The gap is the best objective so far minus the best bound so far.
"""

CHECKS = ("evaluation", "objective", "effective_sample_size", "sampled")
"""Columns of the checks, one row per check.

``sampled`` is the distance of images that are drawn with the weights.
"""

Judge: TypeAlias = Callable[[Floats, int], float]


@dataclass(frozen=True, eq=False)
class Merging:
    """The cost and the errors of merging released steps, see `merged`.

    Attributes
    ----------
    steps : int
        Number of released steps.
    evaluations : int
        Number of evaluations of the loss and its gradient.
    learning_rate, merge : float
        The arguments of the optimization.
    weights_error : float
        Half the sum of |p - p'|, where p are the returned weights and p' are the weights of the
        first-order path at the same step. This is the share of draws that would be different
        images.
    loss_error : float
        |difference| of the released loss between both paths.
    sampled_error : float
        The largest |difference| of the distances of three draws between both paths. It includes
        random differences, because unequal weights draw different images. NaN without a judge.
    differences : float64 array (E,)
        For each row of the path, the loss minus the loss of the first-order path.
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
        """Return all attributes except the differences as a sentence."""
        return (
            f"{self.steps:,} released steps of size {self.learning_rate:g} took "
            f"{self.evaluations:,} evaluations; error of merging them: {self.weights_error:.2g} of "
            f"the weights, {self.loss_error:.2g} in the loss, {self.sampled_error:.2g} in the FID "
            "of drawn images"
        )


@dataclass(frozen=True, eq=False)
class Weights:
    """Probabilities of the candidates, and their objective and its bounds.

    Attributes
    ----------
    probabilities : float64 array (N,)
        At least 0, with a sum of 1.
    objective : float
        The Fréchet distance of the weighted candidates (covariance divided by the sum of
        weights, as in the paper) to the real images.
    lower_bound : float
        No probabilities can have a smaller objective. This follows from convexity.
    path : float64 array (E, 5)
        One row per evaluation, columns `PATH`. For ``reference`` and ``released``, the evaluation
        is the number of the step, the objective is the released loss before the step, and the gap
        is NaN, because no bound is computed.
    checks : float64 array (C, 4)
        One row per check by a ``judge``, columns `CHECKS`. Empty without a judge.
    reduced_costs : float64 array (N,)
        The rate at which the objective rises if weight is moved to a candidate from all others in
        proportion to their weights. At the optimum, the rate is 0 for candidates with weight, and
        at least 0 for all others.
    merging : Merging or None
        The cost and the errors of merging steps. None except for ``released``.
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
        """An upper bound of the distance of the objective from the optimum."""
        return self.objective - self.lower_bound

    @property
    def effective_sample_size(self) -> float:
        """Kish's effective sample size, 1 / sum p_i^2."""
        return effective_sample_size(self.probabilities)


def ask(judge: Judge, probabilities: Floats, repeat: int) -> float:
    """Return the distance that ``judge`` returns for ``probabilities``.

    Raises
    ------
    FringeError
        If the distance is not a finite number, so that weights could not be compared.
    """
    sampled = judge(probabilities, repeat)
    if not np.isfinite(sampled):
        raise FringeError(
            f"judge: got {sampled} for weights of effective sample size "
            f"{effective_sample_size(probabilities):.0f}; a judge must return a finite number"
        )
    return sampled
