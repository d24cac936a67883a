"""Sets of images that an explorer shows, and the models whose FID they have an influence on."""

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
        Whose first ``count`` rows are theirs.
    count : int
        How many FID is measured on.
    gaussian : Gaussian
        That FID is measured against.
    behind : int
        The number of images behind the Gaussian: ``count``, or another one where it was published.
    classes : int array (count,), optional
    shown : bool
        Whether there are images, which can be shown.
    classified : FeatureFile, optional
        Where the logits of the same images are; in ``features`` by default.
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
        """Where the logits of the images are."""
        return self.features if self.classified is None else self.classified

    def blocks(self) -> Iterator[tuple[int, Array]]:
        """Yield (first row, block of features) over all images."""
        return self.features.blocks(stop=self.count)

    def influences(self, model: Model) -> Floats:
        """Return psi (count,) of all images on FID of a model."""
        return np.concatenate([self.influences_of(block, model) for _, block in self.blocks()])

    def influences_of(self, features: Array, model: Model) -> Floats:
        """Return psi (n,) of images (n, D) on FID of a model, if added to the real images."""
        return influences(features, self.gaussian, model.gaussian, model.to_generated)


@dataclass(frozen=True, eq=False)
class GeneratedSet:
    """Images of one source.

    Parameters
    ----------
    title : str
    features : FeatureFile or JoinedFeatures
    count : int
        How many of the first images can be shown; models may hold further ones.
    classes : int array (rows,), optional
        Of all images with features.
    weight : float64 array (count,), optional
        Optimized weights, as multiples of equal weights.
    shown : bool
        Whether there are images, which can be shown.
    classified : FeatureFile or JoinedFeatures, optional
        Where the logits of the same images are; in ``features`` by default.
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
        """Where the logits of the images are."""
        return self.features if self.classified is None else self.classified


@dataclass(frozen=True, eq=False)
class Model:
    """A way to draw images of a set, and the maps between its Gaussian and that of real images.

    Parameters
    ----------
    title : str
    place : int
        Of its set among the generated sets.
    weights : array (n,), or None
        Relative weights of the first n images of the set; integers count how often each is drawn.
        None: all images that can be shown, with equal weights.
    count : int
        How many images its FID is measured on.
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
        """Its FID, as that of the Gaussians."""
        return transported_distance(self.real, self.gaussian, self.to_real)

    def size(self, generated: GeneratedSet) -> int:
        """Return how many of the first images of its set the model draws from."""
        return generated.count if self.weights is None else len(self.weights)

    def influences_of(self, features: Array) -> Floats:
        """Return psi (n,) of images (n, D) on its FID, if they are added to its own images."""
        return influences(features, self.gaussian, self.real, self.to_real)

    def influences(self, features: Features, stop: int) -> Floats:
        """Return psi (stop,) of the first images of any set, read in blocks."""
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
    """Return a model, measured from stored features that are read in blocks.

    Parameters
    ----------
    title, place, count, weights
        As of `Model`.
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
