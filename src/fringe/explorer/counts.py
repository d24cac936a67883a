"""Sentences on the images and draws behind the numbers of an explorer."""

from __future__ import annotations

from collections.abc import Sequence

from fringe.explorer.measure import Numbers, Shown
from fringe.explorer.sets import GeneratedSet, Model, RealSet

__all__ = ["count_sentences"]


def count_sentences(
    real: RealSet,
    sets: Sequence[GeneratedSet],
    models: Sequence[Model],
    numbers: Numbers,
    *,
    maps: str = "",
    classifier: str = "",
) -> list[str]:
    """Return sentences that explain on which images the numbers are based.

    Parameters
    ----------
    real, sets, models
        The measured sets and models.
    numbers : Numbers
        The results.
    maps : str
        The sentence on sensitivity maps; "" if there are no maps.
    classifier : str
        Title of the network whose Top-1 classes are counted, if it is not FID's network.
    """
    titles = ["Real images", *(one.title for one in sets)]
    sentences = [
        _shown(title, found)
        for title, found in zip(titles, numbers.sets, strict=True)
        if len(found.index)
    ]
    sentences.append(
        "Influence of a real image: on FID, through the mean and covariance of "
        f"{real.behind:,} real images"
        + ("." if real.behind == real.count else ", which were published.")
    )
    sentences += [_model(model, sets[model.place]) for model in models]
    sentences.append(f"Nearest real image: the nearest of {real.count:,} real images.")
    if numbers.class_table is not None and len(models) > 1:
        parts = numbers.class_table.contributions.sum()
        difference = models[-1].distance - models[0].distance
        sentences.append(
            f"Classes: of all images that FID is measured on. Their parts in the difference "
            f"“{models[-1].title}” minus “{models[0].title}” are first-order approximations: their "
            f"sum is {parts:.2f}, and the difference is {difference:.2f}."
        )
    elif numbers.class_table is not None:
        sentences.append("Classes: of all images that FID is measured on.")
    if classifier and numbers.class_table is not None:
        sentences.append(f"Classes are from {classifier}.")
    return [*sentences, *([maps] if maps else [])]


def _shown(title: str, found: Shown) -> str:
    count, sample = len(found.index), int(found.sampled.sum())
    if sample == count:
        return f"{title}: all {count:,} images are shown."
    return (
        f"{title}: {count:,} images are shown. {sample:,} are a random sample. The others have the "
        "largest weights or the largest influence."
    )


def _model(model: Model, own: GeneratedSet) -> str:
    if model.weights is None:
        basis = f"all {own.count:,} images"
    elif model.weights.dtype.kind in "iu":
        basis = f"{int(model.weights.sum()):,} draws"
    else:
        basis = f"{len(model.weights):,} weighted images"
    return (
        f"Influence on “{model.title}”: the effect of one more image among {model.count:,}. The "
        f"mean and covariance are of {basis}, and FID is {model.distance:.2f}."
    )
