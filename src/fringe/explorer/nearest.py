"""The distance of images to the nearest real image, in the features of a network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats, as_matrix

__all__ = ["nearest_distances"]

ROWS = 1024  # images whose distances to a block of real images are in memory at a time


def nearest_distances(
    images: Any, real: Iterable[tuple[int, Array]], own: NDArray[np.int64] | None = None
) -> Floats:
    """Return the Euclidean distance of each image to the nearest other real image.

    The nearest real image is found with products of matrices in float64. The distance to it is then
    computed from the differences of the features, so the distance of a copy is exactly 0. If
    several real images are equally near except for rounding, any of them may be used.

    Parameters
    ----------
    images : array (n, D)
    real : iterable of (int, array (b, D))
        Blocks of features of the real images, each with the number of its first image.
    own : int64 array (n,), optional
        The number of each image among the real images, so that it is not compared with itself; -1
        if the image is not a real image.

    Returns
    -------
    float64 array (n,)
        Infinity if there is no other real image.

    Raises
    ------
    FringeError
        If the dimensions differ.
    """
    rows = as_matrix(images, "images").astype(np.float64)
    places = np.full(len(rows), -1) if own is None else own
    best = np.full(len(rows), np.inf)  # |y|^2 - 2 x.y: the squared distance without |x|^2
    found = np.full(rows.shape, np.nan)
    centre: Floats | None = None
    for start, block in real:
        if block.shape[1] != rows.shape[1]:
            raise FringeError(
                f"nearest images: {rows.shape[1]} features of an image, {block.shape[1]} of a real "
                "image; take both from the same network"
            )
        others = block.astype(np.float64)
        if centre is None:  # an origin inside the cloud of features reduces rounding errors
            centre = others.mean(axis=0)
        others -= centre
        squares = np.einsum("nd,nd->n", others, others)
        for first in range(0, len(rows), ROWS):
            part = slice(first, min(first + ROWS, len(rows)))
            distances = (rows[part] - centre) @ others.T
            distances *= -2
            distances += squares
            inside = np.flatnonzero((places[part] >= start) & (places[part] < start + len(block)))
            distances[inside, places[part][inside] - start] = np.inf
            nearest = distances.argmin(axis=1)
            least = distances[np.arange(len(nearest)), nearest]
            nearer = np.flatnonzero(least < best[part])
            best[first + nearer] = least[nearer]
            found[first + nearer] = block[nearest[nearer]]
    result = np.sqrt(np.square(rows - found).sum(axis=1))
    return np.where(np.isinf(best), np.inf, result)
