"""Smooth random fields, which displace and shade images."""

from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Field", "smooth_noise"]

Field: TypeAlias = npt.NDArray[np.floating]


def smooth_noise(size: tuple[int, int], knots: tuple[int, int], rng: np.random.Generator) -> Field:
    """Draw a smooth random field of mean 0 and variance 1 everywhere.

    The field is a sum of Gaussian bumps with random heights. The bumps are on a regular grid of
    knots, and their standard deviation is 0.7 of the distance between neighbouring knots.

    Parameters
    ----------
    size : (int, int)
        Height H and width W.
    knots : (int, int)
        Number of knots along the height and along the width, two or more.
    rng : numpy.random.Generator

    Returns
    -------
    float32 array (H, W)
    """
    along_height, along_width = (_bumps(*pair) for pair in zip(size, knots, strict=True))
    heights = rng.standard_normal(knots, dtype=np.float32)
    field: Field = along_height @ heights @ along_width.T
    return field


@lru_cache
def _bumps(size: int, knots: int) -> Field:
    """Weights (size, knots) of Gaussian bumps on a line, scaled to unit variance of a sum."""
    places = np.linspace(0, knots - 1, size)[:, None]
    bumps = np.exp(-((places - np.arange(knots)) ** 2) / (2 * 0.7**2))
    weights: Field = bumps / np.sqrt((bumps**2).sum(axis=1, keepdims=True))
    return weights.astype(np.float32)
