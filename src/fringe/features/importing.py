"""Import of the features of another tool into a feature file of a run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fringe.files.hdf5 import create_h5
from fringe.networks import network_classes

if TYPE_CHECKING:
    from fringe.sources import GivenFeatures

__all__ = ["import_features"]

_CHUNK = 256  # rows per checksum


def import_features(
    source: GivenFeatures,
    network: str,
    path: str | os.PathLike[str],
    provenance: Mapping[str, str | int | float] | None = None,
) -> None:
    """Write a feature file of all images of a source of features, for `open_features`.

    The file is one shard of all images. The datasets are ``features`` (n, D) and, if the source has
    them, ``logits`` (n, C), both float32 with checksums, and ``labels`` (n,) int64. The attributes
    are ``first``, ``last``, ``network``, ``class_names`` (JSON) of logits, and ``provenance``.

    Parameters
    ----------
    source : GivenFeatures
    network : str
        The network whose features are written.
    path : path
        The file appears when it is complete, and replaces an earlier file of this name.
    provenance : mapping, optional
        Attributes for everything that the features depend on.

    Raises
    ------
    FringeError
        If the source cannot be read, or its features differ from its description.
    """
    rows = source.features_in(network)
    labels = source.classes()
    about = {**(provenance or {}), "first": 0, "last": len(source), "network": network}
    if "logits" in rows:
        numbers = tuple(map(str, range(rows["logits"].shape[1])))
        about["class_names"] = json.dumps(network_classes(network) or numbers)
    chunk = min(_CHUNK, len(source))
    with create_h5(path, about) as file:
        for space, values in rows.items():
            chunks = (chunk, values.shape[1])
            file.create_dataset(space, data=values, chunks=chunks, fletcher32=True)
        if labels is not None:
            file.create_dataset("labels", data=labels, fletcher32=True)
