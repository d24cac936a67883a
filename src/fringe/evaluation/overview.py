"""Single and all real and generated images in the features of a classifier (Figure 1)."""

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
POINTS = 300  # images of each side that are drawn as points


def overview_of(
    files: tuple[FeatureFile, FeatureFile],
    measured: Mapping[str, tuple[MeasuredImages, MeasuredImages]],
    stops: tuple[int, int],
    counts: tuple[int, int],
    *,
    classified: tuple[FeatureFile, FeatureFile] | None = None,
) -> Overview:
    """Return features, logits and classes of real and of generated images.

    Parameters
    ----------
    files : pair of FeatureFile
        Features of real and of generated images, with logits unless ``classified`` is given.
    measured : mapping of space to (real, generated) images
        The images between which distances are measured, in "features" and in "logits".
    stops : pair of int
        Number of first images of each side whose classes are counted.
    counts : pair of int
        Numbers of images of the distance in features.
    classified : pair of FeatureFile, optional
        Files of real and of generated images with logits. Default: ``files``.

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
