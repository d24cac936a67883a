"""Files of the sensitivity maps of n images, in the order of their source.

The datasets are ``maps`` (n, h, w) float32 and ``image_sum`` (H, W, 3) float64, the sum of all
images. If the network is a classifier, the file also contains the most probable ``classes`` (n, 3)
int32, their ``probabilities`` (n, 3) float32, and ``activations`` (n, h, w) float32, Grad-CAM of
the most probable class. Maps are small (8 x 8 for Inception), so shards are joined by copying.
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
    """The content of a file of sensitivity maps, for n images.

    Attributes
    ----------
    maps : float32 array (n, h, w)
    image_sum : float64 array (H, W, 3)
        The sum of all images.
    classes : int32 array (n, 3), or None
        The most probable classes. None if the network is not a classifier.
    probabilities : float32 array (n, 3), or None
        The probabilities of ``classes``.
    activations : float32 array (n, h, w), or None
        Grad-CAM of the most probable class.
    attributes : mapping
        Provenance, and the range of images from ``first`` to ``last`` - 1.
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
        """Names of the classes by number, or None if the network is not a classifier."""
        names = self.attributes.get("class_names")
        return None if names is None else tuple(json.loads(names))

    def predictions(self, index: int) -> list[tuple[str, float]]:
        """Return the names and probabilities of the most probable classes of an image."""
        if self.classes is None or self.probabilities is None or self.class_names is None:
            return []
        pairs = zip(self.classes[index], self.probabilities[index], strict=True)
        return [(self.class_names[number], float(share)) for number, share in pairs]


def write_sensitivity(path: str | os.PathLike[str], found: Sensitivity) -> None:
    """Write a file for `read_sensitivity`. The file appears when it is complete.

    Parameters
    ----------
    path : path
    found : Sensitivity

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> found = Sensitivity(np.ones((3, 8, 8)), np.zeros((64, 64, 3)), None, None, None, {"n": 3})
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "maps.h5"
    ...     write_sensitivity(path, found)
    ...     read_sensitivity(path).maps.shape
    (3, 8, 8)
    """
    with create_h5(path, dict(found.attributes)) as file:
        for name in (*ROWS, "image_sum"):
            values = getattr(found, name)
            if values is not None:
                file.create_dataset(name, data=values, fletcher32=True)


def read_sensitivity(path: str | os.PathLike[str]) -> Sensitivity:
    """Return the content of a file of `write_sensitivity`.

    Parameters
    ----------
    path : path

    Returns
    -------
    Sensitivity

    Raises
    ------
    FringeError
        If the file is missing, damaged or contains other data.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> found = Sensitivity(np.ones((3, 8, 8)), np.zeros((64, 64, 3)), None, None, None, {"n": 3})
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "maps.h5"
    ...     write_sensitivity(path, found)
    ...     read = read_sensitivity(path)
    >>> len(read), read.predictions(0), int(read.attributes["n"])
    (3, [], 3)
    """
    with open_h5(path) as file:
        if "maps" not in file or "image_sum" not in file:
            raise FringeError(
                f"{path}: contains no sensitivity maps; delete the file and run again"
            )
        rows: dict[str, Any] = {name: file[name][()] if name in file else None for name in ROWS}
        return Sensitivity(**rows, image_sum=file["image_sum"][()], attributes=attributes(file))


def join_shards(shards: Sequence[str | os.PathLike[str]]) -> Sensitivity:
    """Return the maps of all images of several files, in the order of the files.

    Parameters
    ----------
    shards : sequence of paths
        Files of `write_sensitivity`.

    Returns
    -------
    Sensitivity

    Raises
    ------
    FringeError
        If a file is missing or damaged, or images are left out or repeated.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     paths = [Path(folder) / name for name in ("0.h5", "1.h5")]
    ...     for k, path in enumerate(paths):
    ...         range_of_images = {"first": 3 * k, "last": 3 * k + 3}
    ...         maps, image_sum = np.full((3, 8, 8), k), np.zeros((64, 64, 3))
    ...         write_sensitivity(
    ...             path, Sensitivity(maps, image_sum, None, None, None, range_of_images)
    ...         )
    ...     joined = join_shards(paths)
    >>> joined.maps[:, 0, 0].tolist(), joined.attributes["last"]
    ([0, 0, 0, 1, 1, 1], 6)
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
