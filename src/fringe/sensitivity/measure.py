"""Sensitivity maps of a range of the generated images that FID is measured on."""

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
    """Return the maps [1]_ of images ``first`` to ``last - 1`` of the first n images of ``source``.

    The derivative is exact: a change of an image's features changes the mean and covariance of all
    n images. Batches are those of `fringe.features.extract_shard`, so the map of an image does not
    depend on the shard that contains it.

    Parameters
    ----------
    source : ImageSource
    network : FeatureNetwork
        A network with maps or a split.
    first, last : int
        ``first`` is a multiple of ``batch_size``; ``last`` is at most n.
    real, generated : Gaussian
        Statistics of the network's features of the real images, and of the first n images of
        ``source``.
    n : int
        Number of images that FID is measured on.
    classifier : FeatureNetwork, optional
        The network for classes and Grad-CAM. Default: ``network``.
    batch_size, workers
        See `fringe.features.extract_shard`.
    transport : Transport, optional
        The result of ``optimal_transport(real, generated)``. Give it if several shards share it.
    provenance : mapping, optional
        Additional attributes. ``first``, ``last``, ``n``, ``network`` and, for a classifier,
        ``class_names`` are always attributes.

    Returns
    -------
    Sensitivity

    Raises
    ------
    FringeError
        If the bounds do not fit, the network has neither maps nor a split, an image cannot be read,
        or the network returns NaN or infinity for an image.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023, Section 2.

    Examples
    --------
    >>> import torch
    >>> from fringe.networks import FeatureNetwork
    >>> from fringe.networks.base import Activations
    >>> from fringe.sources import PhotoSource
    >>> def forward(images):  # features are mean colours
    ...     maps = torch.nn.functional.avg_pool2d(images.float(), 8)
    ...     return Activations(maps.mean((2, 3)), None, maps)
    >>> network = FeatureNetwork("colours", 3, None, "", torch.device("cpu"), forward)
    >>> sources = [PhotoSource(20, 32, seed) for seed in (1, 2)]
    >>> real, generated = (
    ...     Gaussian.from_features(source.read(range(20)).mean((1, 2))) for source in sources
    ... )
    >>> found = measure_sensitivity(sources[1], network, 0, 10, real, generated, n=20)
    >>> len(found), found.maps.shape
    (10, (10, 4, 4))
    """
    import torch

    if not 0 <= first < last <= min(n, len(source)):
        raise FringeError(
            f"{source.name}: cannot make maps of images {first} to {last}, because FID is measured "
            f"on the first {n} of {len(source)} images; choose a range of these"
        )
    if first % batch_size:
        raise FringeError(
            f"{source.name}: image {first} is not the start of a batch of {batch_size}; give a "
            f"multiple of {batch_size}"
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
    """Return the explanation of only the first ``count`` images."""
    rows: dict[str, Any] = {
        name: None if part is None else part[:count] for name, part in found._asdict().items()
    }
    return found._replace(**rows)


def _joined(parts: list[np.ndarray | None], dtype: type) -> np.ndarray | None:
    present = [part for part in parts if part is not None]
    return np.concatenate(present).astype(dtype) if present else None
