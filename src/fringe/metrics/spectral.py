"""Kinds of images that one set has and another set lacks, from the spectrum of a difference.

Let phi be the features of a kernel exp(-|x - y|^2 / (2 sigma^2)). Each positive eigenvalue of

    mean phi(b) phi(b)^T - eta mean phi(a) phi(a)^T

is about the share of a kind of images in set b minus eta times its share in set a. KEN (Zhang, Li
and Farnia, ICML 2024, arXiv 2402.17287) is sum_i l_i log(S / l_i) of these eigenvalues l_i, whose
sum is S. As in FINC (Zhang et al., arXiv 2405.02700), phi are random Fourier features, so that the
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

ROWS = 2048  # images that are processed at a time
SAMPLE = 8192  # images of a set from which errors are estimated, to within 1%


class SpectralDifference(NamedTuple):
    """The kinds of images (modes) that set b has more often than set a.

    Attributes
    ----------
    score : Scored
        KEN: 0 if b has no kind of images more often than a, large if b has many such kinds.
    excess : Scored
        Sum of the positive eigenvalues, from 0 to 1: about the share of b's images that are of
        these kinds.
    eigenvalues : float64 array (modes,)
        The largest eigenvalues, in order. The eigenvalue of a kind of images is about its share in
        b minus eta times its share in a. An eigenvalue that is not positive does not belong to a
        mode.
    errors : float64 array (modes,)
        Standard errors of the eigenvalues.
    images : int array (modes, images)
        For each mode, the images of b that belong to it most clearly, in order.
    memberships : float64 array (modes, images)
        Membership of each of ``images``: the component of phi in the mode's direction, at most 1.
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
    """Return the kinds of images that ``b`` has and ``a`` lacks or has less often: KEN [1]_.

    Parameters
    ----------
    a, b : array (n, D), (m, D), or an object that supports slices of rows
        The reference, and the set that is compared to it. Read in blocks, twice.
    sigma : float
        Width of the kernel, in units of the features: images that are much farther from each other
        are of different kinds. This value decides what a kind is: try several values.
    eta : float
        1: kinds that b has more often than a. 10: kinds that b has more than 10 times as often.
    features : int
        Number of random frequencies [2]_; each gives a cosine and a sine. A kernel value is off by
        about 1 / sqrt(2 features). Memory is needed for 6 (2 features)^2 numbers.
    modes, images : int
        Numbers of modes, and of images of each mode, that are returned.
    seed : int
        Seed of the frequencies.

    Returns
    -------
    SpectralDifference
        Errors are to first order, for the given frequencies. They do not cover the positive
        eigenvalues that arise by chance: two sets that are alike have a score above 0, which falls
        with the square root of the number of images. Compare the score with that of two halves of
        one set. Fewer eigenvalues arise by chance than in the dense problem of all kernel values,
        so the score is lower than a dense score.

    Raises
    ------
    FringeError
        Different dimensions, fewer than two images, NaN or infinity, a sigma or eta that is not
        positive, or counts that are not whole numbers.

    References
    ----------
    .. [1] Zhang, Li and Farnia, ICML 2024, arXiv 2402.17287.
    .. [2] Zhang et al., arXiv 2405.02700.

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
    """Contributions of sampled images to score and sum (s,), and all components (n, modes)."""

    scores: Floats
    sums: Floats
    modes: Floats


def _fourier(rows: Any, what: str, frequencies: Floats) -> Iterator[tuple[slice, Floats]]:
    """Yield slices of images with their phi (b, 2 features), of length 1."""
    for start in range(0, len(rows), ROWS):
        at = slice(start, min(start + ROWS, len(rows)))
        angles = read_rows(rows, at, what) @ frequencies
        both = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
        both /= np.sqrt(frequencies.shape[1])
        yield at, both


def _second_moments(rows: Any, what: str, frequencies: Floats) -> Floats:
    """Return the mean of phi phi^T. Only the lower triangle is valid."""
    size = 2 * frequencies.shape[1]
    total = np.zeros((size, size), order="F")
    for _, phi in _fourier(rows, what, frequencies):
        total = linalg.blas.dsyrk(1, phi.T, beta=1, c=total, lower=1, overwrite_c=1)
    return np.asarray(total / len(rows))


def _components(
    rows: Any, what: str, frequencies: Floats, vectors: Floats, weights: Floats, modes: int
) -> _Components:
    """Return the contributions of images. ``weights`` belong to the first, positive directions."""
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
