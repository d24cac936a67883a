"""Top-N and Middle-N class indicators (Section 4.3 of the paper, Figure 6)."""

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, as_matrix, like, require_finite

__all__ = ["Marks", "class_indicators", "mark_classes", "rank_classes"]

Marks: TypeAlias = npt.NDArray[np.bool_]

ROWS = 4096  # images at a time: sorting and marking take several times the room of their rows


def class_indicators(
    real_logits: Any, candidate_logits: Any, n: int, mode: Literal["top", "middle"] = "top"
) -> tuple[Any, Any]:
    """Return, for every image, which ``n`` classes take the top or the middle ranks.

    What `mark_classes` makes of the order that `rank_classes` gives, as numbers.

    Parameters
    ----------
    real_logits, candidate_logits : array (m, C), (N, C)
    n : int
        From 1 to C. Meaningful while at most half of the classes are marked (footnote 5).
    mode : "top" or "middle"

    Returns
    -------
    real, candidates : float32 array (m, K), (N, K)
        1 where the class is marked, else 0; K <= C.

    Raises
    ------
    FringeError
        Shapes that do not fit, NaN, n out of range, unknown mode, or no class left.
    """
    orders = (
        rank_classes(real_logits, "real logits"),
        rank_classes(candidate_logits, "candidate logits"),
    )
    real, candidates = mark_classes(*orders, n, mode)
    return (
        like(real_logits, real.astype(np.float32)),
        like(candidate_logits, candidates.astype(np.float32)),
    )


def rank_classes(logits: Any, what: str = "logits") -> Array:
    """Return the classes of every image, largest logit first; every N and mode can share them.

    Of equal logits the class of smaller index comes first.

    Parameters
    ----------
    logits : array (m, C)
    what : str
        Names them in messages.

    Returns
    -------
    unsigned integer array (m, C)
        Row i is a permutation of 0 to C - 1, in the smallest type that holds it: 2 bytes each
        for ImageNet's classes.

    Raises
    ------
    FringeError
        If ``logits`` is no matrix of numbers, or holds NaN or infinity.
    """
    matrix = as_matrix(logits, what)
    require_finite(matrix, what)
    order = np.empty(matrix.shape, np.min_scalar_type(matrix.shape[1] - 1))
    for first in range(0, len(matrix), ROWS):
        rows = slice(first, first + ROWS)
        order[rows] = np.argsort(-matrix[rows].astype(np.float64), axis=1, kind="stable")
    return order


def mark_classes(
    real_order: Array, candidate_order: Array, n: int, mode: Literal["top", "middle"] = "top"
) -> tuple[Marks, Marks]:
    """Return, for every image, which ``n`` classes take the top or the middle ranks.

    ``top``: ranks 0 to n - 1. ``middle``: n ranks about c = C // 2, namely [c - n/2, c + n/2) for
    even n and [c - (n-1)/2, c + (n-1)/2] for odd n, as released. Classes that no image has in
    either one of the two sets are dropped from both.

    Parameters
    ----------
    real_order, candidate_order : array (m, C), (N, C)
        From `rank_classes`.
    n, mode
        As in `class_indicators`.

    Returns
    -------
    real, candidates : bool array (m, K), (N, K)
        K <= C.

    Raises
    ------
    FringeError
        Counts of classes that differ, n out of range, unknown mode, or no class left.
    """
    classes = real_order.shape[1]
    if candidate_order.shape[1] != classes:
        raise FringeError(
            f"logits: real images have {classes} classes, candidates {candidate_order.shape[1]}; "
            "take both from one network"
        )
    ranks = _ranks(classes, n, mode)
    real, candidates = _mark(real_order, ranks), _mark(candidate_order, ranks)
    kept = real.any(axis=0) & candidates.any(axis=0)
    if not kept.any():
        raise FringeError(
            f"{mode} {n}: no class is marked in both sets; choose a larger n or more images"
        )
    # In C order, unlike real[:, kept]: whoever reads blocks of rows needs each row in one piece.
    return np.compress(kept, real, axis=1), np.compress(kept, candidates, axis=1)


def _ranks(classes: int, n: int, mode: str) -> slice:
    if not 1 <= n <= classes:
        raise FringeError(f"n: got {n}; there are {classes} classes, give 1 to {classes}")
    if mode == "top":
        return slice(0, n)
    if mode == "middle":
        first = classes // 2 - n // 2
        return slice(first, first + n)
    raise FringeError(f"mode: got {mode!r}; known are 'top' and 'middle'")


def _mark(order: Array, ranks: slice) -> Marks:
    marked = np.zeros(order.shape, np.bool_)
    for first in range(0, len(order), ROWS):
        rows = slice(first, first + ROWS)
        np.put_along_axis(marked[rows], order[rows, ranks].astype(np.intp), True, axis=1)
    return marked
