"""HDF5 files with images of a data set or comparison for the explorer of a page.

There is one file for each data set that is resampled and for each comparison. Each array is an
HDF5 dataset with the name of the array. The dataset ``texts`` is JSON with all texts and single
numbers, because an attribute can have only 64 KB.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from fringe.errors import DamagedFileError
from fringe.files.hdf5 import create_h5, open_h5

__all__ = ["ClassTable", "Explorer", "Sprites", "read_explorer", "write_explorer"]


@dataclass(frozen=True, eq=False)
class Sprites:
    """Thumbnails in a few pictures: thumbnail i is in picture i // (rows * columns).

    Attributes
    ----------
    pictures : sequence of bytes
        WebP files, each with ``rows`` x ``columns`` thumbnails, row by row. The last picture may
        have fewer rows.
    size : int
        Width and height of a thumbnail in pixels.
    """

    pictures: Sequence[bytes]
    size: int
    rows: int
    columns: int


@dataclass(frozen=True, eq=False)
class ClassTable:
    """The C classes of the real images and the models.

    Attributes
    ----------
    numbers : int32 array (C,)
        The number of each class in its network, or of the label.
    names : sequence of C str
    shares : float64 array (C, 1 + M)
        The fraction of the real images that have the class, and of each model's images.
    contributions : float64 array (C,)
        First-order share of the class in the difference "last model minus first model" of FID, in
        units of FID. All images count, not only the shown images. NaN if there is only one model.
    """

    numbers: NDArray[np.int32]
    names: Sequence[str]
    shares: NDArray[np.float64]
    contributions: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Explorer:
    """n images in several groups, and M models.

    In a data set, a model is a way to draw images: at random, Top-1 matched, or with optimized
    weights. In a comparison, a model is a generator. A group is a set of images: the real images,
    or the images of a generator.

    Attributes
    ----------
    groups : sequence of str
        Titles of the groups, the real images first.
    models : sequence of str
        Titles of the M models.
    group : int8 array (n,)
        The index of each image's group in ``groups``.
    index : int64 array (n,)
        The number of each image in its source.
    sampled : bool array (n,)
        Whether the image is part of a random sample of its group. The sample is half of the shown
        images of the group; the other images were chosen because their weight or influence is
        extreme. If all images of a group are shown, all are sampled.
    classes : int32 array (n, 3) or None
        Indices in ``class_table.names`` of the three most probable classes, -1 if there are
        fewer; None if classes are not known.
    probabilities : float32 array (n, 3) or None
    weight : float32 array (n,)
        The optimized sampling weight of the image, as a multiple of the equal weight; NaN for real
        images and if there are no weights.
    influence : float32 array (n, M)
        The first-order change of each model's FID if the image is added once: psi divided by the
        model's count (`fringe.metrics.influence`). A real image is added to the real images.
    nearest : float32 array (n,)
        Distance to the nearest other real image in the features of FID's network.
    maps : uint8 array (n, h, w) or None
        Sensitivity maps, scaled from the smallest value (0) to the largest value (255) of the map;
        all 0 if the image has no map.
    map_ranges : float32 array (n, 2) or None
        The values of 0 and 255; NaN if the image has no map.
    sprites : Sprites
    class_table : ClassTable or None
    network : str
        Title of FID's network.
    counts : sequence of str
        The images behind the numbers, in words, such as "influence: 2,000 images drawn at random".
    seed : int
    """

    groups: Sequence[str]
    models: Sequence[str]
    group: NDArray[np.int8]
    index: NDArray[np.int64]
    sampled: NDArray[np.bool_]
    classes: NDArray[np.int32] | None
    probabilities: NDArray[np.float32] | None
    weight: NDArray[np.float32]
    influence: NDArray[np.float32]
    nearest: NDArray[np.float32]
    maps: NDArray[np.uint8] | None
    map_ranges: NDArray[np.float32] | None
    sprites: Sprites
    class_table: ClassTable | None
    network: str
    counts: Sequence[str]
    seed: int


# Arrays with a row for each image, and optional arrays.
_ROWS = ("group", "index", "sampled", "weight", "influence", "nearest")
_OPTIONAL = ("classes", "probabilities", "maps", "map_ranges")
_TEXTS = ("groups", "models", "network", "counts", "seed")
_GEOMETRY = ("size", "rows", "columns")
_TABLE = ("numbers", "shares", "contributions")


def write_explorer(
    path: str | os.PathLike[str],
    explorer: Explorer,
    provenance: Mapping[str, str | int | float] | None = None,
) -> None:
    """Write a file that `read_explorer` reads; the file appears when it is complete.

    Raises
    ------
    FringeError
        If the file cannot be written.
    """
    table, sprites = explorer.class_table, explorer.sprites
    texts: dict[str, Any] = {name: getattr(explorer, name) for name in _TEXTS}
    texts |= {name: list(texts[name]) for name in ("groups", "models", "counts")}
    texts["sprites"] = {name: getattr(sprites, name) for name in _GEOMETRY}
    if table is not None:
        texts["names"] = list(table.names)
    with create_h5(path, provenance or {}) as file:
        _write(file, "texts", np.frombuffer(json.dumps(texts).encode(), np.uint8))
        for name in (*_ROWS, *_OPTIONAL):
            values = getattr(explorer, name)
            if values is not None:
                _write(file, name, values)
        if table is not None:
            for name in _TABLE:
                _write(file, f"class_table/{name}", getattr(table, name))
        for number, picture in enumerate(sprites.pictures):
            _write(file, f"sprites/{number}", np.frombuffer(picture, np.uint8))


def _write(file: h5py.File, name: str, values: NDArray[Any]) -> None:
    file.create_dataset(name, data=values, fletcher32=True)


def read_explorer(path: str | os.PathLike[str]) -> Explorer:
    """Return the images that `write_explorer` wrote.

    Raises
    ------
    DamagedFileError
        If the file is missing, is damaged or has another content.
    """
    try:
        with open_h5(path) as file:
            found = _read(file)
        _check(found)
    except DamagedFileError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFileError(
            f"{path}: not a file of an explorer ({error}); delete it and run again to create it",
            path,
        ) from error
    return found


def _read(file: h5py.File) -> Explorer:
    texts = json.loads(file["texts"][()].tobytes())
    pictures = [file[f"sprites/{number}"][()].tobytes() for number in range(len(file["sprites"]))]
    table = None
    if "class_table" in file:
        arrays = {name: file[f"class_table/{name}"][()] for name in _TABLE}
        table = ClassTable(names=texts["names"], **arrays)
    parts: dict[str, Any] = {name: file[name][()] for name in _ROWS}
    parts |= {name: file[name][()] if name in file else None for name in _OPTIONAL}
    parts |= {name: texts[name] for name in _TEXTS}
    return Explorer(**parts, sprites=Sprites(pictures, **texts["sprites"]), class_table=table)


def _check(found: Explorer) -> None:
    """Raise a ValueError if the parts of an explorer do not fit together."""
    n, models, table, sprites = (
        len(found.group),
        len(found.models),
        found.class_table,
        found.sprites,
    )
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(_ROWS, (n,))
    shapes |= {"influence": (n, models), "classes": (n, 3), "probabilities": (n, 3)}
    shapes["map_ranges"] = (n, 2)
    for name, shape in shapes.items():
        values = getattr(found, name)
        if values is not None and values.shape != shape:
            raise ValueError(f"{name} has the shape {values.shape}, expected {shape}")
    if (found.maps is None) != (found.map_ranges is None):
        raise ValueError("it has only one of maps and map_ranges")
    if found.maps is not None and (found.maps.ndim != 3 or len(found.maps) != n):
        raise ValueError(f"maps have the shape {found.maps.shape}, expected a map for each of {n}")
    if n and not 0 <= found.group.min() <= found.group.max() < len(found.groups):
        raise ValueError("the group of an image does not exist")
    if -(-n // (sprites.rows * sprites.columns)) != len(sprites.pictures):
        raise ValueError(f"{len(sprites.pictures)} pictures do not fit {n} thumbnails")
    if found.classes is not None and table is None:
        raise ValueError("it has classes, but no table of classes")
    if table is not None:
        size = len(table.names)
        if (table.numbers.shape, table.contributions.shape) != ((size,), (size,)):
            raise ValueError(f"the table of {size} classes has another number of rows")
        if table.shares.shape != (size, 1 + models):
            raise ValueError(f"shares have the shape {table.shares.shape}")
        if (
            found.classes is not None
            and not -1 <= found.classes.min() <= found.classes.max() < size
        ):
            raise ValueError("an image has a class that is not in the table")
