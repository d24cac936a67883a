"""What one real and one generated image, and all of them, are in a classifier (Figure 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fringe.evaluation.statistics import top1_classes
from fringe.features import FeatureFile
from fringe.metrics import Gaussian, frechet_distance, principal_axes
from fringe.metrics.arrays import as_numpy

__all__ = ["Overview", "Space", "overview_of"]

SPACES = ("features", "logits")
POINTS = 300  # images of each side that are points


@dataclass(frozen=True, eq=False)
class Space:
    """Real and generated images, in this order, in one space of D dimensions.

    Attributes
    ----------
    vectors : array (2, D), float32
        Of the first image of either side.
    means, covariances : array (2, 2), (2, 2, 2), float64
        Along the two directions in which real images vary most.
    points : pair of arrays (k, 2)
        The first images of either side, likewise.
    distance : float
        The Fréchet distance between all of either side, in all dimensions.
    """

    vectors: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    points: tuple[np.ndarray, np.ndarray]
    distance: float


@dataclass(frozen=True, eq=False)
class Overview:
    """What a classifier makes of real and of generated images, in this order.

    Attributes
    ----------
    spaces : mapping
        `Space` by its name: "features" and "logits".
    shares : array (2, C), float64
        Of the images of either side, the share whose Top-1 each class is.
    class_names : tuple of C str
    counts : pair of int
        Images behind the distances.
    """

    spaces: Mapping[str, Space]
    shares: np.ndarray
    class_names: tuple[str, ...]
    counts: tuple[int, int]


def overview_of(
    files: tuple[FeatureFile, FeatureFile],
    statistics: Mapping[str, tuple[Gaussian, Gaussian]],
    stops: tuple[int, int],
    counts: tuple[int, int],
) -> Overview:
    """Return what a classifier makes of real and of generated images.

    Parameters
    ----------
    files : pair of FeatureFile
        Of real and of generated images, with logits.
    statistics : mapping of space to (real, generated) Gaussians
        Of "features" and of "logits".
    stops : pair of int
        How many of the first images of either side have their classes counted.
    counts : pair of int
        Images behind the Gaussians of the features.

    Raises
    ------
    FringeError
        If a file has no logits or fewer images, or the Gaussians do not fit.
    """
    spaces = {}
    for space in SPACES:
        real, generated = statistics[space]
        axes = principal_axes(real)
        rows = [
            file.read(space, stop=min(POINTS, stop))
            for file, stop in zip(files, stops, strict=True)
        ]
        both = (real, generated)
        spaces[space] = Space(
            np.stack([each[0] for each in rows]),
            np.stack([as_numpy(each.mean) for each in both]) @ axes.T,
            np.stack([axes @ as_numpy(each.covariance) @ axes.T for each in both]),
            (rows[0] @ axes.T, rows[1] @ axes.T),
            frechet_distance(real, generated),
        )
    names = files[0].class_names
    assert names is not None  # there are logits
    shares = [
        np.bincount(top1_classes(file, stop=stop), minlength=len(names)) / stop
        for file, stop in zip(files, stops, strict=True)
    ]
    return Overview(spaces, np.stack(shares), names, counts)
