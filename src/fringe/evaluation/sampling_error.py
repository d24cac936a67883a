"""The standard error of a Fréchet distance of stored features, read in blocks.

`fringe.metrics.influence` contains the formula and its source. The error covers the random choice
of all measured images:

* images drawn without replacement count as independent images of the generator;
* images drawn with replacement count as often as they were drawn. This covers the random draw and
  the random candidates, with fixed weights of the candidates. It does not cover that different
  candidates would have different weights;
* the real images also count as independent images.

Repeated draws share the real images and the candidates. So the spread of their distances is only a
part of the error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fringe.features import Features
from fringe.metrics import (
    Gaussian,
    Transport,
    influences,
    optimal_transports,
    variance_of_mean,
)

__all__ = ["NO_ERROR", "FrechetError", "MeasuredImages", "frechet_error"]


@dataclass(frozen=True, eq=False)
class MeasuredImages:
    """Images whose distance to other images is measured.

    Parameters
    ----------
    gaussian : Gaussian
        Statistics of these images.
    features : FeatureFile or JoinedFeatures, optional
        Features of N images. None if only published statistics are known.
    space : {"features", "logits"}
    counts : int array (N,), optional
        The number of times that each of the N images is measured.
    stop : int, optional
        Only the first ``stop`` images are measured.
    """

    gaussian: Gaussian
    features: Features | None
    space: str = "features"
    counts: np.ndarray | None = None
    stop: int | None = None


class FrechetError(NamedTuple):
    """A standard error, in squared units of the features. An unknown error is NaN.

    ``real`` is the part of the real images. If ``real`` is NaN, ``total`` covers only the generated
    images. The part of the generated images is (total^2 - real^2)^1/2.
    """

    total: float
    real: float


NO_ERROR = FrechetError(float("nan"), float("nan"))


def frechet_error(real: MeasuredImages, generated: MeasuredImages) -> FrechetError:
    """Return the standard error of the Fréchet distance between two sets of images.

    This takes one singular value decomposition (D, D) and one pass over the features of each set.
    The result is `NO_ERROR` if only statistics of the generated images are known, or if all
    generated images are the same image.

    Raises
    ------
    FringeError
        If the sets come from different networks or spaces, or features cannot be read.
    """
    if generated.features is None or _is_one_image(generated):
        return NO_ERROR
    to_real, to_generated = optimal_transports(real.gaussian, generated.gaussian)
    variance = _variance(generated, real.gaussian, to_real)
    if real.features is None:
        return FrechetError(float(np.sqrt(variance)), float("nan"))
    of_real = _variance(real, generated.gaussian, to_generated)
    return FrechetError(float(np.sqrt(variance + of_real)), float(np.sqrt(of_real)))


def _is_one_image(images: MeasuredImages) -> bool:
    return images.counts is not None and int(np.count_nonzero(images.counts)) < 2


def _variance(images: MeasuredImages, other: Gaussian, transport: Transport) -> float:
    """Return the part of the squared error that comes from ``images``."""
    assert images.features is not None  # the caller has checked this
    found, weights = [], []
    for first, block in images.features.blocks(images.space, stop=images.stop):
        rows = block
        if images.counts is not None:
            counts = images.counts[first : first + len(block)]
            used = np.flatnonzero(counts)
            if not used.size:
                continue
            rows = block[used]
            weights.append(counts[used])
        found.append(influences(rows, images.gaussian, other, transport))
    return variance_of_mean(np.concatenate(found), np.concatenate(weights) if weights else None)
