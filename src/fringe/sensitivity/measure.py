"""Sensitivity maps of a range of images, as one of the generated images that FID is measured on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fringe.errors import FringeError
from fringe.metrics import Gaussian, Transport, optimal_transport
from fringe.sensitivity.explaining import Explanation, explain, explain_classes
from fringe.sensitivity.gradient import fid_gradient
from fringe.sensitivity.store import Sensitivity
from fringe.sources.prefetch import batches, filled_up

if TYPE_CHECKING:
    from fringe.networks import FeatureNetwork
    from fringe.sources import ImageSource

__all__ = ["measure_sensitivity"]


def measure_sensitivity(
    source: ImageSource,
    network: FeatureNetwork,
    first: int,
    last: int,
    real: Gaussian,
    generated: Gaussian,
    n: int,
    *,
    classifier: FeatureNetwork | None = None,
    batch_size: int = 50,
    workers: int = 0,
    transport: Transport | None = None,
    provenance: Mapping[str, str | int | float] | None = None,
) -> Sensitivity:
    """Return the maps of images ``first`` to ``last - 1``, each one of the first n of ``source``.

    The derivative is exact: moving an image's features moves mean and covariance of all n.
    Batches are those of `fringe.features.extract_shard`, so an image's map does not depend on the
    shard it is in.

    Parameters
    ----------
    source : ImageSource
    network : FeatureNetwork
        With maps or a split.
    first, last : int
        ``first`` is a multiple of ``batch_size``; ``last`` is at most n.
    real, generated : Gaussian
        Of the network's features of the real images, and of the first n of ``source``.
    n : int
    classifier : FeatureNetwork, optional
        Whose classes and Grad-CAM there are beside the maps; ``network`` by default.
    batch_size, workers
        As `fringe.features.extract_shard` takes them.
    transport : Transport, optional
        ``optimal_transport(real, generated)``, where several shards share it.
    provenance : mapping, optional
        Attributes beside ``first``, ``last``, ``n``, ``network`` and, of a classifier,
        ``class_names``.

    Raises
    ------
    FringeError
        If the bounds do not fit, the network tells no places, an image cannot be read, or the
        network makes NaN or infinity of it.
    """
    import torch

    if not 0 <= first < last <= min(n, len(source)):
        raise FringeError(
            f"{source.name}: maps of images {first} to {last} asked for, but FID is that of the "
            f"first {n} of {len(source)}; ask for some of these"
        )
    if first % batch_size:
        raise FringeError(
            f"{source.name}: image {first} begins no batch of {batch_size}; give a multiple of it"
        )
    bounds = [(k, min(k + batch_size, last)) for k in range(first, last, batch_size)]
    parts = transport or optimal_transport(real, generated)

    def gradient(features: np.ndarray) -> np.ndarray:
        found: np.ndarray = fid_gradient(
            features, real, generated, n, included=True, transport=parts
        )
        return found

    done: list[Explanation] = []
    image_sum = np.zeros((*source.resolution, 3))
    title = f"{network.name} maps of {source.name}"
    with closing(batches(source, bounds, title, batch_size=batch_size, workers=workers)) as reading:
        for start, stop, images in reading:
            image_sum += images.sum(axis=0, dtype=np.float64)
            batch = torch.from_numpy(filled_up(images, batch_size)).permute(0, 3, 1, 2)
            called = partial(_called, source, start)
            found = explain(network, batch, gradient, called)
            if classifier is not None:
                seen = explain_classes(classifier, batch, called)
                found = found._replace(**seen._asdict())
            done.append(_first(found, stop - start))
    about = {"first": first, "last": last, "n": n, "network": network.name}
    names = (classifier or network).class_names
    if names is not None:
        about["class_names"] = json.dumps(names)
    return Sensitivity(
        maps=np.concatenate([part.maps for part in done]).astype(np.float32),
        image_sum=image_sum,
        classes=_joined([part.classes for part in done], np.int32),
        probabilities=_joined([part.probabilities for part in done], np.float32),
        activations=_joined([part.activations for part in done], np.float32),
        attributes={**(provenance or {}), **about},
    )


def _called(source: ImageSource, start: int, row: int) -> str:
    return f"{source.name}: image {start + row}"


def _first(found: Explanation, count: int) -> Explanation:
    """Return what was found of the first ``count`` images."""
    rows: dict[str, Any] = {
        name: None if part is None else part[:count] for name, part in found._asdict().items()
    }
    return found._replace(**rows)


def _joined(parts: list[np.ndarray | None], dtype: type) -> np.ndarray | None:
    present = [part for part in parts if part is not None]
    return np.concatenate(present).astype(dtype) if present else None
