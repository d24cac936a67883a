"""The nearest neighbour in one set of each image of another set, exact and in bounded memory.

Distances computed by products have errors (`fringe.metrics.balls`). The few images whose distances
may be the smallest are compared by differences in float64.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fringe.metrics.arrays import Array, Floats
from fringe.metrics.balls import (
    BLOCK,
    Features,
    blocks,
    distances_between,
    distinct_rows,
    exact_distances,
    exact_pairs,
    load,
)

if TYPE_CHECKING:
    import torch

__all__ = ["Nearest", "nearest_neighbours"]

KEPT = 4  # candidates kept per image; if more may be the nearest, all images are compared again


class Nearest(NamedTuple):
    """Squared distances to the nearest neighbours (p,) in float64, and their indices (p,)."""

    squares: Floats
    indices: Array


def nearest_neighbours(
    probes: Features,
    rows: Array,
    others: Features,
    *,
    besides_itself: bool = False,
    block: int = BLOCK,
) -> Nearest:
    """Return the nearest of ``others`` to each of the ``rows`` of ``probes``.

    If several are equally near, the first of them is returned. Distances are computed from
    differences in float64, so the result does not depend on ``block``.

    Parameters
    ----------
    probes : Features
    rows : int array (p,)
    others : Features
        With as many dimensions as ``probes``.
    besides_itself : bool
        Whether ``others`` are ``probes`` and an image is not its own neighbour.
    block : int
        Images per side of a block of distances.

    Raises
    ------
    FringeError
        NaN or infinity, or distances too large for the type of the features.
    """
    distinct, copies = (
        (rows, np.arange(len(rows))) if besides_itself else distinct_rows(probes, rows)
    )
    parts = [
        _of_block(probes, distinct[at], others, besides_itself, block)
        for at in blocks(len(distinct), block)
    ]
    squares, indices = (np.concatenate(values)[copies] for values in zip(*parts, strict=True))
    return Nearest(squares, indices)


def _of_block(
    probes: Features, rows: Array, others: Features, besides_itself: bool, block: int
) -> Nearest:
    import torch

    arithmetic = "float64" if others.dtype == "float64" else "float32"
    a = load(probes, rows, others.centre, arithmetic)
    lower = torch.full((len(rows), 0), torch.inf, dtype=a.rows.dtype, device=others.device)
    index = torch.zeros((len(rows), 0), dtype=torch.int64, device=others.device)
    best = torch.full((len(rows),), torch.inf, dtype=a.rows.dtype, device=others.device)
    own = torch.from_numpy(np.asarray(rows)).to(others.device) if besides_itself else None

    def bounds(at: slice) -> "tuple[torch.Tensor, torch.Tensor]":
        """Return upper and lower bounds of the squared distances to a block of others."""
        b = load(others, at, others.centre, arithmetic)
        upper = distances_between(a, b, arithmetic)
        if own is not None:
            (found,) = ((own >= at.start) & (own < at.stop)).nonzero(as_tuple=True)
            upper[found, own[found] - at.start] = torch.inf
        return upper, upper - 2 * b.errors - 2 * a.errors[:, None]

    for at in blocks(others.count, block):
        upper, low = bounds(at)
        best = torch.minimum(best, upper.amin(dim=1))
        places = torch.arange(at.start, at.stop, device=others.device).expand_as(low)
        lower, index = torch.cat([lower, low], dim=1), torch.cat([index, places], dim=1)
        lower, order = lower.topk(min(KEPT, lower.shape[1]), dim=1, largest=False)
        index = index.gather(1, order)
    squares = np.full(len(rows), np.inf)
    nearest = np.zeros(len(rows), dtype=np.int64)
    maybe = (lower <= best[:, None]).cpu().numpy()
    crowded = np.flatnonzero(maybe.all(axis=1)) if others.count > KEPT else np.zeros(0, np.int64)
    maybe[crowded] = False
    i, j = np.nonzero(maybe)
    columns = index.cpu().numpy()[i, j]
    _keep_nearest(squares, nearest, i, columns, exact_pairs(probes, rows[i], others, columns))
    if len(crowded):
        for at in blocks(others.count, block):
            _, low = bounds(at)
            pairs = (low <= best[:, None]).cpu().numpy()[crowded]
            exact = exact_distances(probes, rows[crowded], others, at, pairs)
            i, j = np.nonzero(pairs)
            _keep_nearest(squares, nearest, crowded[i], at.start + j, exact[i, j])
    return Nearest(squares, nearest)


def _keep_nearest(
    squares: Floats, nearest: Array, rows: Array, columns: Array, found: Floats
) -> None:
    """Update ``squares`` and ``nearest`` of each row where a found neighbour is nearer.

    Of equally near found neighbours, the one with the smallest index is used.
    """
    order = np.lexsort((columns, found, rows))
    rows, columns, found = rows[order], columns[order], found[order]
    first = np.flatnonzero(np.diff(rows, prepend=-1))
    rows, columns, found = rows[first], columns[first], found[first]
    nearer = found < squares[rows]
    squares[rows[nearer]], nearest[rows[nearer]] = found[nearer], columns[nearer]
