"""Energy distance (Székely and Rizzo 2013) between two sets of features."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

__all__ = ["energy_distance"]

BLOCK = 1024  # rows of one side whose distances are in memory at a time


def energy_distance(real: NDArray[np.floating], generated: NDArray[np.floating]) -> float:
    """Return 2 E|x - y| - E|x - x'| - E|y - y'| of features (n, D) and (m, D); 0 for equal sets.

    The means are over all pairs, including the pairs of an image with itself.
    """
    between = _mean_distance(real, generated)
    return 2 * between - _mean_distance(real, real) - _mean_distance(generated, generated)


def _mean_distance(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    total = sum(cdist(a[at : at + BLOCK], b).sum() for at in range(0, len(a), BLOCK))
    return float(total / (len(a) * len(b)))
