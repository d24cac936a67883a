"""Measurement of how far distortions of real images move the features of a network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from fringe.errors import FringeError
from fringe.features import activations
from fringe.metrics import Gaussian, covariance_root, frechet_distance
from fringe.progress import progress
from fringe.resampling.saved_state import Checkpoint, signature
from fringe.scores.rows import Row
from fringe.seeds import random_stream
from fringe.sources.distorted import VARIANTS, DistortedSource
from fringe.sources.distortions import DISTORTIONS, DOSES
from fringe.sources.prefetch import batches

if TYPE_CHECKING:
    from fringe.features import FeatureFile
    from fringe.metrics.arrays import Array
    from fringe.networks import FeatureNetwork
    from fringe.sources import ImageSource

__all__ = ["measure_power"]

# Splits of the real images into halves. With few images, a single distance varies by half.
SPLITS = 4


def measure_power(
    source: ImageSource,
    network: FeatureNetwork,
    features: FeatureFile,
    *,
    n: int,
    seed: int,
    batch_size: int = 32,
    workers: int = 0,
    checkpoint: str | os.PathLike[str] | None = None,
    key: str = "",
) -> list[Row]:
    """Return how far distortions move real images in a network, and how far luck moves them.

    Each of ``n`` random images passes through the network with each distortion at each dose
    (`fringe.sources.distortions`). Three numbers are measured:

    * ``distance``: the Fréchet distance between the n images and the same images distorted.
    * ``luck``: the same distance after each image and its distorted version have been exchanged
      with probability 1/2. The two sets then differ by luck only. The distance of few images in
      many dimensions contains the same amount of luck: the distance grows with the movement of
      each image, even if the images as a whole did not move. Therefore ``distance`` - ``luck``
      estimates the distance of infinitely many images. In simulations with 0.3 to 10 images for
      each dimension, the mean of this estimate was never too large, and was too small with few
      images.
    * ``floor``: the Fréchet distance between two disjoint halves of all real images, the mean over
      `SPLITS` splits.

    The numbers depend on the seed, but not on the number of workers or on interruptions of the job.

    Parameters
    ----------
    source : ImageSource
        Real images.
    network : FeatureNetwork
    features : FeatureFile
        Features of the first N images of ``source`` in this network, at least four images.
    n : int
        Number of images to distort, at least two. If N is smaller than n, all N images are
        distorted.
    seed : int
        Seed of the choice of images, of the splits, of noise and of warps.
    batch_size, workers : int
        As in `fringe.features.extract_shard`.
    checkpoint : path, optional
        A file for the features so far, saved every 20 s. A job that was killed continues from this
        file.
    key : str
        Identifies the images and the network. A checkpoint with another key is not used.

    Returns
    -------
    list of dict
        Columns `fringe.scores.power.POWER_COLUMNS` without the source, one row for each of
        `fringe.sources.distorted.VARIANTS`.

    Raises
    ------
    FringeError
        If there are too few images, the features are of another network, an image cannot be read,
        or a feature is NaN or infinite.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from fringe.features import extract_shard, open_features
    >>> from fringe.networks import load_network
    >>> from fringe.sources import PhotoSource
    >>> source, network = PhotoSource(20, 32, 0), load_network("untrained")
    >>> with TemporaryDirectory() as folder:
    ...     extract_shard(source, network, 0, 20, f"{folder}/real.h5")
    ...     features = open_features(f"{folder}/real.h5")
    ...     rows = measure_power(source, network, features, n=10, seed=0)
    >>> len(rows)
    12
    >>> first = rows[0]
    >>> first["distortion"], first["dose"], first["distance"] > 0
    ('blur', 'small', True)
    """
    count = len(features)
    if count < 4 or n < 2:
        raise FringeError(
            f"{source.name}: cannot measure distortions of {n} of {count} real images; give at "
            "least four real images, and distort at least two"
        )
    if features.dim() != network.feature_dim:
        raise FringeError(
            f"{features.path}: has {features.dim()} features, but network {network.name!r} has "
            f"{network.feature_dim}; give the features of the same network"
        )
    order = random_stream(seed, "power", "images").permutation(count)
    chosen = np.sort(order[:n])
    saved = Checkpoint(checkpoint, signature("power", key, count, chosen.tolist(), seed))
    distorted = DistortedSource(source, chosen, seed)
    moved = _features(distorted, network, batch_size, workers, saved)
    clean = features.read(indices=chosen)
    about = {
        "network": network.name,
        "floor": _floor(features, seed),
        "n": len(chosen),
        "n_floor": count // 2,
        "resolution": min(source.resolution),
        "seed": seed,
    }
    exchanged = random_stream(seed, "power", "luck").random(len(chosen)) < 0.5
    measured = _distances(clean, moved, exchanged)
    title = f"{network.name}: distances of distorted images"
    steps = progress(measured, title, total=len(VARIANTS), unit="distances")
    return [
        {
            "distortion": kind,
            "dose": dose,
            "amount": DISTORTIONS[kind].amounts[DOSES.index(dose)],
            "unit": DISTORTIONS[kind].unit,
            "distance": distance,
            "luck": luck,
            **about,
        }
        for (kind, dose), (distance, luck) in zip(VARIANTS, steps, strict=True)
    ]


def _features(
    source: DistortedSource,
    network: FeatureNetwork,
    batch_size: int,
    workers: int,
    saved: Checkpoint,
) -> Array:
    """Return the features of all images of a source, float32 (images, variants, D)."""
    state = saved.load()
    blocks = [np.empty((0, network.feature_dim), np.float32)]
    blocks += [] if state is None else [state["features"]]
    done, end = sum(map(len, blocks)), len(source)
    bounds = [(first, min(first + batch_size, end)) for first in range(done, end, batch_size)]
    title = f"{network.name} features of {source.name}"
    with closing(batches(source, bounds, title, batch_size=batch_size, workers=workers)) as reading:
        for first, last, images in reading:
            blocks.append(activations(source, network, images, first, batch_size)["features"])
            if saved.due() or last == end:
                blocks = [np.concatenate(blocks)]
                saved.save({"features": blocks[0]})
    return np.concatenate(blocks).reshape(-1, len(VARIANTS), network.feature_dim)


def _distances(clean: Array, moved: Array, exchanged: Array) -> Iterator[tuple[float, float]]:
    """Yield the distance and the luck of each variant.

    Parameters
    ----------
    clean : array (n, D)
        Features of the images.
    moved : array (n, V, D)
        Features of the images in each variant.
    exchanged : bool array (n,)
        True for the images whose two features are exchanged.
    """
    original = Gaussian.from_features(clean)
    root = covariance_root(original)
    kept = ~exchanged[:, None]
    for variant in range(moved.shape[1]):
        one = moved[:, variant]
        distance = frechet_distance(original, Gaussian.from_features(one), root=root)
        first, second = np.where(kept, clean, one), np.where(kept, one, clean)
        luck = frechet_distance(Gaussian.from_features(first), Gaussian.from_features(second))
        yield distance, luck


def _floor(features: FeatureFile, seed: int) -> float:
    """Return the mean Fréchet distance between two disjoint halves of all images."""
    half = len(features) // 2
    found = []
    title = "distances between halves of the real images"
    for split in progress(range(SPLITS), title, total=SPLITS, unit="distances"):
        order = random_stream(seed, "power", "floor", split).permutation(len(features))
        member = np.zeros(len(features), np.int64)
        member[order[:half]], member[order[half : 2 * half]] = 1, 2
        one, other = (_part(features, member == number) for number in (1, 2))
        found.append(frechet_distance(one, other))
    return float(np.mean(found))


def _part(features: FeatureFile, taken: Array) -> Gaussian:
    """Return the Gaussian of the rows where ``taken`` is true."""
    return Gaussian.from_blocks(
        (block[taken[first : first + len(block)]], None)
        for first, block in features.blocks()
        if taken[first : first + len(block)].any()
    )
