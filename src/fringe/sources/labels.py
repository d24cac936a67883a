"""Labels of images in a ``dataset.json``, the format of StyleGAN's dataset tool."""

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

#: Name of the file, at the root of the data set.
LABELS_FILE = "dataset.json"

#: Key of the names of classes, by number, which `fringe.sources.prepare` adds.
NAMES_KEY = "class_names"

LARGEST_CLASS = 1 << 20  # more than in any data set: counts of classes must fit into memory

#: Most bytes of the file: about 40 per image; each byte takes up to 25 bytes of memory.
LARGEST_LABELS = 128 << 20

Labels = list[Any]


def labels_in(content: bytes, members: Sequence[str], name: str) -> Labels | None:
    """Return the label of each of ``members`` in a ``dataset.json``; None if it has no labels.

    Parameters
    ----------
    content : bytes
        ``{"labels": [["00000/img00000000.png", 6], ...]}``, or with null instead of the list. A
        label is any JSON value.
    members : sequence of str
        The names of the images.
    name : str
        Name of the file in messages.

    Raises
    ------
    FringeError
        If the file has another structure, or an image has no label.
    """
    try:
        pairs = parse_json(content).get("labels")
        if pairs is None or pairs == []:
            return None
        labels = {str(member): label for member, label in pairs}
    except (AttributeError, RecursionError, TypeError, ValueError) as error:
        raise FringeError(
            f"{name}: is not an object whose `labels` are pairs of a name and a label "
            f"({str(error)[:200]}); create it again, or set `labels` to null"
        ) from error
    plain = [member.replace("\\", "/") for member in members]  # as in ``dataset.json``
    unknown = next((member for member in plain if member not in labels), None)
    if unknown is not None:
        raise FringeError(
            f"{name}: has no label for {unknown}; add it, or set `labels` to null for images "
            "without labels"
        )
    return [labels[member] for member in plain]


def names_in(content: bytes, name: str) -> tuple[str, ...] | None:
    """Return the names of classes, by number, in a ``dataset.json``; None if it has none.

    Parameters
    ----------
    content : bytes
        As for `labels_in`, with labels.
    name : str
        Name of the file in messages.

    Raises
    ------
    FringeError
        If the names are not distinct strings.

    Examples
    --------
    >>> names_in(b'{"labels": [["a.png", 1]], "class_names": ["cat", "dog"]}', "dataset.json")
    ('cat', 'dog')
    """
    if f'"{NAMES_KEY}"'.encode() not in content:  # do not parse the file again if it has no names
        return None
    stated = parse_json(content).get(NAMES_KEY)
    if stated is None:
        return None
    if not isinstance(stated, list) or not all(isinstance(text, str) for text in stated):
        raise FringeError(
            f"{name}: its `{NAMES_KEY}` are not a list of strings; give the name of each class in "
            "the order of their numbers, or remove the key"
        )
    if len(set(stated)) < len(stated):
        raise FringeError(
            f"{name}: its `{NAMES_KEY}` contain a name twice; name each class once, or remove the "
            "key"
        )
    return tuple(stated)


def labels_of(source: ImageSource) -> Labels | None:
    """Return the label of each image of ``source``; None if they have none.

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
    """Return labels as class numbers.

    Raises
    ------
    FringeError
        If a label is not a class number.
    """
    try:
        found = np.array([operator.index(label) for label in labels], np.int64)
        if (found < 0).any() or (found > LARGEST_CLASS).any():
            raise ValueError(f"{int(found.min())} to {int(found.max())}")
    except (OverflowError, TypeError, ValueError) as error:
        raise FringeError(
            f"{name}!{LABELS_FILE}: its labels are not classes ({error}); classes are "
            "integers of at least 0"
        ) from error
    return found
