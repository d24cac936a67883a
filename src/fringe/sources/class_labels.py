"""The class of each image of a source, from stored labels or from folders named after classes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.sources.base import EncodedSource, ImageSource, digest
from fringe.sources.cifar import CifarSource
from fringe.sources.class_rules import RealClasses
from fringe.sources.diffusion import DiffusionSource
from fringe.sources.feature_arrays import read_contents
from fringe.sources.function import FunctionSource
from fringe.sources.generated import GeneratedSource
from fringe.sources.given_features import GivenFeatures
from fringe.sources.hdf5 import Hdf5Source
from fringe.sources.labels import LABELS_FILE, Labels, classes, labels_of
from fringe.sources.npz import NpzSource
from fringe.sources.parquet import ParquetSource
from fringe.sources.selection import Selection
from fringe.sources.suffixes import printable
from fringe.sources.tar import TarSource

__all__ = [
    "ClassLabels",
    "KnownLabels",
    "class_counts",
    "class_labels",
    "kept_labels",
    "known_labels",
]

#: Part of every identity: raise it when the same source gives other labels.
REVISION = 1

_ARRAYS = {NpzSource: ("arr_1", "labels"), Hdf5Source: ("labels",)}
_IN_A_FOLDER = 1000  # images that tools put into each numbered folder


class ClassLabels(NamedTuple):
    """The class of each image of a source.

    Attributes
    ----------
    values : int array (n,)
        Class numbers, which index ``names``.
    names : tuple of str, or None
        Names of the classes; None if they have no names.
    numbered : bool
        Whether the files state ``values``. Otherwise ``values`` only index ``names``, which are the
        sorted names of the classes of all images in the files.
    """

    values: npt.NDArray[np.int64]
    names: tuple[str, ...] | None
    numbered: bool = True


class KnownLabels(NamedTuple):
    """Properties of a source's labels that are known before a run.

    Attributes
    ----------
    identity : str
        Hex SHA-256 that changes when a label changes.
    names : frozenset of str, or None
        Names of the classes of the images; None if classes have no names.
    numbers : frozenset of int, or None
        Numbers of the classes of the images. None if files only state names, and for a generator,
        which must be loaded first.
    """

    identity: str
    names: frozenset[str] | None
    numbers: frozenset[int] | None


def class_labels(source: ImageSource) -> ClassLabels | None:
    """Return the class of each image of ``source``, in order; None without classes.

    * ZIP and folder: the labels in ``dataset.json``, with the names in its ``class_names``; tar:
      the ``.cls`` of each sample. Otherwise the name of the folder that contains an image, if all
      these folders are in one folder;
    * NPZ: the array ``arr_1`` (the format of guided-diffusion) or ``labels``; HDF5: ``labels``;
    * CIFAR's archives: the byte before the pixels, with the names in the archive;
    * Parquet: the column ``label``, or ``label_column`` of the source, with the names in its
      schema;
    * generator: the class requested for each image. This loads the generator if classes are drawn
      from all its classes;
    * function: the values returned by its attribute ``classes``, with the names in ``class_names``;
    * features: the array ``labels`` or ``classes``.

    Raises
    ------
    FringeError
        If labels cannot be read or are not classes, their number differs from the number of images,
        or folders are not in one folder.
    """
    if isinstance(source, Selection):
        found = class_labels(source.source)
        return None if found is None else found._replace(values=found.values[source.indices])
    if isinstance(source, GeneratedSource | DiffusionSource):
        return _numbered(source.classes())
    if isinstance(source, GivenFeatures):
        return _numbered(source.classes())
    if isinstance(source, FunctionSource):
        made = _numbered(source.classes())
        return None if made is None else _named(made, source.class_names())
    if isinstance(source, NpzSource | Hdf5Source):
        return _numbered(_in_arrays(source))
    if isinstance(source, ParquetSource):
        return _in_a_column(source)
    if isinstance(source, CifarSource):
        return ClassLabels(source.labels, source.class_names)
    if isinstance(source, TarSource) and (stated := source.stored_classes()) is not None:
        return _numbered(stated)
    if not isinstance(source, EncodedSource) or not source.members:
        return None
    labels: Labels | None = labels_of(source)
    if labels is not None:
        found = ClassLabels(classes(labels, source.name), None)
        return _named(found, getattr(source, "stored_class_names", None))
    return _in_folders([name.replace("\\", "/") for name in source.members], source.name)


def known_labels(source: ImageSource) -> KnownLabels | None:
    """Return the `KnownLabels` of ``source`` before a run; None without labels.

    This does not load a generator.

    Raises
    ------
    FringeError
        As `class_labels` does.
    """
    if isinstance(source, GeneratedSource | DiffusionSource):
        if source.label is None:
            return None
        return KnownLabels(digest(["made", REVISION, source.fingerprint]), None, None)
    found = class_labels(source)
    if found is None:
        return None
    present = np.unique(found.values).tolist()
    names = found.names
    if names is not None and found.numbered:
        names = tuple(names[number] for number in present)
    numbers = frozenset(present) if found.numbered else None
    identity = digest(["labels", REVISION, found.names, found.values.tolist()])
    return KnownLabels(identity, None if names is None else frozenset(names), numbers)


def _numbered(values: npt.NDArray[np.integer[Any]] | None) -> ClassLabels | None:
    return None if values is None else ClassLabels(values.astype(np.int64), None)


def class_counts(source: ImageSource) -> RealClasses:
    """Return the number of images of ``source`` per class, for ``label: dataset``.

    Raises
    ------
    FringeError
        As `class_labels` does, and if images have no labels.
    """
    found = class_labels(source)
    if found is None:
        raise FringeError(
            f"{source.name}: has no labels, whose frequencies `label: dataset` uses; give labels "
            f"in `{LABELS_FILE}`, in a folder for each class, in `arr_1` of an NPZ or in a column "
            "of Parquet (docs/formats.md)"
        )
    count = 0 if found.numbered or found.names is None else len(found.names)
    return RealClasses(np.bincount(found.values, minlength=count).astype(np.int64), found.numbered)


def kept_labels(source: ImageSource) -> tuple[Labels | None, tuple[str, ...] | None]:
    """Return the label of each image for a ``dataset.json``, and the names of classes.

    The labels are those of `class_labels`, or any values of a ``dataset.json`` that are not
    classes. Folders count as classes if there are several, all in one folder, and if they are not
    folders of numbered images. Their classes are numbered in the order of their names, like those
    of EDM's dataset tool (``dataset_tool.py``). Otherwise images in folders have no labels.

    Returns
    -------
    labels : list, or None
        None without labels.
    names : tuple of str, or None
        Names of the classes, by number.

    Raises
    ------
    FringeError
        If labels cannot be read or are not classes.
    """
    whole = source
    while isinstance(whole, Selection):
        whole = whole.source
    stated = labels_of(source)
    if stated is not None:
        return stated, getattr(whole, "stored_class_names", None)
    by_folder = isinstance(whole, EncodedSource) and bool(whole.members)
    if isinstance(whole, TarSource):
        by_folder = whole.stored_classes() is None
    try:
        found = class_labels(source)
    except FringeError:
        if by_folder:
            return None, None  # folders that are not classes, while no labels were stated
        raise
    if found is None or (by_folder and (found.names is None or len(found.names) < 2)):
        return None, None
    return found.values.tolist(), found.names


def _named(found: ClassLabels, names: tuple[str, ...] | None) -> ClassLabels:
    """Add names to labels if there is a name for each number."""
    if names is None or not len(found.values) or found.values.max() >= len(names):
        return found
    return found._replace(names=names)


def _in_a_column(source: ParquetSource) -> ClassLabels | None:
    """Return labels from a column of Parquet, with names if there is a name for each number."""
    found = _numbered(source.stored_classes())
    return None if found is None else _named(found, source.class_names())


def _in_arrays(source: NpzSource | Hdf5Source) -> npt.NDArray[np.int64] | None:
    """Return the labels in the file of an array of images."""
    keys = _ARRAYS[type(source)]
    arrays = read_contents(source.path, keys).arrays
    found = [arrays[key] for key in keys if key in arrays]
    if len(found) > 1:
        raise FringeError(
            f"{source.name}: holds both {' and '.join(f'`{key}`' for key in keys)}, and both may "
            "be the labels; remove one of them"
        )
    if not found:
        return None
    (labels,) = found
    labels.require_labels()
    if len(labels) != source.shape[0]:
        raise FringeError(
            f"{labels.name}: has {len(labels)} labels, but the file has {source.shape[0]} images; "
            "give one label for each image"
        )
    rows = labels.read(np.arange(len(labels)), labels.digest(source.cache))
    return rows[: len(source)]


def _in_folders(members: Sequence[str], name: str) -> ClassLabels | None:
    """Return the folders of images as classes; they must be in one folder. None without folders."""
    places = [PurePosixPath(member).parent for member in members]
    first, top = places[0], PurePosixPath()
    if all(place == top for place in places):
        return None
    for place in places:
        if place.parent != first.parent or (place == top) != (first == top):
            raise FringeError(
                f"{printable(name)}: images are in {printable(str(first))}/ and in "
                f"{printable(str(place))}/, whose parent folders differ; give each class a "
                "folder, and put these folders into one folder"
            )
    if all(map(_is_numbered, members)):
        raise FringeError(
            f"{printable(name)}: its folders ({printable(first.name)}, ...) hold images in the "
            f"order of their numbers, {_IN_A_FOLDER} each, and are not classes; give labels in "
            "`dataset.json`, or a folder for each class"
        )
    names = tuple(sorted({place.name for place in places}))
    numbers = {label: number for number, label in enumerate(names)}
    return ClassLabels(np.array([numbers[place.name] for place in places], np.int64), names, False)


def _is_numbered(member: str) -> bool:
    """Return whether an image is in a numbered folder that follows from the image's own number.

    Examples are the images of StyleGAN's dataset tool (``00001/img00001234.png``) and of FFHQ
    (``01000/01234.png``).
    """
    found = re.fullmatch(r"(?:.*/)?(\d{5})/(?:img)?(\d{5,8})\.\w+", member)
    if found is None:
        return False
    folder, number = map(int, found.groups())
    group = number // _IN_A_FOLDER
    return folder in (group, _IN_A_FOLDER * group)
