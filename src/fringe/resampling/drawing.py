"""Random draws of images with given probabilities."""

from typing import Any, Literal, TypeAlias

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats, as_numpy, like

__all__ = ["Sampling", "draw", "effective_sample_size"]

Sampling: TypeAlias = Literal["with_replacement", "systematic", "without_replacement"]


def draw(
    probabilities: Any,
    n: int,
    rng: np.random.Generator,
    sampling: Sampling = "with_replacement",
) -> Any:
    """Return ``n`` indices drawn with ``probabilities``, by default as in [1]_, Section 4.

    Parameters
    ----------
    probabilities : array (N,)
        Not negative and not all 0. The sum need not be exactly 1. An index of probability 0 is
        never drawn.
    n : int
        Number of draws.
    rng : numpy.random.Generator
    sampling : str
        In the following, p are the probabilities divided by their sum.

        ``with_replacement``: n independent draws, as published. The number of times that image i
        is drawn is multinomial, with the mean n p_i.

        ``systematic``: image i is drawn floor(n p_i) or ceil(n p_i) times, and n p_i times on
        average. (If n p_i is a whole number, rounding can change it by one.) The candidates are put
        in random order, and n equally spaced points with one random offset are located in their
        cumulative probabilities [2]_ [3]_. In the order of the file, the probability that two
        images are drawn together would depend on their distance in the file. FID is nearer to that
        of the weighted candidates and varies less than with independent draws. The unbiased KID is
        too low by at most (mean k(x, x) - mean k(x, y)) / (n - 1), because KID assumes independent
        images.

        ``without_replacement``: no image is drawn twice. Each image is drawn with the probabilities
        of the images that are left. This is equivalent to taking the images with the n largest keys
        log p_i + Gumbel noise [4]_, in that order. Image i is *not* drawn n p_i times on average:
        an image cannot be drawn more than once, so if n p_i is above 1, other images are drawn more
        often. The larger the share of candidates that are drawn, the nearer the result is to equal
        weights.

    Returns
    -------
    int64 array (n,)

    Raises
    ------
    FringeError
        Invalid probabilities, ``n`` below 1, an unknown ``sampling``, or fewer than ``n`` images of
        probability above 0 to draw without replacement.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023.
    .. [2] Madow, 1949.
    .. [3] Hartley and Rao, 1962.
    .. [4] Efraimidis and Spirakis, 2006.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> draw([0.5, 0.5, 0.0], 4, rng)
    array([1, 0, 0, 0])
    >>> np.sort(draw([0.5, 0.25, 0.25], 4, rng, "systematic"))
    array([0, 0, 1, 2])
    """
    if n < 1:
        raise FringeError(f"n: got {n}; give at least 1")
    if sampling not in _SAMPLINGS:
        known = " or ".join(map(repr, _SAMPLINGS))
        raise FringeError(f"sampling: got {sampling!r}; give {known}")
    indices = _SAMPLINGS[sampling](_probabilities(probabilities), n, rng)
    return like(probabilities, indices.astype(np.int64))


def _with_replacement(p: Floats, n: int, rng: np.random.Generator) -> Array:
    return _locate(p, rng.random(n))


def _systematic(p: Floats, n: int, rng: np.random.Generator) -> Array:
    order = rng.permutation(len(p))
    points = (np.arange(n) + rng.random()) / n
    return np.asarray(order[_locate(p[order], points)])


def _without_replacement(p: Floats, n: int, rng: np.random.Generator) -> Array:
    possible = np.flatnonzero(p)
    if len(possible) < n:
        raise FringeError(
            f"sampling without replacement: cannot draw {n} images, because only {len(possible)} "
            f"of {len(p)} have a probability above 0; draw fewer images, or choose 'systematic'"
        )
    keys = np.log(p[possible]) + rng.gumbel(size=len(possible))
    return np.asarray(possible[np.argsort(-keys)[:n]])


_SAMPLINGS = {
    "with_replacement": _with_replacement,
    "systematic": _systematic,
    "without_replacement": _without_replacement,
}


def _locate(p: Floats, points: Floats) -> Array:
    """Return, for each point in [0, 1], the interval of the cumulative ``p`` that contains it."""
    cumulative = np.cumsum(p)
    # The smallest index whose cumulative sum exceeds the point, but not beyond the last interval.
    indices = np.searchsorted(cumulative, points * cumulative[-1], side="right")
    last = np.searchsorted(cumulative, cumulative[-1], side="left")
    return np.asarray(np.minimum(indices, last))


def effective_sample_size(probabilities: Any) -> float:
    """Return 1 / sum p_i^2, the number of equally weighted images with the same variance [1]_.

    Parameters
    ----------
    probabilities : array (N,)
        Not negative and not all 0. They are divided by their sum.

    Raises
    ------
    FringeError
        Invalid probabilities.

    References
    ----------
    .. [1] Kish, 1965.

    Examples
    --------
    >>> effective_sample_size([0.5, 0.5, 0.0, 0.0])
    2.0
    """
    p = _probabilities(probabilities)
    return float(p.sum() ** 2 / (p @ p))


def _probabilities(value: Any) -> Floats:
    p = as_numpy(value).astype(np.float64)
    if p.ndim != 1 or not len(p) or not np.isfinite(p).all() or (p < 0).any() or not p.any():
        raise FringeError(
            "probabilities: expected finite numbers of shape (N,), none negative and not all 0, "
            f"got shape {p.shape}" + (f" from {p.min()} to {p.max()}" if p.size else "")
        )
    p /= p.max()
    return p
