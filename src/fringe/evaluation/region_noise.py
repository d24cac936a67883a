"""Validation of sensitivity maps: rows of FID with noise in parts of images (Figure 10)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from fringe.errors import FringeError
from fringe.features import activations
from fringe.metrics import Gaussian, covariance_root, frechet_distance
from fringe.scores.rows import Row
from fringe.sensitivity.noise import REGIONS, NoisySource
from fringe.sources.prefetch import batches

if TYPE_CHECKING:
    from fringe.networks import FeatureNetwork
    from fringe.sources import ImageSource

__all__ = ["Row", "measure_region_noise"]


def measure_region_noise(
    source: ImageSource,
    maps: np.ndarray,
    network: FeatureNetwork,
    real: Gaussian,
    *,
    n_real: int,
    scale: float,
    n: int,
    seed: int,
    batch_size: int,
    workers: int = 0,
) -> list[Row]:
    """Return a row for each region: the FID of images with noise in this region.

    Images pass through the network in the batches of `fringe.features.extract_shard`, so FID
    without noise equals that of stored features, except for rounding. Neither images nor features
    are kept: memory does not grow with n.

    Parameters
    ----------
    source : ImageSource
        Clean generated images.
    maps : array (m, h, w)
        Sensitivity maps of the first m images of ``source``, m at least n.
    network : FeatureNetwork
        The network in whose features FID is measured.
    real : Gaussian
        Statistics of ``n_real`` real images in the same features.
    n_real : int
    scale : float
        Standard deviation of the noise, divided by 255, see
        `fringe.sensitivity.noise.NoisySource`. If it is 0, the images are read once and all regions
        get the FID of the clean images.
    n : int
        Number of first images that are used, at least two.
    seed : int
        Seed of the noise.
    batch_size, workers : int
        See `fringe.features.extract_shard`.

    Returns
    -------
    list of dict
        Columns `REGION_NOISE_COLUMNS`, except the dataset.

    Raises
    ------
    FringeError
        If there are fewer than n images or maps, dimensions differ, an image cannot be read, or a
        feature is NaN or infinite.
    """
    if not 2 <= n <= min(len(source), len(maps)):
        raise FringeError(
            f"{source.name}: cannot add noise to {n} images: there are {len(source)} images and "
            f"{len(maps)} sensitivity maps; choose at least two images that have maps"
        )
    if batch_size < 1:
        raise FringeError(f"batch size {batch_size} is below 1; give a positive number of images")
    if real.dim != network.feature_dim:
        raise FringeError(
            f"network {network.name!r} has {network.feature_dim} features, the real images' "
            f"statistics {real.dim}; give statistics of the same network"
        )
    root = covariance_root(real)
    values: dict[str, float] = {}
    for region in REGIONS if scale else REGIONS[-1:]:
        noisy = NoisySource(source, maps[:n], region, scale, seed)
        generated = Gaussian.from_blocks(
            (rows, None) for rows in _features(noisy, network, batch_size, workers)
        )
        values[region] = frechet_distance(real, generated, root=root)
    return [
        {
            "network": network.name,
            "region": region,
            "scale": float(scale),
            "value": values[region] if scale else values[REGIONS[-1]],
            "n_real": n_real,
            "n_generated": n,
            "seed": seed,
        }
        for region in REGIONS
    ]


def _features(
    source: NoisySource, network: FeatureNetwork, batch_size: int, workers: int
) -> Iterator[np.ndarray]:
    """Yield the features (b, D) of all images, one batch at a time."""
    n = len(source)
    bounds = [(first, min(first + batch_size, n)) for first in range(0, n, batch_size)]
    title = f"{network.name} features of {source.name}"
    with closing(batches(source, bounds, title, batch_size=batch_size, workers=workers)) as reading:
        for first, _, images in reading:
            yield activations(source, network, images, first, batch_size)["features"]
