"""The choice of the images that an explorer shows.

An explorer shows k images of a set. One half, k // 2, is a random sample of the set. The first
images of a source would not be a random sample, because files may be sorted by class. The other
half are extreme images, in equal parts:

* generated images of a data set: those with the largest optimized weight, those that raise FID of
  images drawn at random most, and those that lower it most;
* images of a generator that is compared: those that raise FID of this generator most, and those
  that lower it most;
* real images, half as many as those of a generated set: those that raise FID of the first model
  most, and those that lower it most.

If there are k images or fewer, all are shown. The same features and seed give the same choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fringe.errors import FringeError
from fringe.metrics.arrays import Floats

__all__ = ["Chosen", "choose_images"]


class Chosen(NamedTuple):
    """The k images of a set that are shown.

    Attributes
    ----------
    numbers : int64 array (k,)
        Their numbers in the set, increasing.
    sampled : bool array (k,)
        Whether an image is part of the random sample. Otherwise the image is extreme.
    """

    numbers: NDArray[np.int64]
    sampled: NDArray[np.bool_]


def choose_images(k: int, scores: Sequence[Floats], rng: np.random.Generator) -> Chosen:
    """Choose the images of a set to show: a random sample, and images with the largest scores.

    Parameters
    ----------
    k : int
        How many images to choose.
    scores : sequence of float64 arrays (n,)
        Each score picks an equal part of the second half, in turn. Among images with equal scores,
        the image with the lower number is picked. If the parts cannot be equal, the first scores
        pick one image more.
    rng : numpy.random.Generator
        The generator for the random sample.

    Raises
    ------
    FringeError
        If there is no score, or the scores have different lengths.

    Examples
    --------
    >>> scores = np.array([0.0, 1.0, 2.0, 3.0, 9.0, 5.0])
    >>> found = choose_images(3, [scores], np.random.default_rng(0))
    >>> found.numbers[found.sampled], found.numbers[~found.sampled]
    (array([5]), array([3, 4]))
    """
    if len({len(each) for each in scores}) != 1:
        raise FringeError(
            f"images of an explorer: scores of {[len(each) for each in scores]} images; give at "
            "least one score, each of all images"
        )
    count = len(scores[0])
    if count <= k:
        return Chosen(np.arange(count), np.ones(count, bool))
    size = k // 2
    sampled = np.zeros(count, bool)
    sampled[rng.choice(count, size, replace=False)] = True
    taken = sampled.copy()
    for number, each in enumerate(scores):
        part = (k - size + len(scores) - 1 - number) // len(scores)
        order = np.argsort(-each, kind="stable")
        taken[order[~taken[order]][:part]] = True
    numbers = np.flatnonzero(taken)
    return Chosen(numbers, sampled[numbers])
