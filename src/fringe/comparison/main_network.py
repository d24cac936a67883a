"""Measurements in FID's network: distances, their parts, classes and prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from fringe.comparison.class_shares import class_shares
from fringe.comparison.classes import Classes, common_classes
from fringe.comparison.composition import Side, decompose, histogram_share
from fringe.comparison.distances import MeasuredNetwork, measure_distances
from fringe.comparison.estimates import estimated_mean
from fringe.comparison.price import PricedWeights, price_of_gain
from fringe.comparison.threads import pool_of
from fringe.metrics.arrays import Array, Floats
from fringe.scores.comparison import (
    ClassShare,
    Composition,
    Estimate,
    HistogramShare,
    MainMeasurement,
)

__all__ = ["ModelImages", "measure_main_network"]


class ModelImages(NamedTuple):
    """The images of a model: features (n, D) and, if known, classes (n,) of each training."""

    features: list[Array]
    classes: list[Classes] | None


class Measured(NamedTuple):
    """The result, and the sampling weights (n,) of each model's price, by model."""

    result: MainMeasurement
    weights: dict[str, Floats]


def measure_main_network(
    network: str,
    title: str,
    real: Array,
    models: Mapping[str, ModelImages],
    *,
    real_classes: Classes | None = None,
    held_out: Array | None = None,
    given: bool = False,
    class_names: Sequence[str] | None = None,
    classified_by: str = "",
    prices: bool = True,
    device: str = "cpu",
    seed: int = 0,
    threads: int = 1,
) -> Measured:
    """Measure models against real images in FID's network.

    Parameters
    ----------
    network, title : str
    real : array (n_real, D)
    models : dict of ModelImages
        The models by name. The first model is the baseline. A single model is audited.
    real_classes : int array (n_real,), optional
        Classes of the real images.
    held_out : array (n_held, D), optional
        Other real images, for the floor.
    given : bool
        True if the classes are given labels, False if they are Top-1 classes of a network.
    class_names : sequence of str, optional
        Names of the classes.
    classified_by : str
        Title of the network that predicted the Top-1 classes, if it is not ``network``.
    prices : bool
        Whether the price of each gain is measured.
    device : str
        The device that optimizes the sampling weights of prices.
    seed, threads
        As in `measure_distances`.

    Raises
    ------
    FringeError
        As in `measure_distances` and `decompose`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> real = rng.normal(size=(500, 8))
    >>> def model(shift):
    ...     return ModelImages([rng.normal(shift, size=(500, 8))], [rng.integers(0, 2, 500)])
    >>> models = {"A": model(0.5), "B": model(0.1)}
    >>> found = measure_main_network("mine", "My network", real, models, prices=False).result
    >>> (parts,) = found.compositions
    >>> abs(parts.composition.value) < 0.1 < -parts.within.value
    True
    """
    known = {name: about.classes for name, about in models.items() if about.classes is not None}
    measured = measure_distances(
        network,
        title,
        real,
        {name: about.features for name, about in models.items()},
        held_out,
        real_classes=real_classes,
        classes={name: classes[0] for name, classes in known.items()},
        seed=seed,
        threads=threads,
    )
    baseline, *others = models
    sides: dict[str, list[Side]] = {}
    if len(known) == len(models):
        sides = {name: _sides(name, about, measured) for name, about in models.items()}
    # Small sets may have no class in common. The other numbers are still measured.
    compared = [name for name in others if sides and _share_classes(sides[baseline], sides[name])]
    distances = measured.distances
    gains = [
        name for name in others if distances.difference(name, baseline).distance.sign < 0 and prices
    ]

    def composition(name: str) -> Composition:
        return _composition(real, measured, sides[baseline], sides[name], given, seed)

    def shares(name: str) -> list[ClassShare]:
        return class_shares(
            measured.of_real,
            real_classes,
            sides[baseline][0],
            sides[name][0],
            (measured.models[baseline].gaussians[0], measured.models[name].gaussians[0]),
            class_names,
        )

    def of_real(name: str) -> HistogramShare:
        assert real_classes is not None
        side = sides[name][0]
        return histogram_share(real, measured.of_real, real_classes, side, given=given, seed=seed)

    def price(name: str) -> PricedWeights:
        return price_of_gain(
            measured.of_real,
            models[baseline].features[0],
            measured.models[baseline].frechet[0].distance,
            distances.models[name].distance.value,
            baseline=baseline,
            model=name,
            device=device,
        )

    with pool_of(threads) as pool:
        # The longest tasks are submitted first.
        pricing = [pool.submit(price, name) for name in gains]
        composing = [pool.submit(composition, name) for name in compared]
        sharing = [
            # Only for audits: a share takes as long as a distance, and pairs have compositions.
            pool.submit(of_real, name)
            for name in (() if others else sides)
            if real_classes is not None
            and common_classes(sides[name][0].classes, real_classes).compared
        ]
        dividing = {name: pool.submit(shares, name) for name in (others if sides else ())}
        priced = [one.result() for one in pricing]
        compositions = [one.result() for one in composing]
        of_reals = [one.result() for one in sharing]
        class_parts = {name: one.result() for name, one in dividing.items()}
    if classified_by:
        update = {"classified_by": classified_by}
        compositions = [one.model_copy(update=update) for one in compositions]
        of_reals = [one.model_copy(update=update) for one in of_reals]
    return Measured(
        MainMeasurement(
            distances=distances,
            compositions=compositions,
            histogram_shares=of_reals,
            class_shares=class_parts,
            prices=[one.price for one in priced],
        ),
        {one.price.model: one.weights for one in priced},
    )


def _share_classes(baseline: Sequence[Side], model: Sequence[Side]) -> bool:
    return all(common_classes(a.classes, b.classes).compared for a in baseline for b in model)


def _sides(name: str, about: ModelImages, measured: MeasuredNetwork) -> list[Side]:
    own = measured.models[name]
    assert about.classes is not None
    return [
        Side(name, *each)
        for each in zip(about.features, about.classes, own.frechet, own.slopes, strict=True)
    ]


def _composition(
    real: Array,
    measured: MeasuredNetwork,
    baseline: Sequence[Side],
    model: Sequence[Side],
    given: bool,
    seed: int,
) -> Composition:
    """Return the parts of a difference; for several trainings, the mean over pairs of trainings."""
    pairs = [
        (baseline[k % len(baseline)], model[k % len(model)])
        for k in range(max(len(baseline), len(model)))
    ]
    found = [
        decompose(real, measured.of_real, a, b, given=given, seed=seed + k)
        for k, (a, b) in enumerate(pairs)
    ]
    if len(found) == 1:
        return found[0]

    def mean(of: Sequence[Estimate]) -> Estimate:
        return estimated_mean([one.value for one in of], [one.error or 0.0 for one in of])

    supports = [one.support for one in found if one.support is not None]
    return found[0].model_copy(
        update={
            "composition": mean([one.composition for one in found]),
            "within": mean([one.within for one in found]),
            "support": mean(supports) if len(supports) == len(found) else None,
            "composition_orders": _mean_orders([one.composition_orders for one in found]),
            "within_orders": _mean_orders([one.within_orders for one in found]),
        }
    )


def _mean_orders(orders: Sequence[tuple[float, float]]) -> tuple[float, float]:
    first, second = np.mean(orders, axis=0)
    return float(first), float(second)
