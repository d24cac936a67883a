"""The sets of images that an explorer shows, and the models whose FID they influence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fringe.features import FeatureFile, Features
from fringe.metrics import Gaussian, Transport, influences, optimal_transports
from fringe.metrics.arrays import Array, Floats
from fringe.metrics.transport import transported_distance

__all__ = ["GeneratedSet", "Model", "RealSet", "measure_model"]


@dataclass(frozen=True, eq=False)
class RealSet:
    """The real images.

    Parameters
    ----------
    features : FeatureFile
        The first ``count`` rows are the features of the real images.
    count : int
        How many real images FID is measured on.
    gaussian : Gaussian
        The mean and covariance that FID is measured against.
    behind : int
        The number of images behind the Gaussian: ``count``, or the published number.
    classes : int array (count,), optional
    shown : bool
        Whether images exist that can be shown.
    classified : FeatureFile, optional
        The file with the logits of the same images; ``features`` by default.
    """

    features: FeatureFile
    count: int
    gaussian: Gaussian
    behind: int
    classes: NDArray[np.int64] | None = None
    shown: bool = True
    classified: FeatureFile | None = None

    @property
    def logits(self) -> FeatureFile:
        """The file with the logits of the images."""
        return self.features if self.classified is None else self.classified

    def blocks(self) -> Iterator[tuple[int, Array]]:
        """Yield (first row, block of features) over all images."""
        return self.features.blocks(stop=self.count)

    def influences(self, model: Model) -> Floats:
        """Return psi (count,) of all real images: their influences on FID of a model."""
        return np.concatenate([self.influences_of(block, model) for _, block in self.blocks()])

    def influences_of(self, features: Array, model: Model) -> Floats:
        """Return psi (n,) of images (n, D) on FID of a model if added to the real images."""
        return influences(features, self.gaussian, model.gaussian, model.to_generated)


@dataclass(frozen=True, eq=False)
class GeneratedSet:
    """Images of one source.

    Parameters
    ----------
    title : str
    features : FeatureFile or JoinedFeatures
    count : int
        How many images, from the first, can be shown. Models may contain more images.
    classes : int array (rows,), optional
        Classes of all images with features.
    weight : float64 array (count,), optional
        Optimized weights, as multiples of equal weights.
    shown : bool
        Whether images exist that can be shown.
    classified : FeatureFile or JoinedFeatures, optional
        The file with the logits of the same images; ``features`` by default.
    """

    title: str
    features: Features
    count: int
    classes: NDArray[np.int64] | None = None
    weight: Floats | None = None
    shown: bool = True
    classified: Features | None = None

    @property
    def logits(self) -> Features:
        """The file with the logits of the images."""
        return self.features if self.classified is None else self.classified


@dataclass(frozen=True, eq=False)
class Model:
    """A way to draw images of a set, and the maps between its Gaussian and that of real images.

    Parameters
    ----------
    title : str
    place : int
        The place of its set among the generated sets.
    weights : array (n,), or None
        Relative weights of the first n images of the set. Integers count how often each image is
        drawn. None means equal weights of all images that can be shown.
    count : int
        How many images the model's FID is measured on.
    gaussian : Gaussian
    real : Gaussian
    to_real, to_generated : Transport
    """

    title: str
    place: int
    weights: Array | None
    count: int
    gaussian: Gaussian
    real: Gaussian
    to_real: Transport
    to_generated: Transport

    @property
    def distance(self) -> float:
        """The model's FID: the distance between the two Gaussians."""
        return transported_distance(self.real, self.gaussian, self.to_real)

    def size(self, generated: GeneratedSet) -> int:
        """Return from how many images of its set the model draws."""
        return generated.count if self.weights is None else len(self.weights)

    def influences_of(self, features: Array) -> Floats:
        """Return psi (n,) of images (n, D) on the model's FID if added to its images."""
        return influences(features, self.gaussian, self.real, self.to_real)

    def influences(self, features: Features, stop: int) -> Floats:
        """Return psi (stop,) of the first images of a set, read in blocks."""
        return np.concatenate(
            [self.influences_of(block) for _, block in features.blocks(stop=stop)]
        )


def measure_model(
    title: str,
    place: int,
    generated: GeneratedSet,
    real: Gaussian,
    count: int,
    weights: Array | None = None,
) -> Model:
    """Measure a model from stored features, which are read in blocks.

    Parameters
    ----------
    title, place, count, weights
        See `Model`.
    generated : GeneratedSet
        The set at ``place``.
    real : Gaussian

    Raises
    ------
    FringeError
        If features cannot be read, or are too few for a covariance.
    """
    stop = generated.count if weights is None else len(weights)

    def blocks() -> Iterator[tuple[Array, Array | None]]:
        for first, block in generated.features.blocks(stop=stop):
            yield block, None if weights is None else weights[first : first + len(block)]

    gaussian = Gaussian.from_blocks(blocks())
    to_real, to_generated = optimal_transports(real, gaussian)
    return Model(title, place, weights, count, gaussian, real, to_real, to_generated)
