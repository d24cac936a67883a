"""Warnings of decoders, collected to be counted.

A decoder warns of an image that is damaged but can still be decoded. A ``collected_warnings()``
block gets the warnings of all images that were read in it, in the order of the images, even if
threads or other processes decoded them (`fringe.sources.prefetch` passes such warnings on).
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from fringe.texts import printable

__all__ = [
    "Warned",
    "as_attributes",
    "collected_warnings",
    "hand_on",
    "joined",
    "log_summary",
    "summary",
]

LOGGER = logging.getLogger(__name__)

#: Name of an image in messages, and the decoder's warning.
Warned = tuple[str, str]

NAMED = 3  # images that a summary names

_collecting: ContextVar[list[Warned] | None] = ContextVar("collecting", default=None)


@contextmanager
def collected_warnings() -> Iterator[list[Warned]]:
    """Yield a list to which the warnings of decoders in this block are added."""
    found: list[Warned] = []
    token = _collecting.set(found)
    try:
        yield found
    finally:
        _collecting.reset(token)


def hand_on(warned: Iterable[Warned]) -> None:
    """Add warnings to the list of the innermost block, if there is one."""
    found = _collecting.get()
    if found is not None:
        found.extend(warned)


def summary(number: int, total: int, first: Iterable[Warned]) -> str:
    """Return a clause with the number of images with warnings; it names the ``first`` ones."""
    images = "1 image" if number == 1 else f"{number:,} images"
    named = "; ".join(printable(f"{label}: {message}") for label, message in [*first][:NAMED])
    return f"{images} of {total:,} had damaged data that could still be decoded ({named})"


def log_summary(name: str, warned: Sequence[Warned], total: int) -> None:
    """Log a `summary` of the warnings for a source of ``total`` images, if there are any."""
    if warned:
        text = summary(len(warned), total, warned)
        LOGGER.warning("%s: %s", name, text)


def as_attributes(warned: Sequence[Warned]) -> dict[str, int | str]:
    """Return the attributes of a file of features that describe warnings about its images."""
    return {"warned": len(warned), "first_warned": json.dumps(warned[:NAMED])}


def joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, int | str]:
    """Return these attributes for several files of features together, in their order.

    Return an empty dict if one of the files has no such attributes: earlier versions did not count.
    """
    if not all("warned" in part for part in parts):
        return {}
    first = [tuple(pair) for part in parts for pair in json.loads(part["first_warned"])]
    total = sum(int(part["warned"]) for part in parts)
    return {"warned": total, "first_warned": json.dumps(first[:NAMED])}
