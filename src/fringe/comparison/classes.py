"""Class histograms of two sets of images, and weights that change one into the other."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.metrics.arrays import Floats, as_numpy

__all__ = ["FEWEST", "CommonClasses", "as_classes", "common_classes", "histogram_weights"]

#: Minimum number of images of a class in both sets; a class with fewer images is not compared
#: separately. With fewer images, the share of the class is mostly luck, and a weight may be many
#: times too large.
FEWEST = 5

#: Class numbers must be smaller than this number, because tables have one entry for each number.
MOST = 1_000_000

Classes = npt.NDArray[np.int64]


class CommonClasses(NamedTuple):
    """The classes that two sets of images have in common.

    Attributes
    ----------
    first, second : int array (n,), (m,)
        The index of each image's class among the compared classes; -1 if the other set lacks the
        class.
    compared, pooled, lacking : int
        Numbers of classes: compared classes (the pool of rare classes counts as one class), classes
        in the pool, and classes with at least `FEWEST` images in one set and none in the other.
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
        If the classes are not whole numbers from 0 to 999,999, or their number is not ``count``.
    """
    classes = as_numpy(values)
    if classes.shape != (count,):
        raise FringeError(
            f"{what}: expected the class of each image, shape ({count},), got {classes.shape}"
        )
    if classes.dtype.kind not in "iu" or (count and classes.min() < 0):
        raise FringeError(
            f"{what}: expected whole numbers from 0 up, got {classes.dtype}"
            + (f", and the lowest is {classes.min()}" if classes.dtype.kind in "if" else "")
        )
    if count and classes.max() >= MOST:
        raise FringeError(
            f"{what}: the highest class is {classes.max()}, but numbers above {MOST - 1} are not "
            "supported; number the classes from 0"
        )
    return classes.astype(np.int64)


def common_classes(first: Classes, second: Classes) -> CommonClasses:
    """Return the classes in which two sets are compared.

    A class with at least `FEWEST` images in both sets is compared. A class with at least `FEWEST`
    images in one set and none in the other is lacking. All other classes are rare. The rare
    classes are pooled into one class. If the pool is still rare in one of the two sets, all rare
    classes count as lacking.
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
    """Return weights (n,) that give the images of ``source`` the class histogram of ``target``.

    The weight of an image of class c is h_target(c) / h_source(c) / n [1]_. The weights sum to 1.
    Images with class -1 have the weight 0, and do not count in either histogram.

    Raises
    ------
    FringeError
        If ``target`` has a class that ``source`` lacks.

    References
    ----------
    .. [1] J. DiNardo, N. Fortin and T. Lemieux, "Labor Market Institutions and the Distribution of
       Wages, 1973-1992: A Semiparametric Approach", Econometrica 64, 1996.
    """
    size = int(max(source.max(initial=-1), target.max(initial=-1))) + 1
    own, wanted = (np.bincount(each[each >= 0], minlength=size) for each in (source, target))
    if (wanted[own == 0] > 0).any() or not wanted.sum():
        missing = np.flatnonzero((own == 0) & (wanted > 0))
        raise FringeError(
            f"classes: {missing[:5].tolist()} have no images to reweight; compare common classes"
        )
    shares = np.divide(wanted / wanted.sum(), own, out=np.zeros(size), where=own > 0)
    return np.where(source >= 0, shares[source], 0.0)
