"""The distance of images that are drawn with given weights, by which the paper chooses weights."""

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
    """A judge of weights, which draws images with replacement and returns their Fréchet distance.

    The covariance has the divisor n - 1, as in the FID that the paper reports [1]_. Calls with the
    same repeat use the same random numbers, so that the distances of similar weights differ mostly
    by the weights, not by chance.

    Parameters
    ----------
    objective : Objective
        Objective of the features in which FID is measured. These are pre-logits, even if weights
        are optimized in another space.
    n : int
        Number of images drawn, at least 2.
    seed : int

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023, Section 4.

    Examples
    --------
    >>> from fringe.metrics import Gaussian
    >>> from fringe.resampling.objective import Objective
    >>> rng = np.random.default_rng(0)
    >>> real, candidates = rng.normal(size=(500, 4)), rng.normal(size=(200, 4)) + 1
    >>> judge = SampledDistance(Objective(Gaussian.from_features(real), candidates), n=200, seed=0)
    >>> round(judge(np.full(200, 1 / 200), repeat=0), 1)
    4.0
    """

    objective: Objective
    n: int
    seed: int

    def __post_init__(self) -> None:
        """Raise FringeError if there are too few images for a covariance."""
        if self.n < 2:
            raise FringeError(f"n: got {self.n}; a covariance needs at least two images")

    def __repr__(self) -> str:
        """Return a text with all settings of the judge, by which checkpoints identify it."""
        return f"SampledDistance({self.objective.identity}, n={self.n}, seed={self.seed})"

    def __call__(self, probabilities: Floats, repeat: int) -> float:
        """Return the Fréchet distance of images drawn with ``probabilities`` (N,)."""
        indices = draw(probabilities, self.n, random_stream(self.seed, "sampled", repeat))
        return self.objective.distance(np.bincount(indices, minlength=len(self.objective)))
