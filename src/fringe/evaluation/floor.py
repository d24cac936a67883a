"""FDr: distances in units of the floor, which is the distance between two sets of real images.

FD-Loss (arXiv 2604.28190) divides a Fréchet distance by the distance of held-out real images. This
module divides the real images at random into two halves, with a seed. The first half is the
reference. The floor is the distance of the second half from the reference. FDr is the distance of
generated images from the reference, divided by the floor. The number of generated images is that of
the second half, so both distances have the same bias.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from fringe.errors import FringeError
from fringe.evaluation.sampling_error import FrechetError, MeasuredImages, frechet_error
from fringe.evaluation.statistics import gaussian_of
from fringe.features import FeatureFile, Features
from fringe.metrics import covariance_root, frechet_distance, ratio_error
from fringe.progress import progress
from fringe.scores.rows import Row
from fringe.seeds import random_stream

__all__ = ["FLOOR", "score_floor"]

FLOOR = "real"
"""The name of the second half of the real images in the column of schemes."""


def score_floor(
    real: FeatureFile,
    n_real: int,
    drawn: Mapping[str, tuple[Features, np.ndarray]],
    *,
    seed: int,
) -> Iterator[Row]:
    """Yield the floor, and FDr of each scheme, with standard errors.

    Parameters
    ----------
    real : FeatureFile
        Its first ``n_real`` images are divided into halves.
    n_real : int
    drawn : mapping of scheme to (features, int array (n,))
        The images of one draw of each scheme, as rows of the features.
    seed : int
        Seed of the halves, and of the images that are chosen if a draw has more images than a half.

    Yields
    ------
    Row
        The first row is the floor: scheme `FLOOR`, metric "fid". The other rows have the metric
        "fdr". The error of FDr covers the choice of generated images and the error of the floor.
        The error of the reference, which both distances share, is counted only in the floor.

    Raises
    ------
    FringeError
        If the distance between both halves is 0.
    """
    order = random_stream(seed, "floor").permutation(n_real)
    half = n_real // 2
    reference, others = (
        _images(real, part) for part in (order[: n_real - half], order[n_real - half :])
    )
    root = covariance_root(reference.gaussian)

    def distance(images: MeasuredImages) -> tuple[float, FrechetError]:
        value = frechet_distance(reference.gaussian, images.gaussian, root=root)
        return value, frechet_error(reference, images)

    floor, error = distance(others)
    if not floor > 0:
        raise FringeError(
            f"{real.path}: two halves of the real images have the distance {floor:g}, which cannot "
            "be used as a unit; give real images that differ"
        )
    counts = {"n_real": n_real - half, "n_generated": half}
    yield _row(FLOOR, "fid", floor, error.total, counts)
    for scheme, (features, rows) in progress(drawn.items(), "FDr", total=len(drawn), unit="draws"):
        kept = random_stream(seed, "floor", scheme).permutation(rows)[:half]
        value, own = distance(_images(features, kept))
        ratio = value / floor
        generated = np.sqrt(max(own.total**2 - own.real**2, 0.0))
        total = ratio_error(ratio, float(generated), floor, error.total)
        yield _row(scheme, "fdr", ratio, total, {**counts, "n_generated": len(kept)})


def _images(features: Features, rows: np.ndarray) -> MeasuredImages:
    counts = np.bincount(rows, minlength=len(features))
    return MeasuredImages(gaussian_of(features, counts=counts), features, counts=counts)


def _row(scheme: str, metric: str, value: float, error: float, counts: Mapping[str, int]) -> Row:
    return {
        "scheme": scheme,
        "metric": metric,
        "repeat": 0,
        "value": value,
        **counts,
        "standard_error": error,
        "real_error": float("nan"),
    }
