"""Features of a range of images, written as they come."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import closing
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from fringe.errors import FringeError
from fringe.features.finite import require_finite_rows
from fringe.files.hdf5 import create_h5
from fringe.sources.decoder_warnings import as_attributes, collected_warnings, tell
from fringe.sources.prefetch import batches, filled_up

if TYPE_CHECKING:
    from fringe.networks import FeatureNetwork
    from fringe.sources import ImageSource

__all__ = ["activations", "extract_shard"]


def extract_shard(
    source: ImageSource,
    network: FeatureNetwork,
    first: int,
    last: int,
    path: str | os.PathLike[str],
    *,
    batch_size: int = 32,
    workers: int = 0,
    provenance: Mapping[str, str | int | float] | None = None,
) -> None:
    """Write the features of images ``first`` to ``last - 1`` of ``source`` to an HDF5 file.

    Datasets: ``features`` (n, D) float32 and, for a classifier, ``logits`` (n, C) float32, in
    chunks of one batch with checksums. Attributes: ``first``, ``last``, ``batch_size``,
    ``network``, ``weights_sha256``, ``torch``, ``class_names`` (JSON) of a classifier, those that
    the network states (a model of timm: ``timm``, its version, and ``pooling``), ``provenance``,
    ``warned`` (the number of images that a decoder warned of) and ``first_warned`` (JSON: pairs of
    a name and a message, of the first few).

    Batch k always holds images k * batch_size to (k + 1) * batch_size - 1 and is always full (the
    last one is filled up with its last image), so a row does not depend on the shard it is in, on
    the number of workers or on what else is extracted. Memory does not grow with n.

    Parameters
    ----------
    source : ImageSource
    network : FeatureNetwork
    first, last : int
        ``first`` must be a multiple of ``batch_size``, and so must ``last`` unless it is the end of
        the source.
    path : path
        Appears when it is whole; an earlier file of that name is replaced.
    batch_size : int
        Images that go through the network at once.
    workers : int
        Processes that decode images; 0 decodes in threads of this one, as many as PyTorch may
        compute with.
    provenance : mapping, optional
        What else the features depend on; becomes attributes.

    Raises
    ------
    FringeError
        If the bounds do not fit, an image cannot be read, or a feature is NaN or infinite.
    """
    if batch_size < 1:
        raise FringeError(f"batch size {batch_size} is below 1; give a positive number of images")
    if not 0 <= first < last <= len(source):
        raise FringeError(
            f"{source.name}: images {first} to {last} asked for, but there are {len(source)}"
        )
    if first % batch_size or (last % batch_size and last != len(source)):
        raise FringeError(
            f"{source.name}: shard bounds {first} and {last} must be multiples of the batch size "
            f"{batch_size} (or the end, {len(source)}); choose a shard size that is"
        )
    bounds = [(k, min(k + batch_size, last)) for k in range(first, last, batch_size)]
    about = {
        **(provenance or {}),
        # A network of somebody's own need not be a FeatureNetwork.
        **getattr(network, "attributes", {}),
        "first": first,
        "last": last,
        "batch_size": batch_size,
        "network": network.name,
        "weights_sha256": network.weight_file_sha256,
        "torch": version("torch"),
    }
    widths = {"features": network.feature_dim}
    if network.class_names is not None:
        widths["logits"] = len(network.class_names)
        about["class_names"] = json.dumps(network.class_names)
    title = f"{network.name} features of {source.name}"
    with (
        create_h5(path, about) as file,
        closing(batches(source, bounds, title, batch_size=batch_size, workers=workers)) as reading,
        collected_warnings() as warned,
    ):
        datasets = {
            space: file.create_dataset(
                space,
                (last - first, width),
                "f4",
                chunks=(min(batch_size, last - first), width),
                fletcher32=True,
            )
            for space, width in widths.items()
        }
        for start, stop, images in reading:
            rows = activations(source, network, images, start, batch_size)
            for space, dataset in datasets.items():
                dataset[start - first : stop - first] = rows[space]
        file.attrs.update(as_attributes(warned))
    tell(source.name, warned, last - first)


def activations(
    source: ImageSource,
    network: FeatureNetwork,
    images: np.ndarray,
    start: int,
    batch_size: int,
) -> dict[str, np.ndarray]:
    """Return float32 ``features`` (k, D) and, of a classifier, ``logits`` (k, C) of one batch.

    Parameters
    ----------
    source : ImageSource
        Where the images come from; named in errors.
    network : FeatureNetwork
    images : uint8 array (k, H, W, 3)
        k <= ``batch_size``; the network sees a full batch, filled up with the last image.
    start : int
        The index of the first image.

    Raises
    ------
    FringeError
        If a number is NaN or infinite.
    """
    import torch

    batch = filled_up(images, batch_size)
    result = network(torch.from_numpy(batch).permute(0, 3, 1, 2))
    rows = {"features": result.features.cpu().numpy()}
    if result.logits is not None:
        rows["logits"] = result.logits.cpu().numpy()
    rows = {space: values[: len(images)] for space, values in rows.items()}
    for space, values in rows.items():
        require_finite_rows(
            values, space, network.name, lambda row: f"{source.name}: image {start + row}"
        )
    return rows
