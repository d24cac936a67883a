"""Which kinds of images one set has and another lacks, by the spectrum of a difference.

With phi the features of a kernel exp(-|x - y|^2 / (2 sigma^2)), the positive eigenvalues of

    mean phi(b) phi(b)^T - eta mean phi(a) phi(a)^T

are about by how much the share of a kind of images in set b exceeds eta times its share in set a.
KEN (Zhang, Li and Farnia, ICML 2024, arXiv 2402.17287) is sum_i l_i log(S / l_i) of these l, with S
their sum. As in FINC (Zhang et al., arXiv 2405.02700), phi are random Fourier features, so that the
work grows with the number of images and not with its square.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg as linalg

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats, as_rows, read_rows
from fringe.metrics.balls import require_counts
from fringe.metrics.scored import Scored
from fringe.seeds import random_stream

__all__ = ["SpectralDifference", "spectral_difference"]

ROWS = 2048  # images that are worked on at a time
SAMPLE = 8192  # images of a set of which errors are estimated: so they are known to 1%


class SpectralDifference(NamedTuple):
    """What set b has more of than set a.

    Attributes
    ----------
    score : Scored
        KEN: 0 if b has nothing more, large if it has many kinds more.
    excess : Scored
        Sum of the positive eigenvalues, from 0 to 1: about how many of b's images, as a share, are
        of these kinds.
    eigenvalues : float64 array (modes,)
        The largest ones, in order; of one kind of images about its share in b less eta times that
        in a. One that is not positive is not a mode.
    errors : float64 array (modes,)
        Their standard errors.
    images : int array (modes, images)
        Of each mode, the images of b that belong to it most, in order.
    memberships : float64 array (modes, images)
        How much they do: the component of phi in the mode's direction, 1 at most.
    """

    score: Scored
    excess: Scored
    eigenvalues: Floats
    errors: Floats
    images: Array
    memberships: Floats


def spectral_difference(
    a: Any,
    b: Any,
    *,
    sigma: float,
    eta: float = 1.0,
    features: int = 1024,
    modes: int = 10,
    images: int = 25,
    seed: int = 2020,
) -> SpectralDifference:
    """Return which kinds of images ``b`` has and ``a`` lacks, or has less often.

    Parameters
    ----------
    a, b : array (n, D), (m, D), or something that gives slices of rows
        The reference and what is compared to it. Read in blocks, twice.
    sigma : float
        Width of the kernel, in units of the features: images that are much farther from each other
        are of different kinds. It decides what a kind is: try several.
    eta : float
        1: what b has more often than a. 10: what it has more than 10 times as often.
    features : int
        Frequencies drawn; there is a cosine and a sine of each. A kernel value is off by about
        1 / sqrt(2 features). Memory is that of 6 (2 features)^2 numbers.
    modes, images : int
        How many modes, and images of each, are given.
    seed : int
        What frequencies are drawn.

    Returns
    -------
    SpectralDifference
        Errors are to first order, given the frequencies. They do not cover that luck makes
        eigenvalues positive: two sets that are alike have a score above 0, which falls with the
        square root of the number of images. Compare with that of two halves of one set. Of
        eigenvalues that luck makes, there are fewer than in the dense problem of all kernel values,
        so that the score is lower than a dense one.

    Raises
    ------
    FringeError
        Different dimensions, fewer than two images, NaN or infinity, a sigma or eta that is not
        positive, not whole numbers.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=(400, 2))
    >>> b = np.concatenate([rng.normal(size=(300, 2)), rng.normal(size=(100, 2)) + 20])
    >>> found = spectral_difference(a, b, sigma=5, features=256, modes=1, images=3)
    >>> round(float(found.eigenvalues[0]), 2), bool((found.images >= 300).all())
    (0.23, True)
    """
    require_counts(features=features, modes=modes, images=images)
    for name, value in (("sigma", sigma), ("eta", eta)):
        if not (np.isfinite(value) and value > 0):
            raise FringeError(f"{name}: got {value!r}; give a positive number")
    x, y = as_rows(a, "a"), as_rows(b, "b")
    if int(x.shape[1]) != int(y.shape[1]):
        raise FringeError(
            f"a and b have {x.shape[1]} and {y.shape[1]} dimensions: they come from different "
            "networks or spaces"
        )
    for name, rows in (("a", x), ("b", y)):
        if len(rows) < 2:
            raise FringeError(f"{name}: got {len(rows)} image; give at least two")
    rng = random_stream(seed, "spectral difference", "frequencies")
    frequencies = rng.standard_normal((int(x.shape[1]), features)) / sigma
    difference = _second_moments(y, "b", frequencies) - eta * _second_moments(x, "a", frequencies)
    values, vectors = linalg.eigh(difference, lower=True, overwrite_a=True)
    values, vectors = values[::-1], vectors[:, ::-1]
    positive = values > len(values) * np.finfo(np.float64).eps * np.abs(values).max()
    above = values[positive]
    total = float(above.sum())
    score = float((above * np.log(total / above)).sum()) if total else 0.0
    # d score / d l_i = log(S / l_i), and an image changes l_i by its squared component over n.
    weights = np.sqrt(np.log(total / above)) if total else above
    modes = min(modes, len(values))
    own = _components(y, "b", frequencies, vectors, weights, modes)
    theirs = _components(x, "a", frequencies, vectors, weights, modes)

    def error(of_b: Floats, of_a: Floats) -> Any:
        parts = of_b.var(axis=0, ddof=1) / len(y), of_a.var(axis=0, ddof=1) / len(x)
        return np.sqrt(parts[0] + eta**2 * parts[1])

    signs = np.where(own.modes.sum(axis=0) < 0, -1.0, 1.0)
    belong = (own.modes * signs).T
    order = np.argsort(-belong, axis=1, kind="stable")[:, :images]
    return SpectralDifference(
        Scored(score, float(error(own.scores, theirs.scores))),
        Scored(total, float(error(own.sums, theirs.sums))),
        values[:modes].copy(),
        error(own.modes**2, theirs.modes**2),
        order,
        np.take_along_axis(belong, order, axis=1),
    )


class _Components(NamedTuple):
    """What images of a sample add to the score (s,) and the sum (s,); all components (n, modes)."""

    scores: Floats
    sums: Floats
    modes: Floats


def _fourier(rows: Any, what: str, frequencies: Floats) -> Iterator[tuple[slice, Floats]]:
    """Yield blocks of images with phi (b, 2 features), of length 1."""
    for start in range(0, len(rows), ROWS):
        at = slice(start, min(start + ROWS, len(rows)))
        angles = read_rows(rows, at, what) @ frequencies
        both = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
        both /= np.sqrt(frequencies.shape[1])
        yield at, both


def _second_moments(rows: Any, what: str, frequencies: Floats) -> Floats:
    """Return the mean of phi phi^T; only what is on and below the diagonal counts."""
    size = 2 * frequencies.shape[1]
    total = np.zeros((size, size), order="F")
    for _, phi in _fourier(rows, what, frequencies):
        total = linalg.blas.dsyrk(1, phi.T, beta=1, c=total, lower=1, overwrite_c=1)
    return np.asarray(total / len(rows))


def _components(
    rows: Any, what: str, frequencies: Floats, vectors: Floats, weights: Floats, modes: int
) -> _Components:
    """Return what images add; ``weights`` are those of the first, positive directions."""
    sampled = np.ones(len(rows), dtype=bool)
    if len(rows) > SAMPLE:
        rng = random_stream(0, "spectral difference", "errors")
        sampled[rng.permutation(len(rows))[SAMPLE:]] = False
    found = np.empty((len(rows), modes))
    scores, sums = [], []
    for at, phi in _fourier(rows, what, frequencies):
        found[at] = phi @ vectors[:, :modes]
        positive = phi[sampled[at]] @ vectors[:, : len(weights)]
        sums.append(np.einsum("nk,nk->n", positive, positive))
        positive *= weights
        scores.append(np.einsum("nk,nk->n", positive, positive))
    return _Components(np.concatenate(scores), np.concatenate(sums), found)
