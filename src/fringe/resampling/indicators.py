"""Top-N and Middle-N class indicators (Section 4.3 of the paper, Figure 6)."""

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, as_matrix, like, require_finite

__all__ = ["Marks", "class_indicators", "mark_classes", "rank_classes"]

Marks: TypeAlias = npt.NDArray[np.bool_]

ROWS = 4096  # images at a time: sorting and marking need several times the memory of their rows


def class_indicators(
    real_logits: Any, candidate_logits: Any, n: int, mode: Literal["top", "middle"] = "top"
) -> tuple[Any, Any]:
    """Return, for each image, which classes have the top or the middle ``n`` ranks.

    This is the result of `rank_classes` and `mark_classes`, as numbers ([1]_, Section 4.3).

    Parameters
    ----------
    real_logits, candidate_logits : array (m, C), (N, C)
    n : int
        From 1 to C. Use it only while at most half of the classes are marked ([1]_, footnote 5).
    mode : "top" or "middle"

    Returns
    -------
    real, candidates : float32 array (m, K), (N, K)
        1 if the class is marked, otherwise 0; K <= C.

    Raises
    ------
    FringeError
        Shapes that do not fit, NaN, ``n`` out of range, an unknown mode, or no class left.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023.

    Examples
    --------
    The last of the four classes is not in the top 2 of any image, and the third class is in the
    top 2 of only one of the sets. Both classes are dropped:

    >>> real, candidates = class_indicators([[3.0, 2, 1, 0]], [[3.0, 1, 2, 0], [0, 3.0, 2, 1]], 2)
    >>> real.tolist(), candidates.tolist()
    ([[1.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]])
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
    """Return the classes of every image, largest logit first.

    Every N and mode can use this order. If logits are equal, the class with the smaller index comes
    first.

    Parameters
    ----------
    logits : array (m, C)
    what : str
        The name of the logits in messages.

    Returns
    -------
    unsigned integer array (m, C)
        Row i is a permutation of 0 to C - 1, in the smallest integer type that can hold it. The
        classes of ImageNet need 2 bytes each.

    Raises
    ------
    FringeError
        If ``logits`` is not a matrix of numbers, or contains NaN or infinity.
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
    """Return, for each image, which classes have the top or the middle ``n`` ranks.

    ``top``: ranks 0 to n - 1. ``middle``: n ranks about c = C // 2, namely [c - n/2, c + n/2) for
    even n and [c - (n-1)/2, c + (n-1)/2] for odd n, as in the released code. A class is dropped
    from both sets if no image of one of the sets has it.

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
    # In C order, unlike real[:, kept]: code that reads blocks of rows needs contiguous rows.
    return np.compress(kept, real, axis=1), np.compress(kept, candidates, axis=1)


def _ranks(classes: int, n: int, mode: str) -> slice:
    if not 1 <= n <= classes:
        raise FringeError(f"n: got {n}; there are {classes} classes, give 1 to {classes}")
    if mode == "top":
        return slice(0, n)
    if mode == "middle":
        first = classes // 2 - n // 2
        return slice(first, first + n)
    raise FringeError(f"mode: got {mode!r}; give 'top' or 'middle'")


def _mark(order: Array, ranks: slice) -> Marks:
    marked = np.zeros(order.shape, np.bool_)
    for first in range(0, len(order), ROWS):
        rows = slice(first, first + ROWS)
        np.put_along_axis(marked[rows], order[rows, ranks].astype(np.intp), True, axis=1)
    return marked
