"""Mean images and mean maps, over all images and over those of one class (Figures 4b, 12, 15)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fringe.errors import FringeError
from fringe.files.hdf5 import create_h5, open_h5
from fringe.progress import progress
from fringe.sensitivity.store import Sensitivity

if TYPE_CHECKING:
    from fringe.sources import ImageSource

__all__ = ["Group", "frequent_classes", "mean_groups", "read_groups", "write_groups"]

BLOCK = 50  # images read at a time
COLUMNS = ("count", "image", "sensitivity", "activation", "example")


@dataclass(frozen=True, eq=False)
class Group:
    """Means over ``count`` images.

    ``image`` (H, W, 3), 0 to 255; ``sensitivity`` (h, w); ``activation`` (h, w), Grad-CAM of each
    image's Top-1 class, or None without classes. All float64; NaN where ``count`` is 0.

    ``example`` (H, W, 3) uint8 is one of the images: that whose map is most like the others'
    (`typical`). A mean of images that do not align is grey, and this image is not. It is 0 where
    ``count`` is 0, and None in files of earlier versions.
    """

    name: str
    count: int
    image: np.ndarray
    sensitivity: np.ndarray
    activation: np.ndarray | None = None
    example: np.ndarray | None = None


def frequent_classes(found: Sensitivity, k: int) -> list[int]:
    """Return the (at most) k classes that are Top-1 of most images; of equals the lower number.

    None where the network is no classifier.
    """
    if found.classes is None:
        return []
    numbers, counts = np.unique(found.classes[:, 0], return_counts=True)
    order = np.lexsort((numbers, -counts))
    return [int(number) for number in numbers[order[:k]]]


def mean_groups(found: Sensitivity, source: ImageSource, classes: Sequence[int]) -> list[Group]:
    """Return the means over all images, then over those whose Top-1 is each of ``classes``.

    Maps are averaged as they are, so an image counts the more the more FID depends on it.

    Parameters
    ----------
    found : Sensitivity
        Of the first images of ``source``.
    source : ImageSource
    classes : sequence of int
        Numbers of classes; one that is Top-1 of no image gives a group without images.
    """
    everything = np.arange(len(found))
    groups = [_group(found, source, "All images", everything, found.image_sum)]
    for number in classes:
        assert found.classes is not None
        assert found.class_names is not None
        rows = np.flatnonzero(found.classes[:, 0] == number)
        name = found.class_names[number]
        groups.append(_group(found, source, name, rows, _sum_of(source, rows, name)))
    return groups


def typical(maps: np.ndarray) -> int:
    """Return the number of the map that is most like all maps (n, h, w); the first one of equals.

    Likeness is the cosine of the angle between two maps, as vectors. The mean over all maps counts.

    >>> typical(np.array([[[1.0, 0.0]], [[1.0, 1.0]], [[0.0, 1.0]]]))
    1
    """
    vectors = maps.reshape(len(maps), -1).astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    # Rounding keeps equal maps equal, so that the first one is taken.
    return int(np.argmax(np.round(vectors @ vectors.mean(axis=0), 12)))


def write_groups(
    path: str | os.PathLike[str],
    groups: Sequence[Group],
    provenance: Mapping[str, str | int | float],
) -> None:
    """Write a file that `read_groups` reads; it appears when it is whole."""
    names = json.dumps([group.name for group in groups])
    with create_h5(path, {**provenance, "names": names}) as file:
        for key in COLUMNS:
            values = [getattr(group, key) for group in groups]
            if all(value is not None for value in values):
                file.create_dataset(key, data=np.array(values), fletcher32=True)


def read_groups(path: str | os.PathLike[str]) -> list[Group]:
    """Return what `write_groups` wrote.

    Raises
    ------
    FringeError
        If the file is missing, damaged or holds something else.
    """
    with open_h5(path) as file:
        if "names" not in file.attrs:
            raise FringeError(f"{path}: holds no mean maps; delete it and run again")
        names = json.loads(file.attrs["names"])
        columns = {key: file[key][()] for key in COLUMNS if key in file}
    groups = []
    for row, name in enumerate(names):
        means: dict[str, Any] = {key: values[row] for key, values in columns.items()}
        means["count"] = int(means["count"])
        groups.append(Group(name, **means))
    return groups


def _group(
    found: Sensitivity, source: ImageSource, name: str, rows: np.ndarray, image_sum: np.ndarray
) -> Group:
    def mean(maps: np.ndarray) -> np.ndarray:
        return over_rows(maps[rows].sum(axis=0, dtype=np.float64))

    def over_rows(total: np.ndarray) -> np.ndarray:
        return total / len(rows) if len(rows) else np.full(total.shape, np.nan)

    activation = None if found.activations is None else mean(found.activations)
    example = np.zeros((*source.resolution, 3), np.uint8)
    if len(rows):
        example = source.read(rows[[typical(found.maps[rows])]])[0]
    return Group(name, len(rows), over_rows(image_sum), mean(found.maps), activation, example)


def _sum_of(source: ImageSource, rows: np.ndarray, name: str) -> np.ndarray:
    total = np.zeros((*source.resolution, 3))
    starts = range(0, len(rows), BLOCK)
    for start in progress(starts, f"images of {name}", total=len(rows), unit="images", step=BLOCK):
        total += source.read(rows[start : start + BLOCK]).sum(axis=0, dtype=np.float64)
    return total
