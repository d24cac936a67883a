"""The distance of images that are drawn with given weights: what the paper chooses weights by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fringe.errors import FringeError
from fringe.resampling.draw import draw
from fringe.seeds import random_stream

if TYPE_CHECKING:
    from fringe.metrics.arrays import Floats
    from fringe.resampling.objective import Objective
    from fringe.resampling.weights import Judge

__all__ = ["sampled_distance"]


def sampled_distance(objective: Objective, n: int, seed: int) -> Judge:
    """Return the function of (probabilities (N,), repeat) that draws ``n`` images and measures.

    Images are drawn with replacement, and their Fréchet distance has the divisor n - 1: the FID
    that the paper reports. Every call with the same repeat uses the same random numbers, so that
    neighbours on a path differ by their weights more than by luck.

    Parameters
    ----------
    objective : Objective
        Of the features in which FID is measured: pre-logits, in whatever space weights are
        optimized.
    n : int
        At least 2.
    seed : int
    """
    if n < 2:
        raise FringeError(f"n: got {n}; a covariance needs two images at least")

    def judge(p: Floats, repeat: int) -> float:
        indices = draw(p, n, random_stream(seed, "sampled", repeat))
        return objective.distance(np.bincount(indices, minlength=len(objective)))

    return judge
