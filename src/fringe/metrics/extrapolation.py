"""The Fréchet distance extrapolated to infinitely many images (Chong and Forsyth 2020)."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats, as_matrix, require_finite
from fringe.metrics.frechet import covariance_root, frechet_distance
from fringe.metrics.gaussian import ROWS, Gaussian, merge_gaussians
from fringe.seeds import random_stream

__all__ = ["Extrapolation", "Method", "extrapolate_frechet", "frechet_distance_infinity"]

Method: TypeAlias = Literal["balanced", "reference"]

BLOCKS = 4  # of the balanced method; a power of two
SIZES = 15  # of the reference method
SMALLEST = 5000  # images of its first size, or a tenth of all where there are fewer than 50,000


class Extrapolation(NamedTuple):
    """A line through distances at several sample sizes, against 1 / size.

    Attributes
    ----------
    value : float
        Where the line meets 1 / size = 0, in squared units of the features. A line can miss:
        for equal sets the value may be slightly negative.
    slope : float
        In the units of ``value`` times images: the bias of n images is about slope / n.
    standard_error : float
        Of ``value``. See the method for what it takes into account.
    sizes, distances : array (k,)
        The points of the line, smallest size first.
    """

    value: float
    slope: float
    standard_error: float
    sizes: Floats
    distances: Floats


def frechet_distance_infinity(
    real: Gaussian,
    features: Any,
    *,
    method: Method = "balanced",
    seed: int = 0,
    root: Floats | None = None,
) -> Extrapolation:
    """Return the Fréchet distance that infinitely many generated images would have.

    FID falls as images are added, by about slope / n, because the covariance of n images is
    itself uncertain. ``real`` is taken as it is: the same bias of its own images stays.

    Parameters
    ----------
    real : Gaussian
        Of D dimensions.
    features : array (n, D)
        Of generated images, independent of each other; n at least 8. No copy is made.
    method, seed, root
        See `extrapolate_frechet`.

    Raises
    ------
    FringeError
        As `extrapolate_frechet`, and for NaN or infinity.
    """
    matrix = as_matrix(features, "features")
    require_finite(matrix, "features")

    def statistics(chosen: Array) -> Gaussian:
        rows = (matrix[chosen[first : first + ROWS]] for first in range(0, len(chosen), ROWS))
        return Gaussian.from_blocks((block, None) for block in rows)

    return extrapolate_frechet(real, len(matrix), statistics, method=method, seed=seed, root=root)


def extrapolate_frechet(
    real: Gaussian,
    count: int,
    statistics: Callable[[Array], Gaussian],
    *,
    method: Method = "balanced",
    seed: int = 0,
    root: Floats | None = None,
) -> Extrapolation:
    """Return `frechet_distance_infinity` of images that are known by their statistics.

    Parameters
    ----------
    real : Gaussian
    count : int
        Number n of generated images, at least 8.
    statistics : callable
        Returns the Gaussian of the images at sorted indices (k,), each from 0 to n - 1.
    method : {"balanced", "reference"}
        ``reference`` follows the released code: for 15 sizes, evenly from 5,000 (a tenth of n
        where that is less, as DGM-eval does) to n, as many random images, a line through the 15
        distances by least squares, and the intercept's standard error from the residuals. That
        error is far too small (by about 2.5): the subsets share images, and all of them the luck
        of the n images at hand.

        ``balanced`` divides the images at random into four blocks and measures the blocks,
        both pairs of them, and all: sizes n/4, n/2 and n, each the mean over all images. What
        one image adds to the distance is thus the same at each size and cannot tilt the line,
        so the intercept varies no more than the plain distance does, and the sizes are larger, so
        that less of the bias beyond 1/n remains. One pass over the features and 7 distances do
        for 15. The standard error is that of the mean of the four blocks' distances.
    seed : int
        Of the random division or subsets.
    root : array (D, r), optional
        `covariance_root` of ``real``.

    Raises
    ------
    FringeError
        Fewer than 8 images, an unknown method, or different dimensions.
    """
    if method not in ("balanced", "reference"):
        raise FringeError(f"method: got {method!r}; known are 'balanced' and 'reference'")
    if count < 2 * BLOCKS:
        raise FringeError(
            f"FID of infinitely many images: got {count} generated images; give at least "
            f"{2 * BLOCKS}, and several thousand for a useful line"
        )
    shared = covariance_root(real) if root is None else root

    def distance(generated: Gaussian) -> float:
        return frechet_distance(real, generated, shared)

    rng = random_stream(seed, "fid infinity", method)
    extrapolate = _balanced if method == "balanced" else _reference
    return extrapolate(distance, count, statistics, rng)


def _balanced(
    distance: Callable[[Gaussian], float],
    count: int,
    statistics: Callable[[Array], Gaussian],
    rng: np.random.Generator,
) -> Extrapolation:
    blocks = np.array_split(rng.permutation(count), BLOCKS)
    levels = [[(statistics(np.sort(block)), len(block)) for block in blocks]]
    while len(levels[-1]) > 1:
        last = levels[-1]
        pairs = [last[first : first + 2] for first in range(0, len(last), 2)]
        levels.append([(merge_gaussians(pair), sum(n for _, n in pair)) for pair in pairs])
    values = [np.array([distance(part) for part, _ in level]) for level in levels]
    # Blocks may differ by one image: weighted by their counts, each image counts the same, and
    # the mean of 1/n is exactly the number of blocks over the number of images.
    shares = [np.array([n for _, n in level]) / count for level in levels]
    sizes = np.array([count / len(level) for level in levels])
    distances = np.array([share @ value for share, value in zip(shares, values, strict=True)])
    value, slope, _ = _line(sizes, distances)
    error = float(values[0].std(ddof=1)) / np.sqrt(BLOCKS)
    return Extrapolation(value, slope, float(error), sizes, distances)


def _reference(
    distance: Callable[[Gaussian], float],
    count: int,
    statistics: Callable[[Array], Gaussian],
    rng: np.random.Generator,
) -> Extrapolation:
    smallest = min(SMALLEST, max(count // 10, 2))
    sizes = np.linspace(smallest, count, SIZES).astype(int)
    subsets = (np.sort(rng.permutation(count)[:size]) for size in sizes)
    distances = np.array([distance(statistics(subset)) for subset in subsets])
    return Extrapolation(*_line(sizes, distances), sizes.astype(np.float64), distances)


def _line(sizes: Array, distances: Floats) -> tuple[float, float, float]:
    """Return intercept and slope of distances against 1/size, and the intercept's error."""
    x = 1 / sizes
    offset = x - x.mean()
    slope = offset @ distances / (offset @ offset)
    value = distances.mean() - slope * x.mean()
    residuals = distances - value - slope * x
    variance = residuals @ residuals / (len(x) - 2)
    error = np.sqrt(variance * (1 / len(x) + x.mean() ** 2 / (offset @ offset)))
    return float(value), float(slope), float(error)
