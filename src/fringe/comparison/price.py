"""The price of a gain: the least reweighting of A's own images that reaches the distance of B.

Weights that minimize the distance are optimized in the leading principal axes of the real images,
where it is cheap. The distance of the images weighted by (1 - t) equal + t optimized weights falls
as t grows, and the least t that reaches the target is found by bisection, in all dimensions. The
effective sample size there is the price: how unequally A's images must be drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from fringe.metrics import Gaussian, covariance_root, frechet_distance, principal_axes
from fringe.metrics.arrays import Array, Floats
from fringe.scores.comparison import NetworkDistances, Price, Reaction

__all__ = ["ControlFeatures", "PricedWeights", "price_of_gain", "with_reactions"]

AXES = 256  # directions that weights are optimized in
EVALUATIONS = 60
EXACT = 0.01  # of the interval of t
CLOSE = 1e-8  # of the traces: what rounding may cost a distance
ROWS = 4096  # images that are projected at a time


class PricedWeights(NamedTuple):
    """The price, and the weights (n,) that sum to 1."""

    price: Price
    weights: Floats


def price_of_gain(
    of_real: Gaussian,
    features: Array,
    distance: float,
    target: float,
    *,
    baseline: str,
    model: str,
    device: str = "cpu",
) -> PricedWeights:
    """Return the least reweighting of the baseline's images (n, D) that reaches ``target``.

    Parameters
    ----------
    of_real : Gaussian
        Of D dimensions.
    features : array (n, D)
    distance, target : float
        The distance of the baseline, and the lower one of the model.
    baseline, model : str
        Their names.
    device : str
        Where weights are optimized.
    """
    from fringe.resampling import optimize_weights  # imports PyTorch, which takes seconds

    n, dim = features.shape
    axes = principal_axes(of_real, min(dim, AXES)).T
    projected = Gaussian(of_real.mean @ axes, axes.T @ of_real.covariance @ axes)
    inside = np.concatenate([part.astype(np.float64) @ axes for part in _blocks(features)])
    found = optimize_weights(
        projected,
        inside,
        max_evaluations=EVALUATIONS,
        device=device,
        title=f"weights of {baseline} that reach {model}",
    )
    optimized = np.asarray(found.probabilities, dtype=np.float64)
    equal = np.full(n, 1 / n)
    root = covariance_root(of_real)
    moments = [_moments(features, weights) for weights in (equal, optimized)]

    def weights_at(t: float) -> Floats:
        return (1 - t) * equal + t * optimized

    @cache
    def distance_at(t: float) -> float:
        w = weights_at(t)
        mean, second = ((1 - t) * a + t * b for a, b in zip(*moments, strict=True))
        covariance = (second - np.outer(mean, mean)) / (1 - w @ w)
        return frechet_distance(of_real, Gaussian(mean, covariance), root, precision=CLOSE)

    lowest = distance_at(1.0)
    reached = lowest <= target
    t = 1.0
    if distance <= target:
        t = 0.0
    elif reached:
        t = float(brentq(lambda at: distance_at(at) - target, 0, 1, xtol=EXACT))
    weights = weights_at(t)
    price = Price(
        model=model,
        baseline=baseline,
        reached=reached,
        share=t,
        effective_share=float(1 / (weights @ weights) / n),
        distance=distance_at(t),
        target=target,
        lower_bound=found.lower_bound,
        n=n,
    )
    return PricedWeights(price, weights)


def _blocks(features: Array) -> Iterator[Array]:
    for first in range(0, len(features), ROWS):
        yield features[first : first + ROWS]


def _moments(features: Array, weights: Floats) -> tuple[Floats, Floats]:
    """Return the weighted means of f (D,) and of f f^T (D, D); weights sum to 1."""
    gaussian = Gaussian.from_features(features, weights, ddof=0)
    return gaussian.mean, gaussian.covariance + np.outer(gaussian.mean, gaussian.mean)


class ControlFeatures(NamedTuple):
    """A control's distances, and in its features real images and the baseline's images (n, D)."""

    distances: NetworkDistances
    of_real: Gaussian
    baseline: Array


def with_reactions(
    prices: Sequence[Price], weights: Mapping[str, Floats], controls: Iterable[ControlFeatures]
) -> list[Price]:
    """Return prices with what each control does when the baseline's images are reweighted.

    Parameters
    ----------
    prices : sequence of Price
    weights : dict of array (n,)
        Of each price, by model.
    controls : iterable of ControlFeatures
        Taken only if there is a price.
    """
    if not prices:
        return []
    told: dict[str, list[Reaction]] = {price.model: [] for price in prices}
    for control in controls:
        for price in prices:
            told[price.model].append(_reaction(control, weights[price.model], price))
    return [price.model_copy(update={"reactions": told[price.model]}) for price in prices]


def _reaction(control: ControlFeatures, weights: Floats, price: Price) -> Reaction:
    distances, of_real, features = control
    weighted = Gaussian.from_features(features, weights, ddof=float(weights @ weights))
    baseline = distances.models[price.baseline]
    model = distances.models[price.model].distance.value
    return Reaction(
        network=distances.title,
        relative=frechet_distance(of_real, weighted) / baseline.each[0] - 1,
        relative_of_model=model / baseline.distance.value - 1,
    )
