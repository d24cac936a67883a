"""Distances that others published of the same generator, next to ours, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from fringe.scores.cells import Cell
from fringe.scores.numbers import format_percent, format_value

__all__ = ["published_sentences"]


def published_sentences(
    found: Mapping[str, Mapping[str, Any]], measured: Iterable[tuple[str, str, Cell]]
) -> tuple[str, ...]:
    """Return a sentence for each network with a published distance: it, ours, and the deviation.

    Parameters
    ----------
    found : mapping of str to mapping
        By network what the configuration says under ``published`` of a data set: ``value``,
        ``source``, and perhaps ``std``, ``n_real``, ``n_generated`` and ``differs``.
    measured : iterable of (str, str, Cell)
        Network, its title, and our distance of images drawn at random.

    Returns
    -------
    tuple of str
        In the order of ``measured``. Where counts differ, or the configuration says what else does,
        the sentence says that the two do not compare.

    Examples
    --------
    >>> cell = Cell(2.95, 0.02, 10, 50000, 50000)
    >>> about = {"inception": {"value": 2.92, "source": "Somebody, Table 1", "n_real": 50000}}
    >>> published_sentences(about, [("inception", "Inception", cell)])[0]
    'Published distance in Inception: 2.92 (Somebody, Table 1). Ours is 2.95 ± 0.02, +1.0%.'
    """
    return tuple(
        _sentence(found[network], title, cell)
        for network, title, cell in measured
        if network in found
    )


def _sentence(about: Mapping[str, Any], title: str, ours: Cell) -> str:
    value, std = float(about["value"]), float(about.get("std", math.nan))
    told = (
        f"Published distance in {title}: {format_value(value, std)} ({about['source']}). Ours is "
        f"{ours.printed()}, {format_percent(ours.mean / value - 1)}"
    )
    counts = {"n_real": "real", "n_generated": "generated"}
    differs = [
        f"{about[key]:,} {word} images there and {getattr(ours, key):,} here"
        for key, word in counts.items()
        if about.get(key, getattr(ours, key)) != getattr(ours, key)
    ]
    differs += [about["differs"]] if about.get("differs") else []
    if not differs:
        return f"{told}."
    return f"{told}. The two do not compare as they are: {'; '.join(differs)}."
