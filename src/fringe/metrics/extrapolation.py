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

BLOCKS = 4  # number of blocks of the balanced method; a power of two
SIZES = 15  # number of sizes of the reference method
SMALLEST = 5000  # first size of the reference method; a tenth of all if there are fewer than 50,000


class Extrapolation(NamedTuple):
    """A line fitted to distances at several sample sizes, as a function of 1 / size.

    Attributes
    ----------
    value : float
        The line at 1 / size = 0, in squared units of the features. For equal sets, the value may
        be slightly negative.
    slope : float
        In units of ``value`` times images: the bias for n images is about slope / n.
    standard_error : float
        Standard error of ``value``. `extrapolate_frechet` describes which errors each method
        includes.
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
    """Return the Fréchet distance that infinitely many generated images would have [1]_.

    FID has a bias of about slope / n for n generated images, because the covariance of n images is
    itself uncertain. The bias of the real images, which ``real`` comes from, is not removed.

    Parameters
    ----------
    real : Gaussian
        Of D dimensions.
    features : array (n, D)
        Features of generated images, independent of each other; n at least 8. No copy is made.
    method, seed, root
        See `extrapolate_frechet`.

    Returns
    -------
    Extrapolation

    Raises
    ------
    FringeError
        For the reasons given in `extrapolate_frechet`, and for NaN or infinity.

    References
    ----------
    .. [1] Chong and Forsyth, 2020, arXiv 1911.07023.

    Examples
    --------
    >>> import numpy as np
    >>> features = np.random.default_rng(0).normal(size=(4000, 4))
    >>> real = Gaussian(np.zeros(4), np.eye(4))
    >>> round(frechet_distance(real, Gaussian.from_features(features)), 4)
    0.0015
    >>> line = frechet_distance_infinity(real, features)
    >>> round(line.value, 4), round(line.standard_error, 4)
    (-0.0001, 0.0007)
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
    """Return the result of `frechet_distance_infinity` for a function that returns statistics.

    Use this function if the features of the images do not fit in memory.

    Parameters
    ----------
    real : Gaussian
    count : int
        Number n of generated images, at least 8.
    statistics : callable
        Returns the Gaussian of the images at sorted indices (k,), each from 0 to n - 1.
    method : {"balanced", "reference"}
        ``reference`` follows the released code [1]_. There are 15 sizes, evenly spaced from 5,000
        (or a tenth of n if that is less, as in DGM-eval) to n. For each size, that number of random
        images is measured. A line is fitted to the 15 distances by least squares, and the standard
        error of the intercept comes from the residuals. That error is too small by a factor of
        about 2.5: the subsets share images, and all subsets come from the same n images.

        ``balanced`` divides the images at random into four blocks. It measures the four blocks,
        the two pairs of blocks, and all images: sizes n/4, n/2 and n, each the mean over all
        images. The contribution of an image to the distance is therefore the same at each size
        and cannot tilt the line, so the intercept varies no more than the plain distance does.
        The sizes are also larger than in ``reference``, so less bias beyond 1/n remains. This
        method needs one pass over the features and 7 distances instead of 15. The standard error
        is that of the mean of the four blocks' distances.
    seed : int
        Seed of the random division or subsets.
    root : array (D, r), optional
        `covariance_root` of ``real``.

    Returns
    -------
    Extrapolation

    Raises
    ------
    FringeError
        Fewer than 8 images, an unknown method, or different dimensions.

    References
    ----------
    .. [1] Chong and Forsyth, 2020, arXiv 1911.07023.

    Examples
    --------
    >>> import numpy as np
    >>> features = np.random.default_rng(0).normal(size=(4000, 4))
    >>> line = extrapolate_frechet(
    ...     Gaussian(np.zeros(4), np.eye(4)),
    ...     count=4000,
    ...     statistics=lambda rows: Gaussian.from_features(features[rows]),
    ... )
    >>> round(line.value, 4), line.sizes
    (-0.0001, array([1000., 2000., 4000.]))
    """
    if method not in ("balanced", "reference"):
        raise FringeError(f"method: got {method!r}; give 'balanced' or 'reference'")
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
    # Blocks may differ by one image. Weighted by their counts, each image counts the same, and
    # the mean of 1/n is exactly the number of blocks divided by the number of images.
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
