"""Top-N and Middle-N class indicators (Section 4.3 of the paper, Figure 6)."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, as_matrix, like, require_finite

__all__ = ["class_indicators"]

ROWS = 4096  # images that are ranked at a time


def class_indicators(
    real_logits: Any, candidate_logits: Any, n: int, mode: Literal["top", "middle"] = "top"
) -> tuple[Any, Any]:
    """Return, for every image, which ``n`` classes take the top or the middle ranks.

    Classes are ranked by logit, largest first; of equal logits the class of smaller index comes
    first. ``top``: ranks 0 to n - 1. ``middle``: n ranks about c = C // 2, namely
    [c - n/2, c + n/2) for even n and [c - (n-1)/2, c + (n-1)/2] for odd n, as released.
    Classes that no image has in either one of the two sets are dropped from both.

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
    real = as_matrix(real_logits, "real logits")
    candidates = as_matrix(candidate_logits, "candidate logits")
    classes = real.shape[1]
    if candidates.shape[1] != classes:
        raise FringeError(
            f"logits: real images have {classes} classes, candidates {candidates.shape[1]}; "
            "take both from one network"
        )
    require_finite(real, "real logits")
    require_finite(candidates, "candidate logits")
    ranks = _ranks(classes, n, mode)
    marked_real, marked_candidates = _mark(real, ranks), _mark(candidates, ranks)
    kept = marked_real.any(axis=0) & marked_candidates.any(axis=0)
    if not kept.any():
        raise FringeError(
            f"{mode} {n}: no class is marked in both sets; choose a larger n or more images"
        )
    return (
        like(real_logits, marked_real[:, kept]),
        like(candidate_logits, marked_candidates[:, kept]),
    )


def _ranks(classes: int, n: int, mode: str) -> slice:
    if not 1 <= n <= classes:
        raise FringeError(f"n: got {n}; there are {classes} classes, give 1 to {classes}")
    if mode == "top":
        return slice(0, n)
    if mode == "middle":
        first = classes // 2 - n // 2
        return slice(first, first + n)
    raise FringeError(f"mode: got {mode!r}; known are 'top' and 'middle'")


def _mark(logits: Array, ranks: slice) -> npt.NDArray[np.float32]:
    marked = np.zeros(logits.shape, np.float32)
    for first in range(0, len(logits), ROWS):  # sorting takes several times the room of its rows
        rows = slice(first, first + ROWS)
        order = np.argsort(-logits[rows].astype(np.float64), axis=1, kind="stable")
        np.put_along_axis(marked[rows], order[:, ranks], 1, axis=1)
    return marked
