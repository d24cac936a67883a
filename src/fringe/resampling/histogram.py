"""Matching the histogram of Top-1 classes (Section 3 of the paper, Table 1)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, as_numpy, like
from fringe.seeds import random_stream

__all__ = ["Match", "admitted", "match_histogram", "quotas", "shortage"]


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
    has room, and is discarded otherwise. Bins that the candidates cannot fill stay short and are
    reported. A source that generates can draw on (`fringe.evaluation.draw_on`).

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
    shuffled = candidates[order]
    accepted = admitted(shuffled, wanted)
    got = dict.fromkeys(wanted, 0)
    labels, counts = np.unique(shuffled[accepted], return_counts=True)
    got.update(zip(labels.tolist(), counts.tolist(), strict=True))
    return Match(
        indices=like(candidate_classes, order[accepted]),
        unfilled={c: wanted[c] - got[c] for c in wanted if got[c] < wanted[c]},
        wanted=wanted,
        got=got,
    )


def shortage(real_classes: Any, candidate_classes: Any, n: int) -> dict[int, int]:
    """Return `Match.unfilled` of `match_histogram`: it does not depend on the candidates' order.

    Arguments and errors as there.
    """
    real, candidates = _classes(real_classes, "real"), _classes(candidate_classes, "candidate")
    labels, counts = np.unique(candidates, return_counts=True)
    have = dict(zip(labels.tolist(), counts.tolist(), strict=True))
    return {c: q - have.get(c, 0) for c, q in quotas(real, n).items() if q > have.get(c, 0)}


def admitted(classes: Array, room: Mapping[int, int]) -> Array:
    """Return which images, coming in this order, still find room in the bin of their class.

    Parameters
    ----------
    classes : int array (k,)
    room : mapping
        Class -> number of images that its bin has room for; 0 for classes that it does not name.

    Returns
    -------
    bool array (k,)
    """
    # Rank of each image among those of its class.
    by_class = np.argsort(classes, kind="stable")
    ordered = classes[by_class]
    rank = np.empty(len(classes), np.int64)
    rank[by_class] = np.arange(len(classes)) - np.searchsorted(ordered, ordered)
    places = np.array([room.get(label, 0) for label in classes.tolist()], np.int64)
    found: Array = rank < places
    return found


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
