"""Measurement of all distances of a comparison in one network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import special

from fringe.comparison.classes import Classes, common_classes, histogram_weights
from fringe.comparison.estimates import Component, estimate, trainings_variance
from fringe.comparison.threads import pool_of
from fringe.errors import FringeError
from fringe.metrics import (
    FrechetInfluence,
    Gaussian,
    KernelInfluence,
    RealKernel,
    frechet_distance,
    frechet_influence,
    kernel_influence,
    merge_gaussians,
    ratio_error,
    real_kernel,
    variance_of_mean,
)
from fringe.metrics.arrays import Array, Floats
from fringe.progress import progress
from fringe.scores.comparison import (
    Difference,
    Estimate,
    Floor,
    ModelDistances,
    NetworkDistances,
    RelativeTest,
)
from fringe.seeds import random_stream

__all__ = ["KERNEL_IMAGES", "MeasuredModel", "MeasuredNetwork", "measure_distances"]

#: Number of images of each set that KID uses. The time grows with the square of this number.
KERNEL_IMAGES = 4000

#: Largest rounding error of a distance, relative to the traces, where the distance is only one of
#: several terms. Standard errors of distances are 10,000 times as large.
CLOSE = 1e-8


class MeasuredModel(NamedTuple):
    """The measurements of one model: one item of each list for each training.

    ``slopes`` are the slopes of the distance against 1 / n.
    """

    gaussians: list[Gaussian]
    frechet: list[FrechetInfluence]
    kernels: list[KernelInfluence]
    slopes: list[float]


class MeasuredNetwork(NamedTuple):
    """The distances, the Gaussian of the real images, and the measurements of each model."""

    distances: NetworkDistances
    of_real: Gaussian
    models: dict[str, MeasuredModel]


def measure_distances(
    network: str,
    title: str,
    real: Array,
    models: Mapping[str, Sequence[Array]],
    held_out: Array | None = None,
    *,
    real_classes: Classes | None = None,
    classes: Mapping[str, Classes] | None = None,
    seed: int = 0,
    threads: int = 1,
) -> MeasuredNetwork:
    """Return all distances of models from real images, and their differences, with errors.

    The distances of halves give the distance of infinitely many images [1]_. KID is compared with
    the relative MMD test [2]_.

    Parameters
    ----------
    network, title : str
    real : array (n_real, D)
    models : dict of list of array (n, D)
        The features of each training of each model. All have the same number of images.
    held_out : array (n_held, D), optional
        Other real images, for the floor. By default, the floor is the distance between two halves
        of ``real``.
    real_classes, classes : int array (n_real,), dict of int array (n,), optional
        The classes of the real images, and of each model's images. If both are given, the function
        also measures how far the real images move if they are redrawn with a model's class
        histogram.
    seed : int
        Seed of the division into halves.
    threads : int
        Number of threads. The result does not depend on this number.

    Raises
    ------
    FringeError
        If dimensions differ, a feature is NaN or infinite, or there are too few images.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> real = rng.normal(size=(500, 8))
    >>> models = {"A": [rng.normal(0.5, size=(500, 8))], "B": [rng.normal(0.1, size=(500, 8))]}
    >>> distances = measure_distances("mine", "My network", real, models).distances
    >>> {name: round(one.distance.value, 1) for name, one in distances.models.items()}
    {'A': 2.4, 'B': 0.2}
    >>> distances.difference("B", "A").distance.sign
    -1

    References
    ----------
    .. [1] M. J. Chong and D. Forsyth, "Effectively Unbiased FID and Inception Score and where to
       find them", arXiv:1911.07023, 2019.
    .. [2] W. Bounliphone et al., arXiv:1511.04581, 2016.
    """
    of_real = Gaussian.from_features(real)
    kernel = real_kernel(real[:KERNEL_IMAGES])
    trainings = [(name, k) for name, sets in models.items() for k in range(len(sets))]

    def measure(training: tuple[str, int]) -> MeasuredTraining:
        name, k = training
        rng = random_stream(seed, "halves", name, k)
        return _measured(real, of_real, kernel, models[name][k], rng)

    measured = {name: MeasuredModel([], [], [], []) for name in models}
    with pool_of(threads) as pool:
        shown = progress(
            zip(trainings, pool.map(measure, trainings), strict=True),
            f"distances in {title}",
            total=len(trainings),
            unit="models",
        )
        for (name, _), found in shown:
            own = measured[name]
            own.gaussians.append(found.gaussian)
            own.frechet.append(found.frechet)
            own.kernels.append(found.kernel)
            own.slopes.append(found.slope)
        moving = {}
        if real_classes is not None and classes is not None:
            moving = {
                name: pool.submit(_reweighted, real, of_real, real_classes, own)
                for name, own in classes.items()
            }
        floor, ratios = _floor(title, real, of_real, models, measured, held_out, seed, pool)
        moved = {name: distance.result() for name, distance in moving.items()}
    results = {
        name: _model_distances(measured[name], len(models[name][0]), *ratios[name], floor)
        for name in models
    }
    differences = [
        _difference(measured, results, model, baseline) for model, baseline in _pairs(results)
    ]
    distances = NetworkDistances(
        network=network,
        title=title,
        dim=real.shape[1],
        n_real=len(real),
        seed=seed,
        floor=floor,
        models=results,
        differences=differences,
        reweighted_real={name: distance / floor.distance.value for name, distance in moved.items()},
    )
    return MeasuredNetwork(distances, of_real, measured)


class MeasuredTraining(NamedTuple):
    """The measurements of one training of a model."""

    gaussian: Gaussian
    frechet: FrechetInfluence
    kernel: KernelInfluence
    slope: float


def _measured(
    real: Array, of_real: Gaussian, kernel: RealKernel, features: Array, rng: np.random.Generator
) -> MeasuredTraining:
    halves = _halves(features, rng)
    gaussian = merge_gaussians(halves)
    found = frechet_influence(real, features, of_real=of_real, of_generated=gaussian)
    of_halves = np.average(
        [frechet_distance(of_real, half, precision=CLOSE) for half, _ in halves],
        weights=[n for _, n in halves],
    )
    # Twice as many images halve the bias, which is slope / n.
    slope = float(of_halves - found.distance) * len(features)
    return MeasuredTraining(
        gaussian, found, kernel_influence(kernel, features[:KERNEL_IMAGES]), slope
    )


def _reweighted(real: Array, of_real: Gaussian, classes: Classes, target: Classes) -> float:
    """Return the distance between real images and the same images with another class histogram."""
    common = common_classes(classes, target)
    if common.compared == 0:
        return 0.0
    weights = histogram_weights(common.first, common.second)
    moved = Gaussian.from_features(real, weights, ddof=float(weights @ weights))
    return frechet_distance(of_real, moved, precision=CLOSE)


def _halves(features: Array, rng: np.random.Generator) -> list[tuple[Gaussian, int]]:
    order = rng.permutation(len(features))
    parts = (np.sort(half) for half in np.array_split(order, 2))
    return [(Gaussian.from_features(features[part]), len(part)) for part in parts]


def _floor(
    network: str,
    real: Array,
    of_real: Gaussian,
    models: Mapping[str, Sequence[Array]],
    measured: Mapping[str, MeasuredModel],
    held_out: Array | None,
    seed: int,
    pool: ThreadPoolExecutor,
) -> tuple[Floor, dict[str, tuple[float, float]]]:
    """Return the floor, and the distance and error of each model for the same number of images."""
    count = len(next(iter(models.values()))[0])
    if held_out is None:
        order = random_stream(seed, "floor").permutation(len(real))
        half = len(real) // 2
        reference, others = real[np.sort(order[:half])], real[np.sort(order[half:])]
        of_reference = Gaussian.from_features(reference)
    else:
        reference, others, of_reference = real, held_out, of_real
    n = min(count, len(others))

    finding = pool.submit(frechet_influence, reference, others[:n], of_real=of_reference)
    if n == count and held_out is not None:
        values = {name: [one.distance for one in own.frechet] for name, own in measured.items()}
    else:
        asked = {
            name: [pool.submit(_distance_of, of_reference, each[:n]) for each in sets]
            for name, sets in models.items()
        }
        values = {name: [one.result() for one in own] for name, own in asked.items()}
    found = finding.result()
    if not found.distance > 0:
        raise FringeError(
            f"real images in {network}: two sets of them have the distance {found.distance:g}, "
            "which cannot be used as a unit; give real images that differ"
        )
    floor = Floor(
        distance=estimate(found.distance, [(found.standard_error() ** 2, math.inf)]),
        n=n,
        held_out=held_out is not None,
    )
    of_models = {}
    for name, own in values.items():
        error = math.sqrt(_distance_variance(measured[name])[0] * count / n)
        of_models[name] = float(np.mean(own)), error
    return floor, of_models


def _distance_of(of_reference: Gaussian, features: Array) -> float:
    return frechet_distance(of_reference, Gaussian.from_features(features), precision=CLOSE)


def _model_distances(
    measured: MeasuredModel, n: int, at_floor: float, at_floor_error: float, floor: Floor
) -> ModelDistances:
    values = [one.distance for one in measured.frechet]
    value, slope = float(np.mean(values)), float(np.mean(measured.slopes))
    components = [_distance_variance(measured), _real_variance(measured)]
    return ModelDistances(
        n=n,
        distance=estimate(value, components),
        each=values,
        infinity=estimate(
            value - slope / n, components, "the error is the error of the distance of n images"
        ),
        slope=slope,
        kid=_kid(measured.kernels),
        n_kid=len(measured.kernels[0].generated),
        floor_ratio=_ratio(at_floor, at_floor_error, floor.distance),
        below_floor=at_floor < floor.distance.value,
    )


def _distance_variance(measured: MeasuredModel) -> Component:
    """Return the variance of a model's mean distance that its images and trainings cause."""
    luck = [variance_of_mean(one.generated) for one in measured.frechet]
    return trainings_variance([one.distance for one in measured.frechet], luck)


