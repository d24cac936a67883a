"""The price of a gain: the least reweighting of A's own images that reaches the distance of B.

Sampling weights that minimize the distance are optimized in the leading principal axes of the real
images, because that is cheap. The images are then weighted by a mixture of equal weights (1 - t)
and optimized weights (t). The distance of the weighted images falls as t grows. The smallest t that
reaches the target is found by root finding, in all dimensions. The effective sample size at this t
is the price: it shows how unequally A's images must be drawn.
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

AXES = 256  # number of principal axes in which weights are optimized
EVALUATIONS = 60
EXACT = 0.01  # precision of t, whose range is 0 to 1
CLOSE = 1e-8  # largest rounding error of a distance, relative to the traces
ROWS = 4096  # number of images that are projected at a time


class PricedWeights(NamedTuple):
    """The price, and its sampling weights (n,), which sum to 1."""

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
        Has D dimensions.
    features : array (n, D)
    distance, target : float
        The distance of the baseline, and the smaller distance of the model.
    baseline, model : str
        The names of both.
    device : str
        The device that optimizes the weights.
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
    """The distances in a control, and the control's features of real and baseline images (n, D).

    Only the Gaussian of the real features is kept.
    """

    distances: NetworkDistances
    of_real: Gaussian
    baseline: Array


def with_reactions(
    prices: Sequence[Price], weights: Mapping[str, Floats], controls: Iterable[ControlFeatures]
) -> list[Price]:
    """Return prices with the change of each control when the baseline's images are reweighted.

    Parameters
    ----------
    prices : sequence of Price
    weights : dict of array (n,)
        The sampling weights of each price, by model.
    controls : iterable of ControlFeatures
        Read only if ``prices`` is not empty.

    Examples
    --------
    >>> with_reactions([], {}, [])
    []

    `compare_features` calls it with the prices that `measure_main_network` returns:

    >>> import numpy as np
    >>> from fringe.comparison import compare_features
    >>> rng = np.random.default_rng(0)
    >>> def features(shift):
    ...     mine = rng.normal(shift, size=(200, 4))
    ...     return {"mine": mine, "clip": mine[:, :3] + rng.normal(size=(200, 3))}
    >>> found = compare_features(features(0), {"A": features(0.6), "B": features(0.3)})
    >>> (price,) = found.prices
    >>> [reaction.network for reaction in price.reactions]
    ['CLIP']
    """
    if not prices:
        return []
    reactions: dict[str, list[Reaction]] = {price.model: [] for price in prices}
    for control in controls:
        for price in prices:
            reactions[price.model].append(_reaction(control, weights[price.model], price))
    return [price.model_copy(update={"reactions": reactions[price.model]}) for price in prices]


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
