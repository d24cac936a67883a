"""Features and classes of real and generated images in a classifier (Figure 1)."""

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
        The vectors of the first real and the first generated image.
    means, covariances : array (2, 2), (2, 2, 2), float64
        Moments along the two directions in which real images vary most.
    points : pair of arrays (k, 2)
        The first real and generated images along the same two directions.
    distance : float
        The Fréchet distance between all real and all generated images, in all dimensions.
    standard_error, real_error : float
        The standard error of the distance, and its part from the real images; NaN if they are
        unknown (`fringe.scores.rows.ERROR_COLUMNS`).
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
    """Real and generated images, in this order, in the spaces of a classifier.

    Attributes
    ----------
    spaces : mapping
        `Space` by its name: "features" and "logits".
    shares : array (2, C), float64
        The fraction of the real and of the generated images with each Top-1 class.
    class_names : tuple of C str
    counts : pair of int
        Numbers of images that the distances use.
    """

    spaces: Mapping[str, Space]
    shares: np.ndarray
    class_names: tuple[str, ...]
    counts: tuple[int, int]
