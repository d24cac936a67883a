"""Warnings of decoders, kept for those who count them.

A decoder warns of an image that it finds damaged and decodes all the same. The warnings travel
beside the pixels: a ``collected_warnings()`` block gets the warnings of all images that were read
in it, in the order of the images, also where threads or other processes decoded them
(`fringe.sources.prefetch` hands these on).
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from fringe.texts import printable

__all__ = ["Warned", "as_attributes", "collected_warnings", "hand_on", "joined", "summary", "tell"]

LOGGER = logging.getLogger(__name__)

#: What messages call an image, and what the decoder said of it.
Warned = tuple[str, str]

NAMED = 3  # images that a summary names

_collecting: ContextVar[list[Warned] | None] = ContextVar("collecting", default=None)


@contextmanager
def collected_warnings() -> Iterator[list[Warned]]:
    """Yield a list that grows by what decoders warn of in this block."""
    found: list[Warned] = []
    token = _collecting.set(found)
    try:
        yield found
    finally:
        _collecting.reset(token)


def hand_on(warned: Iterable[Warned]) -> None:
    """Add to the list of the innermost block, if there is one."""
    found = _collecting.get()
    if found is not None:
        found.extend(warned)


def summary(number: int, total: int, first: Iterable[Warned]) -> str:
    """Return, in a clause, of how many images decoders warned, naming the ``first`` of them."""
    images = "1 image" if number == 1 else f"{number:,} images"
    named = "; ".join(printable(f"{label}: {message}") for label, message in [*first][:NAMED])
    return f"{images} of {total:,} had damaged data that was decoded all the same ({named})"


def tell(name: str, warned: Sequence[Warned], total: int) -> None:
    """Warn of how many of the ``total`` images of a source decoders warned, if any."""
    if warned:
        said = summary(len(warned), total, warned)
        LOGGER.warning("%s: %s", name, said)


def as_attributes(warned: Sequence[Warned]) -> dict[str, int | str]:
    """Return what a file of features says of the warnings about its images."""
    return {"warned": len(warned), "first_warned": json.dumps(warned[:NAMED])}


def joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, int | str]:
    """Return what several files of features together say of their images, in their order.

    Nothing, if one of them says nothing: earlier versions did not count.
    """
    if not all("warned" in part for part in parts):
        return {}
    first = [tuple(one) for part in parts for one in json.loads(part["first_warned"])]
    total = sum(int(part["warned"]) for part in parts)
    return {"warned": total, "first_warned": json.dumps(first[:NAMED])}