def _real_variance(measured: MeasuredModel, other: MeasuredModel | None = None) -> Component:
    """Return the variance that the real images cause, of a mean distance or of a difference."""
    psi = _mean_real(measured.frechet)
    if other is not None:
        psi = psi - _mean_real(other.frechet)
    return variance_of_mean(psi), math.inf


def _mean_real(found: Sequence[FrechetInfluence] | Sequence[KernelInfluence]) -> Floats:
    return np.asarray(np.mean([one.real for one in found], axis=0))


def _ratio(value: float, error: float, floor: Estimate) -> Estimate:
    """Return FDr with its error from the errors of both distances, to first order."""
    ratio = value / floor.value
    total = ratio_error(ratio, error, floor.value, floor.error or 0)
    return estimate(ratio, [(total**2, math.inf)])


def _kid(kernels: Sequence[KernelInfluence]) -> Estimate:
    values = [one.distance for one in kernels]
    own = trainings_variance(values, [variance_of_mean(one.generated) for one in kernels])
    return estimate(
        float(np.mean(values)), [own, (variance_of_mean(_mean_real(kernels)), math.inf)]
    )


def _pairs(results: Mapping[str, ModelDistances]) -> list[tuple[str, str]]:
    """Return the compared pairs: each model and the first one, and neighbours by distance."""
    baseline, *others = results
    order = sorted(results, key=lambda name: results[name].distance.value)
    with_first = [(name, baseline) for name in others]
    return with_first + [
        (far, near) for near, far in pairwise(order) if baseline not in (far, near)
    ]


