"""The part of a difference of two Fréchet distances that the class histograms explain.

Let F(B->h_A) be the distance of B's images, weighted to the class histogram of A. The parts are

    composition = 1/2 {[F(B) - F(B->h_A)] + [F(A->h_B) - F(A)]}
    within      = 1/2 {[F(B->h_A) - F(A)] + [F(B) - F(A->h_B)]}.

They sum to F(B) - F(A). This is the decomposition of Kitagawa, Oaxaca and Blinder with the weights
of DiNardo, Fortin and Lemieux. If one model lacks classes of the other model, F(A) and F(B) are the
distances of the images in the common classes. The rest of the difference is then a third term,
support.

The bias of a distance of n images is about slope / n. Therefore each distance of weighted images,
whose effective sample size is 1 / sum w^2, is corrected to the number of images of its model.

Intervals: each term is a function of the empirical distributions of A's images, B's images and the
real images, so the term has an influence at each image. A replicate of the Poisson bootstrap is the
sum of the influences, each times the image's count minus 1. All replicates and all terms use the
same influences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import factorial

from fringe.comparison.classes import FEWEST, Classes, common_classes, histogram_weights
from fringe.comparison.estimates import LEVEL
from fringe.errors import FringeError
from fringe.metrics import FrechetInfluence, Gaussian, frechet_influence
from fringe.metrics.arrays import Array, Floats
from fringe.scores.comparison import Composition, Estimate, HistogramShare
from fringe.seeds import random_stream

__all__ = ["Side", "decompose", "histogram_share"]

REPLICATES = 1000
ROWS = 2000  # number of images whose counts are drawn at a time
# The count minus 1, indexed by 16 random bits.
_POISSON = np.exp(-1) * np.cumsum(1 / factorial(np.arange(20)))
_EXCESS = np.searchsorted(_POISSON, (np.arange(1 << 16) + 0.5) / (1 << 16)) - 1.0


class Side(NamedTuple):
    """The images of one model.

    Attributes
    ----------
    name : str
    features : array (n, D)
    classes : int array (n,)
    measured : FrechetInfluence
        The distance of all images of the model, and the influence of each image.
    slope : float
        The slope of the model's distance against 1 / n.
    """

    name: str
    features: Array
    classes: Classes
    measured: FrechetInfluence
    slope: float


class Term(NamedTuple):
    """A distance as a function of the images of both models and of the real images.

    Attributes
    ----------
    value : float
        The distance, corrected to the number of all images of its model.
    measured, n : float
        The distance as measured, and its effective sample size.
    baseline, model, real : float64 array (images,)
        The influence of each image.
    """

    value: float
    measured: float
    n: float
    baseline: Floats
    model: Floats
    real: Floats


def decompose(
    real: Array, of_real: Gaussian, baseline: Side, model: Side, *, given: bool, seed: int
) -> Composition:
    """Return the composition, within and support terms of a difference of two distances.

    The difference is the distance of ``model`` minus the distance of ``baseline``.

    Parameters
    ----------
    real : array (n_real, D)
    of_real : Gaussian
    baseline, model : Side
    given : bool
        True if the classes are given labels, False if they are Top-1 classes of the network.
    seed : int
        Seed of the bootstrap.

    Raises
    ------
    FringeError
        If the two models have no class in common.
    """
    common = common_classes(baseline.classes, model.classes)
    classes = {"baseline": common.first, "model": common.second}
    sides = {"baseline": baseline, "model": model}
    if common.compared == 0:
        raise FringeError(
            f"classes: {baseline.name} and {model.name} have no class in common with at least "
            f"{FEWEST} images in both; give more images, or other classes"
        )
    whole = {role: _of_all(sides, role) for role in sides}
    inside = whole
    if min(each.min() for each in classes.values()) < 0:
        inside = {role: _of_some(real, of_real, sides, classes, role) for role in sides}
    b_as_a = _reweighted(real, of_real, sides, classes, "model", "baseline")
    a_as_b = _reweighted(real, of_real, sides, classes, "baseline", "model")
    a, b = inside["baseline"], inside["model"]
    terms = (a, b, b_as_a, a_as_b, whole["baseline"], whole["model"])
    # The coefficients of the terms in composition, within and support.
    parts = np.array(
        [[-0.5, 0.5, -0.5, 0.5, 0, 0], [-0.5, 0.5, 0.5, -0.5, 0, 0], [1, -1, 0, 0, -1, 1]]
    )
    composition, within, support = _intervals(parts, terms, seed, baseline.name, model.name)
    return Composition(
        model=model.name,
        baseline=baseline.name,
        composition=composition,
        within=within,
        support=support if common.lacking else None,
        composition_orders=(b.value - b_as_a.value, a_as_b.value - a.value),
        within_orders=(b_as_a.value - a.value, b.value - a_as_b.value),
        model_as_baseline=b_as_a.measured,
        model_as_baseline_n=b_as_a.n,
        baseline_as_model=a_as_b.measured,
        baseline_as_model_n=a_as_b.n,
        classes=common.compared,
        pooled=common.pooled,
        lacking=common.lacking,
        given=given,
    )


def histogram_share(
    real: Array, of_real: Gaussian, real_classes: Classes, side: Side, *, given: bool, seed: int
) -> HistogramShare:
    """Return the part of one model's distance that its class histogram explains.

    The part is F(A) - F(A->h_R), where h_R is the class histogram of the real images.

    Parameters
    ----------
    real : array (n_real, D)
    of_real : Gaussian
    real_classes : int array (n_real,)
    side : Side
    given, seed
        As in `decompose`.

    Raises
    ------
    FringeError
        If the model and the real images have no class in common.
    """
    common = common_classes(side.classes, real_classes)
    if common.compared == 0:
        raise FringeError(
            f"classes: {side.name} and the real images have no class in common with at least "
            f"{FEWEST} images in both; give more images, or other classes"
        )
    sides = {"model": side}
    matched = _reweighted(
        real, of_real, sides, {"model": common.first, "real": common.second}, "model", "real"
    )
    terms = (_of_all(sides, "model"), matched)
    (share,) = _intervals(np.array([[1.0, -1.0]]), terms, seed, side.name)
    return HistogramShare(
        model=side.name,
        share=share,
        matched=matched.measured,
        matched_n=matched.n,
        classes=common.compared,
        pooled=common.pooled,
        lacking=common.lacking,
        given=given,
    )


Sides = Mapping[str, Side]


def _of_all(sides: Sides, role: str) -> Term:
    """Return the distance of all images of a model."""
    side = sides[role]
    found = side.measured
    psi = {role: found.generated}
    return _term(sides, found.distance, found.distance, len(side.features), psi, found.real)


def _of_some(
    real: Array, of_real: Gaussian, sides: Sides, classes: Mapping[str, Classes], role: str
) -> Term:
    """Return the distance of a model's images in common classes."""
    side, chosen = sides[role], classes[role] >= 0
    found = frechet_influence(real, side.features, chosen.astype(np.float64), of_real=of_real)
    psi = {role: np.where(chosen, found.generated, 0) / chosen.mean()}
    n = int(chosen.sum())
    return _term(sides, _corrected(found.distance, side, n), found.distance, n, psi, found.real)


