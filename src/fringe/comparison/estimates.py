"""95 % intervals from standard errors, and the spread of several trainings of a model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from fringe.scores.comparison import Estimate

__all__ = ["LEVEL", "Component", "estimate", "estimated_mean", "trainings_variance"]

LEVEL = 0.95

Component = tuple[float, float]
"""A variance, and its degrees of freedom (infinite if the variance is known)."""


def estimate(value: float, components: Sequence[Component], note: str = "") -> Estimate:
    """Return a value with its error and interval, given several independent variances.

    The interval uses Student's t with the degrees of freedom of Welch and Satterthwaite. It is the
    normal interval if no variance is estimated from a few trainings.

    Parameters
    ----------
    value : float
    components : sequence of (variance, degrees of freedom)
    """
    variance = math.fsum(v for v, _ in components)
    lost = math.fsum(v**2 / freedom for v, freedom in components if math.isfinite(freedom))
    freedom = variance**2 / lost if lost > 0 else math.inf
    quantile = special.ndtri((1 + LEVEL) / 2)
    if math.isfinite(freedom):
        quantile = special.stdtrit(freedom, (1 + LEVEL) / 2)
    error = math.sqrt(variance)
    width = float(quantile) * error
    return Estimate(value=value, error=error, low=value - width, high=value + width, note=note)


def trainings_variance(values: Sequence[float], sampling: Sequence[float]) -> Component:
    """Return the variance of the mean of several trainings' distances.

    Parameters
    ----------
    values : sequence of float
        Each training's distance.
    sampling : sequence of float
        The variance of each distance that the luck of the training's images causes.

    Returns
    -------
    Component
        For one training, the variance that its images cause. For several trainings, the variance
        of their spread, which includes the luck of the images; at least the variance that the
        images cause.
    """
    count = len(values)
    luck = math.fsum(sampling) / count**2
    if count == 1:
        return luck, math.inf
    spread = float(np.var(values, ddof=1)) / count
    return (spread, count - 1.0) if spread > luck else (luck, math.inf)


def estimated_mean(values: Sequence[float], errors: Sequence[float]) -> Estimate:
    """Return the mean of the numbers of several trainings, given the error of each number."""
    component = trainings_variance(values, [error**2 for error in errors])
    return estimate(math.fsum(values) / len(values), [component])