def _difference(
    measured: Mapping[str, MeasuredModel],
    results: Mapping[str, ModelDistances],
    model: str,
    baseline: str,
) -> Difference:
    b, a = measured[model], measured[baseline]
    value = results[model].distance.value - results[baseline].distance.value
    components = [_distance_variance(b), _distance_variance(a), _real_variance(b, a)]
    scale = max(results[name].infinity.value for name in (model, baseline))
    if scale > 0:
        shares = [(variance / scale**2, freedom) for variance, freedom in components]
        relative = estimate(value / scale, shares)
    else:
        note = "both distances are 0 within their errors"
        relative = Estimate(value=0.0, error=None, low=None, high=None, note=note)
    return Difference(
        model=model,
        baseline=baseline,
        distance=estimate(value, components),
        relative=relative,
        kernel=_relative_test(b.kernels, a.kernels),
    )


def _relative_test(
    model: Sequence[KernelInfluence], baseline: Sequence[KernelInfluence]
) -> RelativeTest:
    value = float(np.mean([one.distance for one in model]))
    value -= float(np.mean([one.distance for one in baseline]))
    components = [
        trainings_variance(
            [one.distance for one in each], [variance_of_mean(one.generated) for one in each]
        )
        for each in (model, baseline)
    ]
    components.append((variance_of_mean(_mean_real(model) - _mean_real(baseline)), math.inf))
    found = estimate(value, components)
    z = value / found.error if found.error else 0.0
    return RelativeTest(difference=found, z=z, p=float(special.ndtr(z)))
