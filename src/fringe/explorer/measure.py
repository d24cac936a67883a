"""The numbers of the images that an explorer shows, from stored features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fringe.explorer.choosing import Chosen, choose_images
from fringe.explorer.class_tables import table_of_classes
from fringe.explorer.nearest import nearest_distances
from fringe.explorer.sets import GeneratedSet, Model, RealSet
from fringe.features import Features
from fringe.metrics.arrays import Array, Floats
from fringe.scores.explorer import ClassTable
from fringe.seeds import random_stream
from fringe.sensitivity import top_classes

__all__ = ["Numbers", "Shown", "measure_images"]

TOP = 3  # classes shown for an image


@dataclass(frozen=True, eq=False)
class Shown:
    """The numbers of the k shown images of a set; `Explorer` describes each field.

    ``classes`` are numbers of classes, not row numbers of the table.
    """

    index: NDArray[np.int64]
    sampled: NDArray[np.bool_]
    classes: NDArray[np.int64] | None
    probabilities: Floats | None
    weight: Floats
    influence: Floats
    nearest: Floats


@dataclass(frozen=True, eq=False)
class Numbers:
    """The numbers of all shown images: ``sets`` starts with the real images."""

    sets: Sequence[Shown]
    class_table: ClassTable | None


def measure_images(
    real: RealSet,
    sets: Sequence[GeneratedSet],
    models: Sequence[Model],
    k: int,
    *,
    seed: int,
    names: Sequence[str] | None = None,
    labelled: bool = False,
) -> Numbers:
    """Choose the images to show, and compute their numbers from stored features.

    Features are read in blocks; only the features of the shown images stay in memory.

    Parameters
    ----------
    real : RealSet
    sets : sequence of GeneratedSet
        Each set has at least one model in ``models``.
    models : sequence of Model
        The first model of a set determines which images of the set are shown.
    k : int
        How many images of each generated set are shown; k // 2 real images are shown.
    seed : int
        The seed of the random samples.
    names : sequence of str, optional
        Names of the classes.
    labelled : bool
        Whether classes are labels. Otherwise each image has its three most probable classes, from
        logits.

    Raises
    ------
    FringeError
        If features cannot be read, or do not fit.
    """
    known = real.classes is not None and all(one.classes is not None for one in sets)
    real_rng = random_stream(seed, "explorer", "real")
    shown = [_real_images(real, models, k // 2, real_rng, known, labelled)]
    for place, one in enumerate(sets):
        rng = random_stream(seed, "explorer", "generated", place)
        shown.append(_generated_images(real, one, models, place, k, rng, known, labelled))
    table = None
    if known:
        seen = [each.classes[each.classes >= 0] for each in shown if each.classes is not None]
        table = table_of_classes(real, sets, models, names, np.unique(np.concatenate(seen)))
    return Numbers(shown, table)


def _real_images(
    real: RealSet,
    models: Sequence[Model],
    k: int,
    rng: np.random.Generator,
    known: bool,
    labelled: bool,
) -> Shown:
    if not real.shown or not k:
        return _nothing(len(models), known, labelled)
    psi = real.influences(models[0])
    chosen = choose_images(k, [psi, -psi], rng)
    rows = real.features.read("features", chosen.numbers)
    influence = [real.influences_of(rows, model) / real.behind for model in models]
    labels = real.classes if known else None
    return _shown(real, chosen, rows, influence, real.logits, labels, labelled, own=chosen.numbers)


def _generated_images(
    real: RealSet,
    generated: GeneratedSet,
    models: Sequence[Model],
    place: int,
    k: int,
    rng: np.random.Generator,
    known: bool,
    labelled: bool,
) -> Shown:
    if not generated.shown:
        return _nothing(len(models), known, labelled)
    weight = generated.weight
    own = next(model for model in models if model.place == place)
    psi = own.influences(generated.features, generated.count)
    scores = [psi, -psi] if weight is None else [weight, psi, -psi]
    chosen = choose_images(k, scores, rng)
    rows = generated.features.read("features", chosen.numbers)
    influence = [model.influences_of(rows) / model.count for model in models]
    labels = generated.classes if known else None
    weights = None if weight is None else weight[chosen.numbers]
    logits = generated.logits
    return _shown(real, chosen, rows, influence, logits, labels, labelled, weight=weights)


def _nothing(models: int, known: bool, labelled: bool) -> Shown:
    """Return the numbers of a set without shown images: empty arrays."""
    none = np.empty(0)
    return Shown(
        np.empty(0, np.int64),
        np.empty(0, bool),
        np.empty((0, TOP), np.int64) if known else None,
        np.empty((0, TOP)) if known and not labelled else None,
        weight=none,
        influence=np.empty((0, models)),
        nearest=none,
    )


def _shown(
    real: RealSet,
    chosen: Chosen,
    rows: Array,
    influence: Sequence[Floats],
    logits: Features,
    labels: NDArray[np.int64] | None,
    labelled: bool,
    *,
    weight: Floats | None = None,
    own: NDArray[np.int64] | None = None,
) -> Shown:
    """Return the numbers of the chosen images of a set; ``rows`` are their features."""
    classes = probabilities = None
    if labels is not None and labelled:
        classes = np.full((len(rows), TOP), -1)
        classes[:, 0] = labels[chosen.numbers]
    elif labels is not None:
        classes, probabilities = top_classes(logits.read("logits", chosen.numbers), TOP)
        lacking = ((0, 0), (0, TOP - classes.shape[1]))
        classes = np.pad(classes, lacking, constant_values=-1)
        probabilities = np.pad(probabilities, lacking)
    nothing = np.full(len(rows), np.nan)
    return Shown(
        chosen.numbers,
        chosen.sampled,
        classes,
        probabilities,
        nothing if weight is None else weight,
        np.stack(influence, axis=1),
        nearest_distances(rows, real.blocks(), own),
    )
