"""The standard error of a Fréchet distance of stored features, read in blocks.

`fringe.metrics.influence` has the formula and its source. The error is that of the luck of all
images that were measured:

* images drawn without replacement count as independent images of the generator;
* images drawn with replacement count as often as they were drawn. This covers the luck of the draw
  and that of the candidates, with the weight of each candidate as it is. It does not cover that
  other candidates would have got other weights;
* the real images count as independent images, too.

Repeated draws share their real images and take them from the same candidates. So the spread of
their distances is only a part of the error.
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
    """Images whose distance to others is measured.

    Parameters
    ----------
    gaussian : Gaussian
        Of these images.
    features : FeatureFile or JoinedFeatures, optional
        Of N images; none where only published statistics are known.
    space : {"features", "logits"}
    counts : int array (N,), optional
        How often each image is among them.
    stop : int, optional
        They are the first ``stop`` images.
    """

    gaussian: Gaussian
    features: Features | None
    space: str = "features"
    counts: np.ndarray | None = None
    stop: int | None = None


class FrechetError(NamedTuple):
    """A standard error, in squared units of the features; NaN where it is unknown.

    ``real`` is the part of the real images. If ``real`` is NaN, ``total`` is the error of the
    generated images only. The part of the generated images is (total^2 - real^2)^1/2.
    """

    total: float
    real: float


NO_ERROR = FrechetError(float("nan"), float("nan"))


def frechet_error(real: MeasuredImages, generated: MeasuredImages) -> FrechetError:
    """Return the standard error of the Fréchet distance between two sets of images.

    It takes one singular value decomposition (D, D) and one pass over the features of either set.
    `NO_ERROR` is returned where the generated images are known by their statistics only, or are
    all the same image.

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
    assert images.features is not None  # of images without features nobody asks
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
