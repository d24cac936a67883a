"""Files of sensitivity maps: what a network looks at in each image of a set.

Datasets, n images in the order of their source: ``maps`` (n, h, w) float32; of a classifier also
``classes`` (n, 3) int32 and ``probabilities`` (n, 3) float32, the most probable ones, and
``activations`` (n, h, w) float32, Grad-CAM of the first of them. ``image_sum`` (H, W, 3) float64 is
the sum of all images. Maps are small (8 x 8 for Inception), so shards are joined by copying.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fringe.errors import FringeError
from fringe.files.hdf5 import attributes, create_h5, open_h5

__all__ = ["Sensitivity", "join_shards", "read_sensitivity", "write_sensitivity"]

ROWS = ("maps", "classes", "probabilities", "activations")


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """What a file of sensitivity maps holds; see the module for shapes.

    ``attributes`` are provenance, and ``first`` and ``last``, the images it holds.
    """

    maps: np.ndarray
    image_sum: np.ndarray
    classes: np.ndarray | None
    probabilities: np.ndarray | None
    activations: np.ndarray | None
    attributes: Mapping[str, Any]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.maps)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes by number; None where the network is no classifier."""
        names = self.attributes.get("class_names")
        return None if names is None else tuple(json.loads(names))

    def predictions(self, index: int) -> list[tuple[str, float]]:
        """Return the most probable classes of an image, by name, with their probabilities."""
        if self.classes is None or self.probabilities is None or self.class_names is None:
            return []
        pairs = zip(self.classes[index], self.probabilities[index], strict=True)
        return [(self.class_names[number], float(share)) for number, share in pairs]


def write_sensitivity(path: str | os.PathLike[str], found: Sensitivity) -> None:
    """Write a file that `read_sensitivity` reads; it appears when it is whole."""
    with create_h5(path, dict(found.attributes)) as file:
        for name in (*ROWS, "image_sum"):
            values = getattr(found, name)
            if values is not None:
                file.create_dataset(name, data=values, fletcher32=True)


def read_sensitivity(path: str | os.PathLike[str]) -> Sensitivity:
    """Return what is in a file of sensitivity maps.

    Raises
    ------
    FringeError
        If it is missing, damaged or holds something else.
    """
    with open_h5(path) as file:
        if "maps" not in file or "image_sum" not in file:
            raise FringeError(f"{path}: holds no sensitivity maps; delete it and run again")
        rows: dict[str, Any] = {name: file[name][()] if name in file else None for name in ROWS}
        return Sensitivity(**rows, image_sum=file["image_sum"][()], attributes=attributes(file))


def join_shards(shards: Sequence[str | os.PathLike[str]]) -> Sensitivity:
    """Return the maps of all images of several files, in the order of the files.

    Raises
    ------
    FringeError
        If one is missing or damaged, or images are left out or repeated.
    """
    parts = [read_sensitivity(path) for path in shards]
    end = 0
    for path, part in zip(shards, parts, strict=True):
        if part.attributes["first"] != end:
            raise FringeError(
                f"{path}: starts at image {part.attributes['first']}, expected {end}; "
                "give every shard once, in order"
            )
        end = part.attributes["last"]
    columns = {name: [getattr(part, name) for part in parts] for name in ROWS}
    rows: dict[str, Any] = {
        name: None if values[0] is None else np.concatenate(values)
        for name, values in columns.items()
    }
    return Sensitivity(
        **rows,
        image_sum=np.sum([part.image_sum for part in parts], axis=0),
        attributes={**_shared([part.attributes for part in parts]), "first": 0, "last": end},
    )


def _shared(several: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the attributes that are equal in all shards."""
    first, *others = several
    return {
        key: value
        for key, value in first.items()
        if all(key in other and other[key] == value for other in others)
    }
