"""What one real and one generated image, and all of them, are in a classifier (Figure 1)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fringe.evaluation.sampling_error import MeasuredImages, frechet_error
from fringe.features import FeatureFile, top1_classes
from fringe.metrics import frechet_distance, principal_axes
from fringe.metrics.arrays import as_numpy
from fringe.scores.overview import Overview, Space

__all__ = ["overview_of"]

SPACES = ("features", "logits")
POINTS = 300  # images of each side that are points


def overview_of(
    files: tuple[FeatureFile, FeatureFile],
    measured: Mapping[str, tuple[MeasuredImages, MeasuredImages]],
    stops: tuple[int, int],
    counts: tuple[int, int],
    *,
    classified: tuple[FeatureFile, FeatureFile] | None = None,
) -> Overview:
    """Return what a network and a classifier make of real and of generated images.

    Parameters
    ----------
    files : pair of FeatureFile
        Of real and of generated images, with logits unless others have them.
    measured : mapping of space to (real, generated) images
        Those between which the distances are, in "features" and in "logits".
    stops : pair of int
        How many of the first images of either side have their classes counted.
    counts : pair of int
        Images behind the distance in features.
    classified : pair of FeatureFile, optional
        Those with logits, likewise; ``files`` by default.

    Raises
    ------
    FringeError
        If a file has no logits or fewer images, or the Gaussians do not fit.
    """
    spaces = {}
    with_logits = classified or files
    for space in SPACES:
        real, generated = (each.gaussian for each in measured[space])
        axes = principal_axes(real)
        rows = [
            file.read(space, stop=min(POINTS, stop))
            for file, stop in zip(files if space == "features" else with_logits, stops, strict=True)
        ]
        both = (real, generated)
        spaces[space] = Space(
            np.stack([each[0] for each in rows]),
            np.stack([as_numpy(each.mean) for each in both]) @ axes.T,
            np.stack([axes @ as_numpy(each.covariance) @ axes.T for each in both]),
            (rows[0] @ axes.T, rows[1] @ axes.T),
            frechet_distance(real, generated),
            *frechet_error(*measured[space]),
        )
    names = with_logits[0].class_names
    assert names is not None  # there are logits
    shares = [
        np.bincount(top1_classes(file, stop=stop), minlength=len(names)) / stop
        for file, stop in zip(with_logits, stops, strict=True)
    ]
    return Overview(spaces, np.stack(shares), names, counts)
