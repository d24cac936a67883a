"""Matching of the histogram of Top-1 classes (Section 3 of the paper, Table 1)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, as_numpy, like
from fringe.seeds import random_stream

__all__ = ["Match", "admitted", "match_histogram", "quotas", "shortage"]


class Match(NamedTuple):
    """Candidates whose classes have the same distribution as the classes of the real images.

    Attributes
    ----------
    indices : int64 array (k,)
        Accepted candidates in the order of acceptance, each at most once; k <= n.
    unfilled : dict
        Class -> number of images that are missing. Classes without missing images are absent.
    wanted : dict
        Class -> quota.
    got : dict
        Class -> number of accepted images.
    """

    indices: Any
    unfilled: dict[int, int]
    wanted: dict[int, int]
    got: dict[int, int]


def match_histogram(real_classes: Any, candidate_classes: Any, n: int, seed: int) -> Match:
    """Return up to ``n`` candidates with the Top-1 class histogram of the real images.

    As in [1]_, Section 3, the candidates are visited in random order. A candidate is accepted if
    the bin of its class has room, and discarded otherwise. Bins that the candidates cannot fill
    stay incomplete and are reported. A source that generates images can fill such bins with further
    images (`fringe.evaluation.draw_on`).

    Parameters
    ----------
    real_classes : int array (m,)
    candidate_classes : int array (N,)
    n : int
        Number of images wanted. If ``n`` differs from m, each class gets its share of ``n`` by
        largest remainder.
    seed : int
        Determines the order of the candidates.

    Returns
    -------
    Match

    Raises
    ------
    FringeError
        If an array does not contain class indices, or ``n`` is not positive.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023.

    Examples
    --------
    >>> match = match_histogram([0, 0, 1, 2], [0, 0, 0, 1, 1, 1], n=4, seed=0)
    >>> match.wanted, match.got, match.unfilled
    ({0: 2, 1: 1, 2: 1}, {0: 2, 1: 1, 2: 0}, {2: 1})
    >>> match.indices
    array([3, 1, 0])
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
    """Return `Match.unfilled` of `match_histogram`, which does not depend on the order.

    Parameters
    ----------
    real_classes, candidate_classes, n
        See `match_histogram`.

    Returns
    -------
    dict
        Class -> number of images that are missing.

    Raises
    ------
    FringeError
        For the reasons given in `match_histogram`.

    Examples
    --------
    >>> shortage([0, 0, 1, 2], [0, 0, 0, 1, 1, 1], n=4)
    {2: 1}
    """
    real, candidates = _classes(real_classes, "real"), _classes(candidate_classes, "candidate")
    labels, counts = np.unique(candidates, return_counts=True)
    have = dict(zip(labels.tolist(), counts.tolist(), strict=True))
    return {c: q - have.get(c, 0) for c, q in quotas(real, n).items() if q > have.get(c, 0)}


def admitted(classes: Array, room: Mapping[int, int]) -> Array:
    """Return which images still have room in the bin of their class, in the given order.

    Parameters
    ----------
    classes : int array (k,)
        The class of each image.
    room : mapping
        Class -> number of images that its bin has room for. Classes that are absent have no room.

    Returns
    -------
    bool array (k,)

    Examples
    --------
    >>> admitted(np.array([0, 1, 0, 0, 1]), {0: 2, 1: 1})
    array([ True,  True,  True, False, False])
    """
    # The rank of each image among the images of its class.
    by_class = np.argsort(classes, kind="stable")
    ordered = classes[by_class]
    rank = np.empty(len(classes), np.int64)
    rank[by_class] = np.arange(len(classes)) - np.searchsorted(ordered, ordered)
    places = np.array([room.get(label, 0) for label in classes.tolist()], np.int64)
    found: Array = rank < places
    return found


def quotas(classes: Array, n: int) -> dict[int, int]:
    """Return the quota of each class: its share of ``n`` images, in proportion to ``classes``.

    Shares are rounded by largest remainder. If remainders are equal, the larger class comes first,
    then the smaller index. Classes with a quota of 0 are left out.
    """
    if n < 1:
        raise FringeError(f"n: got {n}; give at least 1")
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
