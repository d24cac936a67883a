"""Class histograms of two sets of images, and the weights that take one to the other."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.metrics.arrays import Floats, as_numpy

__all__ = ["FEWEST", "CommonClasses", "as_classes", "common_classes", "histogram_weights"]

#: Images that a class must have in both sets to be compared for itself. With fewer, its share is
#: mostly luck, and a weight may be many times too large.
FEWEST = 5

#: Numbers of classes are below this one: a table has a place for each number.
MOST = 1_000_000

Classes = npt.NDArray[np.int64]


class CommonClasses(NamedTuple):
    """Two sets of images in classes that both have.

    Attributes
    ----------
    first, second : int array (n,), (m,)
        The place of each image's class among those that are compared; -1 where the other set lacks
        the class.
    compared, pooled, lacking : int
        Classes that are compared (the pool of rare ones counts as one), classes in the pool, and
        classes that one set has at least `FEWEST` times and the other one never.
    """

    first: Classes
    second: Classes
    compared: int
    pooled: int
    lacking: int


def as_classes(values: Any, count: int, what: str) -> Classes:
    """Return the class of each image as int (count,).

    Raises
    ------
    FringeError
        If they are not whole numbers from 0 to 999,999, or there is not one for each image.
    """
    classes = as_numpy(values)
    if classes.shape != (count,):
        raise FringeError(
            f"{what}: expected the class of each image, shape ({count},), got {classes.shape}"
        )
    if classes.dtype.kind not in "iu" or (count and classes.min() < 0):
        raise FringeError(
            f"{what}: expected whole numbers from 0 up, got {classes.dtype}"
            + (f" and the lowest is {classes.min()}" if classes.dtype.kind in "if" else "")
        )
    if count and classes.max() >= MOST:
        raise FringeError(
            f"{what}: the highest class is {classes.max()}, and numbers up to {MOST - 1} are read; "
            "number the classes from 0"
        )
    return classes.astype(np.int64)


def common_classes(first: Classes, second: Classes) -> CommonClasses:
    """Return the classes in which two sets are compared.

    A class with at least `FEWEST` images in both sets is compared. One that a set never has and the
    other has at least `FEWEST` times is lacking. The others are rare: they count as one class, or
    as lacking where that class is still rare in one of the two sets.
    """
    size = int(max(first.max(initial=-1), second.max(initial=-1))) + 1
    one, other = (np.bincount(each, minlength=size) for each in (first, second))
    full = (one >= FEWEST) & (other >= FEWEST)
    present = (one > 0) | (other > 0)
    lacking = present & ((one == 0) & (other >= FEWEST) | (other == 0) & (one >= FEWEST))
    rare = present & ~full & ~lacking
    places = np.full(size, -1)
    places[full] = np.arange(full.sum())
    compared = int(full.sum())
    pooled = 0
    if rare.any():
        if min(one[rare].sum(), other[rare].sum()) >= FEWEST:
            places[rare] = compared
            compared += 1
            pooled = int(rare.sum())
        else:
            lacking |= rare
    return CommonClasses(places[first], places[second], compared, pooled, int(lacking.sum()))


def histogram_weights(source: Classes, target: Classes) -> Floats:
    """Return the weight of each image of ``source`` (n,) that gives it the histogram of ``target``.

    w = h_target(c) / h_source(c) over n, which sums to 1 (DiNardo, Fortin and Lemieux 1996). Images
    with class -1 have the weight 0, and do not count in either histogram.

    Raises
    ------
    FringeError
        If ``target`` has a class that ``source`` lacks.
    """
    size = int(max(source.max(initial=-1), target.max(initial=-1))) + 1
    own, wanted = (np.bincount(each[each >= 0], minlength=size) for each in (source, target))
    if (wanted[own == 0] > 0).any() or not wanted.sum():
        missing = np.flatnonzero((own == 0) & (wanted > 0))
        raise FringeError(
            f"classes: {missing[:5].tolist()} have no image to reweight; compare common classes"
        )
    shares = np.divide(wanted / wanted.sum(), own, out=np.zeros(size), where=own > 0)
    return np.where(source >= 0, shares[source], 0.0)
