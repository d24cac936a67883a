"""Matching the histogram of Top-1 classes (Section 3 of the paper, Table 1)."""

from typing import Any, NamedTuple

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, as_numpy, like
from fringe.seeds import random_stream

__all__ = ["Match", "match_histogram", "quotas"]


class Match(NamedTuple):
    """Candidates whose classes are distributed as those of the real images.

    Attributes
    ----------
    indices : int64 array (k,)
        Accepted candidates in the order of acceptance, no one twice; k <= n.
    unfilled : dict
        Class -> number of images that the candidates could not provide; classes that were
        filled are absent.
    wanted, got : dict
        Class -> quota, and class -> number of accepted images.
    """

    indices: Any
    unfilled: dict[int, int]
    wanted: dict[int, int]
    got: dict[int, int]


def match_histogram(real_classes: Any, candidate_classes: Any, n: int, seed: int) -> Match:
    """Return up to ``n`` candidates with the Top-1 class histogram of the real images.

    As in the paper, candidates come in random order, each is accepted while the bin of its class
    has room, and is discarded otherwise. What becomes of bins that the candidates cannot fill the
    paper leaves open: here they stay short and are reported, and nothing takes their place.

    Parameters
    ----------
    real_classes : int array (m,)
    candidate_classes : int array (N,)
    n : int
        Images wanted. If it differs from m, each class gets its share of n by largest remainder.
    seed : int
        The order of the candidates depends on it.

    Raises
    ------
    FringeError
        If an array is not of class indices, or n is not positive.
    """
    real, candidates = _classes(real_classes, "real"), _classes(candidate_classes, "candidate")
    wanted = quotas(real, n)
    order = random_stream(seed, "match_histogram").permutation(len(candidates))
    # Rank of each candidate among those of its class, in the random order.
    shuffled = candidates[order]
    by_class = np.argsort(shuffled, kind="stable")
    ordered = shuffled[by_class]
    rank = np.empty(len(order), np.int64)
    rank[by_class] = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    room = np.array([wanted.get(label, 0) for label in shuffled.tolist()], np.int64)
    accepted = rank < room
    got = dict.fromkeys(wanted, 0)
    labels, counts = np.unique(shuffled[accepted], return_counts=True)
    got.update(zip(labels.tolist(), counts.tolist(), strict=True))
    return Match(
        indices=like(candidate_classes, order[accepted]),
        unfilled={c: wanted[c] - got[c] for c in wanted if got[c] < wanted[c]},
        wanted=wanted,
        got=got,
    )


def quotas(classes: Array, n: int) -> dict[int, int]:
    """Return how many of ``n`` images each class gets, in proportion to its count in ``classes``.

    By largest remainder; equal remainders go to the larger class, then to the smaller index.
    Classes whose quota is 0 are left out.
    """
    if n < 1:
        raise FringeError(f"n: got {n}; ask for at least one image")
    labels, counts = np.unique(classes, return_counts=True)
    whole, remainder = np.divmod(counts * n, len(classes))
    order = np.lexsort((labels, -counts, -remainder))
    whole[order[: n - int(whole.sum())]] += 1
    return {c: q for c, q in zip(labels.tolist(), whole.tolist(), strict=True) if q}


def _classes(value: Any, what: str) -> Array:
    classes = as_numpy(value)
    if classes.ndim != 1 or not len(classes) or classes.dtype.kind not in "iu":
        raise FringeError(
            f"{what} classes: expected class indices of shape (images,), "
            f"got shape {classes.shape} of {classes.dtype}"
        )
    return classes.astype(np.int64)