def _reweighted(
    real: Array,
    of_real: Gaussian,
    sides: Sides,
    classes: Mapping[str, Classes],
    role: str,
    target: str,
) -> Term:
    """Return the distance of a model's images with the class histogram of the ``target``."""
    side, own, wanted = sides[role], classes[role], classes[target]
    weights = histogram_weights(own, wanted)
    n = float(1 / (weights @ weights))
    found = frechet_influence(real, side.features, weights, of_real=of_real)
    size = int(max(own.max(), wanted.max())) + 1
    inside = own >= 0
    counts = np.bincount(own[inside], minlength=size)
    sums = np.bincount(own[inside], found.generated[inside], minlength=size)
    means = np.divide(sums, counts, out=np.zeros(size), where=counts > 0)
    # An image of the model counts with its weight, relative to the mean of its class ...
    of_images = np.where(inside, len(own) * weights * (found.generated - means[own]), 0)
    # ... and an image of the target changes the histogram.
    counted = wanted >= 0
    moved = np.where(counted, means[wanted], 0)
    of_target = np.where(counted, moved - moved[counted].mean(), 0) / counted.mean()
    psi = {role: of_images, target: of_target}
    of_reals = found.real + psi.pop("real", 0)
    value = _corrected(found.distance, side, n)
    return _term(sides, value, found.distance, n, psi, of_reals)


def _corrected(distance: float, side: Side, n: float) -> float:
    """Return a distance of effectively ``n`` images, corrected to the model's number of images."""
    return distance - side.slope * (1 / n - 1 / len(side.features))


def _term(
    sides: Sides, value: float, measured: float, n: float, psi: Mapping[str, Floats], real: Floats
) -> Term:
    def of(role: str) -> Floats:
        """Return the influences of a model's images; 0 if the distance does not depend on them."""
        return psi.get(role, np.zeros(len(sides[role].features) if role in sides else 0))

    return Term(value, measured, n, of("baseline"), of("model"), real)


def _excess(rng: np.random.Generator, images: int) -> Floats:
    """Return the count of each image in each replicate, minus 1: array (images, REPLICATES).

    Counts have the Poisson distribution with mean 1. They are drawn with 16 random bits and the
    inverse of the distribution function. This takes a tenth of the time of
    `numpy.random.Generator.poisson`.
    """
    bits = rng.integers(0, 1 << 16, (images, REPLICATES), dtype=np.uint16)
    return np.take(_EXCESS, bits)


def _intervals(parts: Floats, terms: Sequence[Term], seed: int, *names: str) -> list[Estimate]:
    """Return linear combinations of terms, with errors and intervals by the Poisson bootstrap.

    Parameters
    ----------
    parts : array (combinations, terms)
        The coefficient of each term in each combination.
    """
    values = parts @ np.array([term.value for term in terms])
    drawn = np.zeros((len(parts), REPLICATES))
    for role in ("baseline", "model", "real"):
        psi = parts @ np.stack([getattr(term, role) for term in terms])
        rng = random_stream(seed, "composition", role, *names)
        for first in range(0, psi.shape[1], ROWS):
            block = psi[:, first : first + ROWS]
            drawn += block @ _excess(rng, block.shape[1]) / psi.shape[1]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    errors = drawn.std(axis=1, ddof=1)
    return [
        # A replicate deviates from the estimate as the estimate deviates from the truth.
        Estimate(value=float(v), error=float(e), low=float(v - top), high=float(v - bottom))
        for v, e, bottom, top in zip(values, errors, low, high, strict=True)
    ]
