"""Assembly of an explorer from the numbers and the thumbnails of its images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fringe.explorer.maps import as_bytes
from fringe.explorer.measure import Numbers
from fringe.explorer.thumbnails import Seen, make_sprites
from fringe.metrics.arrays import Floats
from fringe.scores.explorer import ClassTable, Explorer

__all__ = ["assemble"]


def assemble(
    numbers: Numbers,
    seen: Sequence[Seen | None],
    *,
    groups: Sequence[str],
    models: Sequence[str],
    network: str,
    counts: Sequence[str],
    seed: int,
    sprite_bytes: int,
) -> Explorer:
    """Return an explorer.

    Parameters
    ----------
    numbers : Numbers
    seen : sequence of Seen or None
        One for each set of ``numbers``, in the same order; None for a set without shown images.
        Some may have maps.
    groups, models, network, counts, seed
        See `Explorer`.
    sprite_bytes : int
        The argument ``most_bytes`` of `make_sprites`.

    Raises
    ------
    FringeError
        If thumbnails need more than ``sprite_bytes``.
    """
    sets = numbers.sets
    sizes = [len(one.index) for one in sets]
    table = numbers.class_table

    def joined(name: str, dtype: type) -> NDArray[Any]:
        return np.concatenate([getattr(one, name) for one in sets]).astype(dtype)

    maps, ranges = _maps(seen, sizes)
    return Explorer(
        groups=groups,
        models=models,
        group=np.repeat(np.arange(len(sets)), sizes).astype(np.int8),
        index=joined("index", np.int64),
        sampled=joined("sampled", np.bool_),
        classes=None if table is None else _places(numbers, sizes, table),
        probabilities=_probabilities(numbers),
        weight=joined("weight", np.float32),
        influence=joined("influence", np.float32),
        nearest=joined("nearest", np.float32),
        maps=maps,
        map_ranges=ranges,
        sprites=make_sprites(
            np.concatenate([one.thumbnails for one in seen if one is not None]), sprite_bytes
        ),
        class_table=table,
        network=network,
        counts=counts,
        seed=seed,
    )


def _places(numbers: Numbers, sizes: Sequence[int], table: ClassTable) -> NDArray[np.int32]:
    """Return the classes (n, 3) of all images, as row numbers of the table of classes."""
    found = np.concatenate([one.classes for one in numbers.sets if one.classes is not None])
    assert len(found) == sum(sizes)
    places = np.searchsorted(table.numbers, found)
    return np.where(found < 0, -1, places).astype(np.int32)


def _probabilities(numbers: Numbers) -> NDArray[np.float32] | None:
    found = [one.probabilities for one in numbers.sets if one.probabilities is not None]
    return np.concatenate(found).astype(np.float32) if found else None


def _maps(
    seen: Sequence[Seen | None], sizes: Sequence[int]
) -> tuple[NDArray[np.uint8] | None, NDArray[np.float32] | None]:
    """Return the maps of all images as bytes, and their ranges; (None, None) without maps."""
    made: list[Floats] = [one.maps for one in seen if one is not None and one.maps is not None]
    if not made:
        return None, None
    maps = np.zeros((sum(sizes), *made[0].shape[1:]), np.uint8)
    ranges = np.full((len(maps), 2), np.nan, np.float32)
    ends = np.cumsum(sizes)
    for one, end, size in zip(seen, ends, sizes, strict=True):
        if one is not None and one.maps is not None:
            rows = slice(end - size, end)
            maps[rows], ranges[rows] = as_bytes(one.maps)
    return maps, ranges
