"""Sensitivity maps of the images that an explorer shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fringe.metrics import Gaussian, optimal_transport
from fringe.metrics.arrays import Array, Floats
from fringe.sensitivity import example_maps

if TYPE_CHECKING:
    from fringe.networks import FeatureNetwork

__all__ = ["MakeMaps", "as_bytes", "map_maker", "with_stored"]

MakeMaps = Callable[[NDArray[np.uint8], NDArray[np.int64]], Floats]
"""Function that returns maps (b, h, w) of images (b, H, W, 3) with given numbers (b,)."""


def map_maker(
    network: FeatureNetwork,
    source: str,
    real: Gaussian,
    generated: Gaussian,
    n: int,
    *,
    included: bool,
    batch_size: int,
) -> MakeMaps:
    """Return a function that computes maps.

    Parameters
    ----------
    network : FeatureNetwork
        A network with maps or a split.
    source : str
        The name of the images' source in messages.
    real, generated, n, included
        Arguments of `fringe.sensitivity.fid_gradient`.
    batch_size : int
        How many images pass through the network at a time.
    """
    transport = optimal_transport(real, generated)

    def make(images: NDArray[np.uint8], numbers: NDArray[np.int64]) -> Floats:
        names = [f"{source}: image {number}" for number in numbers]
        return example_maps(
            images,
            network,
            real,
            generated,
            n,
            included=included,
            batch_size=batch_size,
            transport=transport,
            called=names.__getitem__,
        )

    return make


def with_stored(stored: Array, make: MakeMaps | None) -> MakeMaps:
    """Return a function that returns stored maps if possible, and computes the others.

    ``stored`` (n, h, w) are the maps of the first n images of the source. ``make`` computes the
    maps of the others; None if all images have stored maps.
    """

    def found(images: NDArray[np.uint8], numbers: NDArray[np.int64]) -> Floats:
        beyond = numbers >= len(stored)
        maps = np.empty((len(numbers), *stored.shape[1:]))
        maps[~beyond] = stored[numbers[~beyond]]
        if beyond.any():
            assert make is not None
            maps[beyond] = make(images[beyond], numbers[beyond])
        return maps

    return found


def as_bytes(maps: Floats) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return maps (n, h, w) as bytes, and the values (n, 2) that 0 and 255 represent.

    In each map, 0 is the minimum and 255 the maximum. A constant map is 0 everywhere.
    """
    low, high = (reduce(axis=(1, 2), keepdims=True) for reduce in (maps.min, maps.max))
    scale = np.where(high > low, high - low, 1)
    ranges = np.concatenate([low, high], axis=1)[:, :, 0]
    return np.rint((maps - low) / scale * 255).astype(np.uint8), ranges.astype(np.float32)
