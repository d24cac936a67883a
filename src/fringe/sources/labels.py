"""Labels of images, as StyleGAN's dataset tool keeps them: ``dataset.json`` in a ZIP or folder."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.files.parsing import parse_json
from fringe.sources.base import ImageSource
from fringe.sources.selection import Selection

__all__ = [
    "LABELS_FILE",
    "LARGEST_LABELS",
    "NAMES_KEY",
    "Labels",
    "classes",
    "labels_in",
    "labels_of",
    "names_in",
]

#: Its name, at the root of the data set.
LABELS_FILE = "dataset.json"

#: Its key with the names of classes, by number, which `fringe.sources.prepare` adds.
NAMES_KEY = "class_names"

LARGEST_CLASS = 1 << 20  # above all data sets: counts of classes must fit the memory

#: Bytes of the file: some 40 of each image, of which each becomes up to 25 in memory.
LARGEST_LABELS = 128 << 20

Labels = list[Any]


def labels_in(content: bytes, members: Sequence[str], name: str) -> Labels | None:
    """Return the label of each of ``members`` by a ``dataset.json``; None if it has no labels.

    Parameters
    ----------
    content : bytes
        ``{"labels": [["00000/img00000000.png", 6], ...]}``, or with null in place of the list. A
        label is whatever JSON can hold.
    members : sequence of str
        The names of the images.
    name : str
        What messages call the file.

    Raises
    ------
    FringeError
        If the file is of another form, or an image has no label.
    """
    try:
        pairs = parse_json(content).get("labels")
        if pairs is None or pairs == []:
            return None
        labels = {str(member): label for member, label in pairs}
    except (AttributeError, RecursionError, TypeError, ValueError) as error:
        raise FringeError(
            f"{name}: is not an object whose `labels` are pairs of a name and a label "
            f"({str(error)[:200]}); make it again, or set `labels` to null"
        ) from error
    plain = [member.replace("\\", "/") for member in members]  # as they are in ``dataset.json``
    unknown = next((member for member in plain if member not in labels), None)
    if unknown is not None:
        raise FringeError(
            f"{name}: has no label for {unknown}; add it, or set `labels` to null for images "
            "without labels"
        )
    return [labels[member] for member in plain]


def names_in(content: bytes, name: str) -> tuple[str, ...] | None:
    """Return the names of classes by number that a ``dataset.json`` states; None if it has none.

    Parameters
    ----------
    content : bytes
        What `labels_in` takes, with labels.
    name : str
        What messages call the file.

    Raises
    ------
    FringeError
        If they are not texts, each once.

    Examples
    --------
    >>> names_in(b'{"labels": [["a.png", 1]], "class_names": ["cat", "dog"]}', "dataset.json")
    ('cat', 'dog')
    """
    if f'"{NAMES_KEY}"'.encode() not in content:  # nothing is read twice where it has none
        return None
    stated = parse_json(content).get(NAMES_KEY)
    if stated is None:
        return None
    if not isinstance(stated, list) or not all(isinstance(one, str) for one in stated):
        raise FringeError(
            f"{name}: its `{NAMES_KEY}` are not a list of texts; give the name of each class in "
            "the order of their numbers, or drop the key"
        )
    if len(set(stated)) < len(stated):
        raise FringeError(
            f"{name}: its `{NAMES_KEY}` have one name twice; name each class once, or drop the key"
        )
    return tuple(stated)


def labels_of(source: ImageSource) -> Labels | None:
    """Return the label of each image of ``source``; None where images have none.

    Only ZIPs and folders with a ``dataset.json`` have labels.

    Raises
    ------
    FringeError
        As `labels_in` does, and if the file cannot be read.
    """
    if isinstance(source, Selection):
        labels = labels_of(source.source)
        return None if labels is None else [labels[index] for index in source.indices.tolist()]
    stored: Labels | None = getattr(source, "stored_labels", None)
    return stored


def classes(labels: Labels, name: str) -> npt.NDArray[np.int64]:
    """Return labels as the classes that they are.

    Raises
    ------
    FringeError
        If they are none.
    """
    try:
        found = np.array([operator.index(label) for label in labels], np.int64)
        if (found < 0).any() or (found > LARGEST_CLASS).any():
            raise ValueError(f"{int(found.min())} to {int(found.max())}")
    except (OverflowError, TypeError, ValueError) as error:
        raise FringeError(
            f"{name}!{LABELS_FILE}: its labels are not classes ({error}); classes are whole "
            "numbers from 0"
        ) from error
    return found
