"""The table of classes of an explorer: their shares in each model, and their parts in FID."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from fringe.explorer.sets import GeneratedSet, Model, RealSet
from fringe.metrics import parts_by_class
from fringe.metrics.arrays import Floats
from fringe.scores.explorer import ClassTable

__all__ = ["table_of_classes"]


def table_of_classes(
    real: RealSet,
    sets: Sequence[GeneratedSet],
    models: Sequence[Model],
    names: Sequence[str] | None,
    others: Iterable[int] = (),
) -> ClassTable:
    """Return the table of the classes of all images that FID is measured on, sorted by number.

    The part of class c in the difference of two models B and A is h_B E_B(psi | c) -
    h_A E_A(psi | c), where psi is the mean of an image's influences on both. The sum over all
    classes is the difference up to third order (see `fringe.comparison.class_shares`).

    Parameters
    ----------
    real : RealSet
    sets : sequence of GeneratedSet
        All with classes, as is ``real``.
    models : sequence of Model
        At least one. The difference is the last model minus the first model.
    names : sequence of str, optional
        Names of the classes. A class without a name is called by its number.
    others : iterable of int
        More classes that the table lists, such as the second class of an image.

    Raises
    ------
    FringeError
        If features cannot be read.
    """
    known = [_classes(one) for one in sets]
    assert real.classes is not None
    every = [real.classes, *known, np.fromiter(others, np.int64)]
    size = 1 + max(int(each.max(initial=-1)) for each in every)
    shares: list[Floats] = [np.bincount(real.classes, minlength=size) / len(real.classes)]
    for model in models:
        classes = known[model.place][: model.size(sets[model.place])]
        counts = np.bincount(classes, model.weights, minlength=size)
        shares.append(counts / counts.sum())
    contributions = np.full(size, np.nan)
    if len(models) > 1:
        first, last = models[0], models[-1]
        contributions = _part(last, (first, last), sets, size) - _part(
            first, (first, last), sets, size
        )
    numbers = np.unique(np.concatenate(every))
    return ClassTable(
        numbers=numbers.astype(np.int32),
        names=[
            names[c] if names is not None and c < len(names) else f"class {c}"
            for c in numbers.tolist()
        ],
        shares=np.stack(shares, axis=1)[numbers],
        contributions=contributions[numbers],
    )


def _part(
    model: Model, both: tuple[Model, Model], sets: Sequence[GeneratedSet], size: int
) -> Floats:
    """Return the contribution of each class to the mean influence of a model's images."""
    own = sets[model.place]
    stop = model.size(own)
    psi = np.mean([each.influences(own.features, stop) for each in both], axis=0)
    return parts_by_class(psi, _classes(own)[:stop], size, model.weights)


def _classes(generated: GeneratedSet) -> NDArray[np.int64]:
    assert generated.classes is not None
    return generated.classes
