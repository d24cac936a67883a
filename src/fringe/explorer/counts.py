"""What the numbers of an explorer are of, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from fringe.explorer.measure import Numbers, Shown
from fringe.explorer.sets import GeneratedSet, Model, RealSet

__all__ = ["counts_told"]


def counts_told(
    real: RealSet,
    sets: Sequence[GeneratedSet],
    models: Sequence[Model],
    numbers: Numbers,
    *,
    maps: str = "",
    classifier: str = "",
) -> list[str]:
    """Return a sentence for each thing that a reader must know of the numbers.

    Parameters
    ----------
    real, sets, models
        What was measured.
    numbers : Numbers
        What was found.
    maps : str
        The sentence on sensitivity maps; "" if there are none.
    classifier : str
        Title of the network whose Top-1 classes are counted, if it is not that of FID.
    """
    titles = ["Real images", *(one.title for one in sets)]
    told = [
        _shown(title, found)
        for title, found in zip(titles, numbers.sets, strict=True)
        if len(found.index)
    ]
    told.append(
        f"Influence of a real image: on the mean and covariance of {real.behind:,} real images"
        + ("." if real.behind == real.count else ", which were published.")
    )
    told += [_model(model, sets[model.place]) for model in models]
    told.append(f"Nearest real image: the nearest of {real.count:,}.")
    if numbers.class_table is not None and len(models) > 1:
        parts = numbers.class_table.contributions.sum()
        difference = models[-1].distance - models[0].distance
        told.append(
            f"Classes: of all images that FID is measured on. Their parts in the difference "
            f"“{models[-1].title}” less “{models[0].title}” are of first order: they add up to "
            f"{parts:.2f}, and the difference is {difference:.2f}."
        )
    elif numbers.class_table is not None:
        told.append("Classes: of all images that FID is measured on.")
    if classifier and numbers.class_table is not None:
        told.append(f"Classes are those of {classifier}.")
    return [*told, *([maps] if maps else [])]


def _shown(title: str, found: Shown) -> str:
    count, sample = len(found.index), int(found.sampled.sum())
    if sample == count:
        return f"{title}: all {count:,} images are shown."
    return (
        f"{title}: {count:,} images are shown. {sample:,} are a random sample, the others have the "
        "largest weights or the largest influence."
    )


def _model(model: Model, own: GeneratedSet) -> str:
    if model.weights is None:
        of = f"all {own.count:,} images"
    elif model.weights.dtype.kind in "iu":
        of = f"{int(model.weights.sum()):,} draws"
    else:
        of = f"{len(model.weights):,} images by their weights"
    return (
        f"Influence on “{model.title}”: that of one more image among {model.count:,}; mean and "
        f"covariance are those of {of}, and FID is {model.distance:.2f}."
    )
