"""Extraction of the features of a range of images, batch by batch."""

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
from fringe.sources.decoder_warnings import as_attributes, collected_warnings, log_summary
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

    The datasets are ``features`` (n, D) float32 and, for a classifier, ``logits`` (n, C) float32,
    in chunks of one batch with checksums. The attributes are ``first``, ``last``, ``batch_size``,
    ``network``, ``weights_sha256``, ``torch``, for a classifier ``class_names`` (JSON), attributes
    of the network (for a timm model: ``timm``, the version, and ``pooling``), ``provenance``,
    ``warned`` (the number of images with a warning of the decoder) and ``first_warned`` (JSON:
    pairs of a name and a message, for the first few of these images).

    Batch k always contains the images k * batch_size to (k + 1) * batch_size - 1 and is always full
    (the last batch is filled with its last image). So a row does not depend on the shard, on the
    number of workers or on other extractions. Memory does not grow with n.

    Parameters
    ----------
    source : ImageSource
    network : FeatureNetwork
    first, last : int
        ``first`` must be a multiple of ``batch_size``. ``last`` must be a multiple of
        ``batch_size``, or the end of the source.
    path : path
        The file appears when it is complete, and replaces an earlier file of this name.
    batch_size : int
        Number of images that pass through the network at a time.
    workers : int
        Number of processes that decode images. 0 decodes in threads of this process, as many as
        PyTorch may use.
    provenance : mapping, optional
        Attributes for everything else that the features depend on.

    Raises
    ------
    FringeError
        If the bounds do not fit, an image cannot be read, or a feature is NaN or infinite.
    """
    if batch_size < 1:
        raise FringeError(f"batch size {batch_size} is below 1; give a positive number of images")
    if not 0 <= first < last <= len(source):
        raise FringeError(
            f"{source.name}: cannot extract images {first} to {last}; give a range within its "
            f"{len(source)} images"
        )
    if first % batch_size or (last % batch_size and last != len(source)):
        raise FringeError(
            f"{source.name}: shard bounds {first} and {last} must be multiples of the batch size "
            f"{batch_size} (or the end, {len(source)}); choose such a shard size"
        )
    bounds = [(k, min(k + batch_size, last)) for k in range(first, last, batch_size)]
    about = {
        **(provenance or {}),
        # A user's network need not be a FeatureNetwork.
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
    log_summary(source.name, warned, last - first)


def activations(
    source: ImageSource,
    network: FeatureNetwork,
    images: np.ndarray,
    start: int,
    batch_size: int,
) -> dict[str, np.ndarray]:
    """Return float32 ``features`` (k, D) and, for a classifier, ``logits`` (k, C) of one batch.

    Parameters
    ----------
    source : ImageSource
        The source of the images, which messages name.
    network : FeatureNetwork
    images : uint8 array (k, H, W, 3)
        k <= ``batch_size``. The batch is filled with its last image, so that it is always full.
    start : int
        The index of the first image.
    batch_size : int

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
