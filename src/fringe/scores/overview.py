"""What a classifier makes of real and of generated images (Figure 1)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

__all__ = ["Overview", "Space"]


@dataclass(frozen=True, eq=False)
class Space:
    """Real and generated images, in this order, in one space of D dimensions.

    Attributes
    ----------
    vectors : array (2, D), float32
        Of the first image of either side.
    means, covariances : array (2, 2), (2, 2, 2), float64
        Along the two directions in which real images vary most.
    points : pair of arrays (k, 2)
        The first images of either side, likewise.
    distance : float
        The Fréchet distance between all of either side, in all dimensions.
    standard_error, real_error : float
        Its standard error, and the part of the real images; NaN where they are unknown
        (`fringe.scores.rows.ERROR_COLUMNS`).
    """

    vectors: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    points: tuple[np.ndarray, np.ndarray]
    distance: float
    standard_error: float = math.nan
    real_error: float = math.nan


@dataclass(frozen=True, eq=False)
class Overview:
    """What a classifier makes of real and of generated images, in this order.

    Attributes
    ----------
    spaces : mapping
        `Space` by its name: "features" and "logits".
    shares : array (2, C), float64
        Of the images of either side, the share whose Top-1 each class is.
    class_names : tuple of C str
    counts : pair of int
        Images behind the distances.
    """

    spaces: Mapping[str, Space]
    shares: np.ndarray
    class_names: tuple[str, ...]
    counts: tuple[int, int]
