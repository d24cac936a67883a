"""The distance of images that are drawn with given weights: what the paper chooses weights by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fringe.errors import FringeError
from fringe.resampling.drawing import draw
from fringe.seeds import random_stream

if TYPE_CHECKING:
    from fringe.metrics.arrays import Floats
    from fringe.resampling.objective import Objective

__all__ = ["SampledDistance"]


@dataclass(frozen=True, repr=False)
class SampledDistance:
    """A judge of weights: draws images with replacement and returns their Fréchet distance.

    The covariance has the divisor n - 1: this is the FID that the paper reports. Calls with the
    same repeat use the same random numbers, so that neighbours on a path differ by their weights
    more than by luck.

    Parameters
    ----------
    objective : Objective
        Of the features in which FID is measured: pre-logits, in whatever space weights are
        optimized.
    n : int
        Images drawn, at least 2.
    seed : int
    """

    objective: Objective
    n: int
    seed: int

    def __post_init__(self) -> None:
        """Refuse a number of images that has no covariance."""
        if self.n < 2:
            raise FringeError(f"n: got {self.n}; a covariance needs two images at least")

    def __repr__(self) -> str:
        """Tell all that a result depends on: checkpoints know a judge by this."""
        return f"SampledDistance({self.objective.identity}, n={self.n}, seed={self.seed})"

    def __call__(self, probabilities: Floats, repeat: int) -> float:
        """Return the distance of images drawn with ``probabilities`` (N,)."""
        indices = draw(probabilities, self.n, random_stream(self.seed, "sampled", repeat))
        return self.objective.distance(np.bincount(indices, minlength=len(self.objective)))
