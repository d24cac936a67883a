"""Matching beyond the candidates: further images for bins that the candidates leave incomplete."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fringe.features import (
    FeatureFile,
    Features,
    JoinedFeatures,
    activations,
    extract_shard,
    open_features,
)
from fringe.files.hdf5 import create_h5, open_h5
from fringe.resampling import admitted
from fringe.resampling.saved_state import Checkpoint, signature
from fringe.sources import Selection
from fringe.sources.prefetch import batches

if TYPE_CHECKING:
    from fringe.networks import FeatureNetwork
    from fringe.sources import ImageSource

__all__ = [
    "Extension",
    "draw_on",
    "extract_extension",
    "join_extension",
    "load_extension",
    "save_extension",
]

Path = str | os.PathLike[str]


class Extension(NamedTuple):
    """The images beyond the candidates that fill incomplete bins.

    Attributes
    ----------
    indices : int64 array (k,)
        Indices of the images in the source, increasing.
    classes : int64 array (k,)
        Top-1 classes of the images.
    seen : int
        Number of images of the source that were classified, including the candidates: up to the
        image that filled the last bin, or up to the limit.
    missing : dict
        Class -> number of images that are still missing.
    """

    indices: np.ndarray
    classes: np.ndarray
    seen: int
    missing: dict[int, int]


def draw_on(
    source: ImageSource,
    network: FeatureNetwork,
    missing: Mapping[int, int],
    count: int,
    limit: int,
    *,
    batch_size: int = 32,
    workers: int = 0,
    checkpoint: Path | None = None,
    key: str = "",
) -> Extension:
    """Return the first images from ``count`` on whose class has room, until every bin is full.

    This is the paper's procedure (Section 3) for images in the order of their index. An image is
    accepted if the bin of its class has room, and discarded otherwise. The incomplete bins do not
    depend on the order of the candidates, so one extension serves all repeats.

    Batches are aligned to the images' index and full, as in `fringe.features.extract_shard`. So the
    result depends neither on the number of workers nor on an interruption of the job.

    Parameters
    ----------
    source : ImageSource
        A source of at least ``limit`` images, rounded up to a whole batch.
    network : FeatureNetwork
        The classifier whose Top-1 classes are matched.
    missing : mapping
        Class -> number of images that the candidates lack (`fringe.resampling.shortage`).
    count : int
        The number of candidates.
    limit : int
        The largest number of images to classify, including the candidates.
    batch_size, workers : int
        See `fringe.features.extract_shard`.
    checkpoint : path, optional
        A file in which the state is saved every 20 s and at the end. An interrupted job, or a later
        call with a higher limit, continues from this state.
    key : str
        Identifies everything that the images and their classes depend on. A state with another key
        is not used.

    Raises
    ------
    FringeError
        If an image cannot be generated or read, or a logit is NaN or infinite.
    """
    saved = Checkpoint(checkpoint, signature("draw on", key, sorted(missing.items()), count))
    state = saved.load() or {
        "indices": np.empty(0, np.int64),
        "classes": np.empty(0, np.int64),
        "seen": np.array(count),
    }
    within = state["indices"] < limit  # the limit may have been higher before
    indices, classes = state["indices"][within], state["classes"][within]
    seen = min(int(state["seen"]), limit)
    left = _left(missing, classes)
    starts = range(seen // batch_size * batch_size, limit, batch_size) if left else range(0)
    bounds = [(start, start + batch_size) for start in starts]
    reading = batches(
        source,
        bounds,
        f"classes of {source.name}, {sum(left.values())} places to fill",
        batch_size=batch_size,
        workers=workers,
        total=limit - seen,
    )
    with closing(reading):
        for start, stop, images in reading:
            labels = activations(source, network, images, start, batch_size)["logits"].argmax(1)
            first, last = max(start, seen), min(stop, limit)
            new = labels[first - start : last - start].astype(np.int64)
            accepted = admitted(new, left)
            indices = np.concatenate([indices, first + np.flatnonzero(accepted)])
            classes = np.concatenate([classes, new[accepted]])
            left = _left(missing, classes)
            seen = last
            if saved.due() or last == limit:
                state = {"indices": indices, "classes": classes, "seen": np.array(seen)}
                saved.save(state)
            if not left:
                break
    if not left:
        seen = int(indices[-1]) + 1 if len(indices) else count
    return Extension(indices, classes, seen, left)


def _left(missing: Mapping[int, int], classes: np.ndarray) -> dict[int, int]:
    """Return the number of images of each class that are missing besides images of ``classes``."""
    labels, counts = np.unique(classes, return_counts=True)
    have = dict(zip(labels.tolist(), counts.tolist(), strict=True))
    return {label: n - have.get(label, 0) for label, n in missing.items() if n > have.get(label, 0)}


def save_extension(
    path: Path, extension: Extension, limit: int, provenance: Mapping[str, str | int]
) -> None:
    """Write an extension, and the ``limit`` that it was drawn with, to HDF5.

    The attributes are ``limit``, ``seen``, ``places_missing`` (the number of missing images) and
    ``missing`` (JSON).
    """
    about: dict[str, str | int | float] = {
        **provenance,
        "limit": limit,
        "seen": extension.seen,
        "places_missing": sum(extension.missing.values()),
        "missing": json.dumps(extension.missing),
    }
    with create_h5(path, about) as file:
        for name in ("indices", "classes"):
            values = getattr(extension, name)
            file.create_dataset(name, data=values, fletcher32=len(values) > 0)


def load_extension(path: Path) -> Extension:
    """Return the extension that `save_extension` wrote.

    Raises
    ------
    FringeError
        If the file is missing or damaged.
    """
    with open_h5(path) as file:
        missing = {int(label): n for label, n in json.loads(file.attrs["missing"]).items()}
        seen = int(file.attrs["seen"])
        return Extension(file["indices"][()], file["classes"][()], seen, missing)


def extract_extension(
    source: ImageSource,
    network: FeatureNetwork,
    extension: Extension,
    path: Path,
    *,
    batch_size: int = 32,
    workers: int = 0,
    provenance: Mapping[str, str | int | float] | None = None,
) -> None:
    """Write the features of the images of an extension, in their order, as one shard.

    Batch j contains the images ``extension.indices[j * batch_size : (j + 1) * batch_size]``, so no
    other images are needed. If the extension has no images, the file contains only attributes.

    The other arguments, and the errors, are those of `fringe.features.extract_shard`.
    """
    if not len(extension.indices):
        with create_h5(path, dict(provenance or {})):
            return
    extract_shard(
        Selection(source, extension.indices),
        network,
        0,
        len(extension.indices),
        path,
        batch_size=batch_size,
        workers=workers,
        provenance=provenance,
    )


def join_extension(
    candidates: FeatureFile,
    draws: np.ndarray,
    extension: Path | None = None,
    features: Path | None = None,
) -> tuple[Features, np.ndarray]:
    """Return the joined features of candidates and extension, and ``draws`` as rows of these.

    Parameters
    ----------
    candidates : FeatureFile
    draws : int array (repeats, n)
        Indices of images of the source.
    extension, features : path, optional
        The files of `save_extension` and `extract_extension`. None without an extension.

    Raises
    ------
    FringeError
        If the features do not belong to the extension.
    """
    if extension is None or features is None:
        return candidates, draws
    indices = load_extension(extension).indices
    if not len(indices):
        return candidates, draws
    joined = JoinedFeatures(candidates, open_features(features), indices)
    return joined, joined.rows(draws)
