"""Mean images and mean maps, of all images and of the images of a class (Figures 4b, 12, 15)."""

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

BLOCK = 50  # images that are read at a time
COLUMNS = ("count", "image", "sensitivity", "activation", "example")


@dataclass(frozen=True, eq=False)
class Group:
    """Means over ``count`` images. If ``count`` is 0, the means are NaN.

    Attributes
    ----------
    name : str
    count : int
        Number of images.
    image : float64 array (H, W, 3)
        Mean image, 0 to 255.
    sensitivity : float64 array (h, w)
        Mean sensitivity map.
    activation : float64 array (h, w), or None
        Mean Grad-CAM of each image's Top-1 class. None without classes.
    example : uint8 array (H, W, 3), or None
        The image whose map is most similar to all maps (`typical`). It shows a kind of image even
        if the images are not aligned and their mean is grey. 0 if ``count`` is 0; None in files of
        earlier versions.
    """

    name: str
    count: int
    image: np.ndarray
    sensitivity: np.ndarray
    activation: np.ndarray | None = None
    example: np.ndarray | None = None


def frequent_classes(found: Sensitivity, k: int) -> list[int]:
    """Return the k classes that are Top-1 of the most images, the most frequent class first.

    Parameters
    ----------
    found : Sensitivity
    k : int

    Returns
    -------
    list of int
        At most k numbers of classes. If classes are equally frequent, the lower number comes first.
        Empty if the network is not a classifier.

    Examples
    --------
    >>> classes = np.array([[7], [3], [7]])
    >>> found = Sensitivity(np.zeros((3, 2, 2)), np.zeros((8, 8, 3)), classes, None, None, {})
    >>> frequent_classes(found, k=2)
    [7, 3]
    """
    if found.classes is None:
        return []
    numbers, counts = np.unique(found.classes[:, 0], return_counts=True)
    order = np.lexsort((numbers, -counts))
    return [int(number) for number in numbers[order[:k]]]


def mean_groups(found: Sensitivity, source: ImageSource, classes: Sequence[int]) -> list[Group]:
    """Return the means over all images, and over the images of each Top-1 class [1]_.

    Maps are averaged without normalization, so images on which FID depends more count more.

    Parameters
    ----------
    found : Sensitivity
        Maps of the first images of ``source``.
    source : ImageSource
    classes : sequence of int
        Numbers of classes. A class that is Top-1 of no image gives a group without images.

    Returns
    -------
    list of Group

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023, Figures 4b, 12 and 15.

    Examples
    --------
    >>> from fringe.sources import PhotoSource
    >>> source = PhotoSource(3, 16, 1)
    >>> images = source.read(range(3))
    >>> maps = np.arange(12.0).reshape(3, 2, 2)
    >>> found = Sensitivity(maps, images.sum(0, dtype=float), None, None, None, {})
    >>> (group,) = mean_groups(found, source, [])
    >>> group.name, group.count, group.sensitivity.tolist()
    ('All images', 3, [[4.0, 5.0], [6.0, 7.0]])
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
    """Return the index of the map that is most similar to all maps (n, h, w).

    The similarity of two maps is the cosine of the angle between them, as vectors. The mean
    similarity to all maps counts. If several maps are equally similar, the first is returned.

    >>> typical(np.array([[[1.0, 0.0]], [[1.0, 1.0]], [[0.0, 1.0]]]))
    1
    """
    vectors = maps.reshape(len(maps), -1).astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    # Rounding makes the similarities of equal maps equal, so that the first map is returned.
    return int(np.argmax(np.round(vectors @ vectors.mean(axis=0), 12)))


def write_groups(
    path: str | os.PathLike[str],
    groups: Sequence[Group],
    provenance: Mapping[str, str | int | float],
) -> None:
    """Write a file for `read_groups`. The file appears when it is complete.

    Parameters
    ----------
    path : path
    groups : sequence of Group
    provenance : mapping
        Attributes of the file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> group = Group("All images", 3, np.zeros((8, 8, 3)), np.ones((2, 2)))
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "means.h5"
    ...     write_groups(path, [group], {"seed": 1})
    ...     [(g.name, g.count) for g in read_groups(path)]
    [('All images', 3)]
    """
    names = json.dumps([group.name for group in groups])
    with create_h5(path, {**provenance, "names": names}) as file:
        for key in COLUMNS:
            values = [getattr(group, key) for group in groups]
            if all(value is not None for value in values):
                file.create_dataset(key, data=np.array(values), fletcher32=True)


def read_groups(path: str | os.PathLike[str]) -> list[Group]:
    """Return the groups in a file of `write_groups`.

    Parameters
    ----------
    path : path

    Returns
    -------
    list of Group

    Raises
    ------
    FringeError
        If the file is missing, damaged or contains other data.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "means.h5"
    ...     write_groups(path, [Group("cats", 3, np.zeros((8, 8, 3)), np.ones((2, 2)))], {})
    ...     (group,) = read_groups(path)
    >>> group.name, group.sensitivity.tolist()
    ('cats', [[1.0, 1.0], [1.0, 1.0]])
    """
    with open_h5(path) as file:
        if "names" not in file.attrs:
            raise FringeError(f"{path}: contains no mean maps; delete the file and run again")
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
