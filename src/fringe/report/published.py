"""Sentences that compare our distances with published distances of the same generator."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from fringe.scores.cells import Cell
from fringe.scores.numbers import format_percent, format_value

__all__ = ["published_sentences"]


def published_sentences(
    published: Mapping[str, Mapping[str, Any]], measured: Iterable[tuple[str, str, Cell]]
) -> tuple[str, ...]:
    """Return a sentence for each network with a published distance.

    The sentence contains the published distance, our distance and the deviation.

    Parameters
    ----------
    published : mapping of str to mapping
        For each network, its entry under ``published`` of a data set in the configuration:
        ``value``, ``source``, and optionally ``std``, ``n_real``, ``n_generated`` and ``differs``.
    measured : iterable of (str, str, Cell)
        The network, its title, and our distance of images drawn at random.

    Returns
    -------
    tuple of str
        In the order of ``measured``. If the counts of images differ, or the configuration names
        another difference, the sentence says that the two distances are not comparable.

    Examples
    --------
    >>> cell = Cell(2.95, 0.02, 10, 50000, 50000)
    >>> about = {"inception": {"value": 2.92, "source": "Somebody, Table 1", "n_real": 50000}}
    >>> published_sentences(about, [("inception", "Inception", cell)])[0]
    'Published distance in Inception: 2.92 (Somebody, Table 1). Ours is 2.95 ± 0.02, +1.0%.'
    """
    return tuple(
        _sentence(published[network], title, cell)
        for network, title, cell in measured
        if network in published
    )


def _sentence(entry: Mapping[str, Any], title: str, ours: Cell) -> str:
    value, std = float(entry["value"]), float(entry.get("std", math.nan))
    text = (
        f"Published distance in {title}: {format_value(value, std)} ({entry['source']}). Ours is "
        f"{ours.printed()}, {format_percent(ours.mean / value - 1)}"
    )
    counts = {"n_real": "real", "n_generated": "generated"}
    differs = [
        f"{entry[key]:,} {word} images there and {getattr(ours, key):,} here"
        for key, word in counts.items()
        if entry.get(key, getattr(ours, key)) != getattr(ours, key)
    ]
    differs += [entry["differs"]] if entry.get("differs") else []
    if not differs:
        return f"{text}."
    return f"{text}. The two distances are not directly comparable: {'; '.join(differs)}."
