"""Drawing images with given probabilities."""

from typing import Any

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Floats, as_numpy, like

__all__ = ["draw", "effective_sample_size"]


def draw(probabilities: Any, n: int, rng: np.random.Generator) -> Any:
    """Return ``n`` indices drawn with replacement, as in Section 4 of the paper.

    Parameters
    ----------
    probabilities : array (N,)
        Not negative, not all 0; need not sum to exactly 1. An index of probability 0 is never
        drawn.
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    int64 array (n,)
    """
    if n < 1:
        raise FringeError(f"n: got {n}; ask for at least one image")
    cumulative = np.cumsum(_probabilities(probabilities))
    # The smallest index whose cumulative sum exceeds the draw; rounding may not pass the last.
    indices = np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right")
    last = np.searchsorted(cumulative, cumulative[-1], side="left")
    return like(probabilities, np.minimum(indices, last).astype(np.int64))


def effective_sample_size(probabilities: Any) -> float:
    """Return 1 / sum p_i^2: how many equally weighted images would vary as much (Kish 1965)."""
    p = _probabilities(probabilities)
    return float(p.sum() ** 2 / (p @ p))


def _probabilities(value: Any) -> Floats:
    p = as_numpy(value).astype(np.float64)
    if p.ndim != 1 or not len(p) or not np.isfinite(p).all() or (p < 0).any() or not p.any():
        raise FringeError(
            "probabilities: expected finite numbers of shape (N,), none negative and not all 0, "
            f"got shape {p.shape}" + (f" from {p.min()} to {p.max()}" if p.size else "")
        )
    p /= p.max()
    return p
