"""Kernel distances: the squared maximum mean discrepancy (MMD^2) with an unbiased estimator."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats, as_matrix, as_numpy, require_finite
from fringe.seeds import random_stream

__all__ = ["Kernel", "kernel_distance", "kernel_distances", "kernel_distances_of_draws"]

BLOCK = 1024  # rows per block of inner products
STRIP = 64  # of these rows, so many make kernel values at a time, which thus stay in the cache
LARGEST = 1e15  # up to which the inner product of thousands of float32 features is below 3e38

Seed: TypeAlias = int | np.random.Generator | np.random.RandomState
DType: TypeAlias = np.dtype[Any]


class Kernel(NamedTuple):
    """A kernel between features x and y of D dimensions.

    ``polynomial``: (gamma x.y + 1)^3, Binkowski et al. 2018; ``rbf``: exp(-gamma |x - y|^2),
    Appendix D of the paper. ``gamma`` None stands for 1 / D.
    """

    name: Literal["polynomial", "rbf"] = "polynomial"
    gamma: float | None = None


def kernel_distance(
    real: Any,
    generated: Any,
    kernel: Literal["polynomial", "rbf"] = "polynomial",
    gamma: float | None = None,
    subsets: int | None = None,
    subset_size: int = 1000,
    seed: Seed = 0,
) -> float:
    """Return the unbiased estimate of MMD^2 between two sets of features.

    Parameters
    ----------
    real, generated : array (n, D), (n', D)
        Of float64, all is computed in float64. Where both are narrower, as networks give them,
        the inner products are float32, about the mean of the real features so that a common
        offset costs no digits; norms, kernel values and sums are float64 as well. That changes
        the result by less than 1e-8 of the mean similarity, of which it is the difference.
    kernel, gamma
        See `Kernel`.
    subsets : int, optional
        None: exact, over all pairs. A number (the released KID: 100): the mean over so many
        pairs of subsets of ``min(n, n', subset_size)`` images, each drawn without replacement.
    subset_size : int
    seed : int or NumPy generator
        What subsets are drawn. A generator is drawn from twice per subset: generated, then real.

    Returns
    -------
    float
        May be slightly negative: the estimator is unbiased about values at least 0.

    Raises
    ------
    FringeError
        Fewer than two rows, different dimensions, NaN or infinity, an unknown kernel.
    """
    return kernel_distances(
        real,
        generated,
        [Kernel(kernel, gamma)],
        subsets=subsets,
        subset_size=subset_size,
        seed=seed,
    )[0]


def kernel_distances(
    real: Any,
    generated: Any,
    kernels: Sequence[Kernel],
    *,
    subsets: int | None = None,
    subset_size: int = 1000,
    seed: Seed = 0,
) -> list[float]:
    """Return `kernel_distance` for each of ``kernels``: they share subsets and inner products.

    Parameters
    ----------
    real, generated : array (n, D), (n', D)
    kernels : sequence of Kernel
    subsets, subset_size, seed
        See `kernel_distance`.

    Raises
    ------
    FringeError
        As `kernel_distance`.
    """
    x, y, full = _checked(real, generated, kernels)
    n, m = len(x), len(y)
    _require_two(n, m)
    if subsets is None:
        origin = _origin(x, _precision(x, y))
        return [float(v) for v in _mmd2(x, y, origin, full, np.ones((n, 1)), np.ones((m, 1)))[:, 0]]
    size = min(n, m, subset_size)
    if subsets < 1 or size < 2:
        raise FringeError(
            f"kernel distance: got {subsets} subsets of {subset_size}; "
            "give at least one, of two images or more"
        )
    rng = random_stream(seed, "kernel subsets") if isinstance(seed, int | np.integer) else seed
    chosen = []
    for _ in range(subsets):
        of_y = rng.choice(m, size, replace=False)
        chosen.append((rng.choice(n, size, replace=False), of_y))
    values = _of_subsets(x, y, full, chosen)
    return [float(value) for value in values.mean(axis=1)]


def kernel_distances_of_draws(
    real: Any, candidates: Any, kernels: Sequence[Kernel], counts: Any
) -> Floats:
    """Return exact kernel distances, over all pairs, of several draws from the same candidates.

    They are those of the repeated rows (``numpy.repeat(candidates, counts[:, draw], axis=0)``), at
    the cost of the distinct ones. Draws share the inner products of the real images, and all others
    that are fewer in common.

    Parameters
    ----------
    real, candidates : array (n, D), (n', D)
        As in `kernel_distance`.
    kernels : sequence of Kernel
    counts : int array (n', draws)
        How often each draw has each candidate.

    Returns
    -------
    array (draws, kernels)

    Raises
    ------
    FringeError
        As `kernel_distance`; counts that are not integers, or negative.
    """
    x, y, full = _checked(real, candidates, kernels)
    times = as_numpy(counts)
    if times.ndim != 2 or len(times) != len(y) or times.dtype.kind not in "iub" or times.min() < 0:
        raise FringeError(
            f"counts: expected integers of shape ({len(y)}, draws), none negative, "
            f"got shape {times.shape} of {times.dtype}"
        )
    times = times.astype(np.float64)
    _require_two(len(x), *(int(images) for images in times.sum(axis=0)))
    origin = _origin(x, _precision(x, y))
    used = times.any(axis=1)
    y, times = y[used], times[used]
    known = None
    if len(times) ** 2 > ((times > 0).sum(axis=0) ** 2).sum():
        # Their own pairs are fewer than those of all that any draw has.
        columns = ((column > 0, column[:, None]) for column in times.T)
        parts = [_similarity(y[own], origin, full, column[own]) for own, column in columns]
        known = np.concatenate(parts, axis=1)
    return _mmd2(x, y, origin, full, np.ones((len(x), 1)), times, known).T


def _checked(
    real: Any, generated: Any, kernels: Sequence[Kernel]
) -> tuple[Array, Array, list[tuple[str, float]]]:
    """Return both sets as matrices of as many dimensions, and kernels with their gammas."""
    x, y = as_matrix(real, "real"), as_matrix(generated, "generated")
    if x.shape[1] != y.shape[1]:
        raise FringeError(
            f"real and generated features have {x.shape[1]} and {y.shape[1]} dimensions: they "
            "come from different networks or spaces"
        )
    require_finite(x, "real")
    require_finite(y, "generated")
    return x, y, [_complete(kernel, x.shape[1]) for kernel in kernels]


def _require_two(real: int, *generated: int) -> None:
    fewest = min(generated, default=0)
    if min(real, fewest) < 2:
        raise FringeError(
            f"kernel distance: got {real} real and {fewest} generated images; give at least two"
        )


def _of_subsets(
    x: Array, y: Array, kernels: Sequence[tuple[str, float]], chosen: list[tuple[Array, Array]]
) -> Floats:
    """Return MMD^2 of the chosen rows of x and y, shape (kernels, subsets).

    Either each subset has its own inner products, or all take theirs from one pass over all
    pairs, whichever are fewer multiply-adds; in one pass each pair is added up for every subset.
    """
    origin = _origin(x, _precision(x, y))
    size, subsets, dim = len(chosen[0][0]), len(chosen), x.shape[1]
    if (len(x) + len(y)) ** 2 * (dim + subsets) <= 4 * subsets * size**2 * dim:
        times_x = np.stack([np.bincount(of_x, minlength=len(x)) for of_x, _ in chosen], axis=1)
        times_y = np.stack([np.bincount(of_y, minlength=len(y)) for _, of_y in chosen], axis=1)
        times = (times_x.astype(np.float64), times_y.astype(np.float64))
        return _mmd2(x, y, origin, kernels, *times)
    every = np.ones((size, 1))
    parts = (_mmd2(x[of_x], y[of_y], origin, kernels, every, every) for of_x, of_y in chosen)
    return np.concatenate(list(parts), axis=1)


def _complete(kernel: Kernel, dim: int) -> tuple[str, float]:
    if kernel.name not in ("polynomial", "rbf"):
        raise FringeError(f"kernel: got {kernel.name!r}; known are 'polynomial' and 'rbf'")
    gamma = 1 / dim if kernel.gamma is None else float(kernel.gamma)
    if not (np.isfinite(gamma) and gamma > 0):
        raise FringeError(f"gamma: got {gamma}; give a positive number, or None for 1/D")
    return kernel.name, gamma


def _mmd2(
    x: Array,
    y: Array,
    origin: Array,
    kernels: Sequence[tuple[str, float]],
    times_x: Floats,
    times_y: Floats,
    similarity: Floats | None = None,
) -> Floats:
    """Return the unbiased MMD^2 over all pairs within each subset, shape (kernels, subsets).

    ``times_x`` (n, subsets or 1) and ``times_y`` (m, subsets) say how often a row is in a subset;
    ``similarity`` (kernels, subsets) is `_similarity` of y where it is known.
    """
    between = np.zeros((len(kernels), times_y.shape[1]))
    for at, block_x in _blocks(x, origin):
        for other, block_y in _blocks(y, origin):
            between += _pair_sums(block_x, block_y, kernels, times_x[at], times_y[other])
    between /= times_x.sum(axis=0) * times_y.sum(axis=0)
    of_y = _similarity(y, origin, kernels, times_y) if similarity is None else similarity
    return np.asarray(_similarity(x, origin, kernels, times_x) + of_y - 2 * between)


def _similarity(
    x: Array, origin: Array, kernels: Sequence[tuple[str, float]], times: Floats
) -> Floats:
    """Return the means of k(x_i, x_j) over pairs of two images, shape (kernels, subsets).

    Images repeated are two images, each the other's equal. Blocks above the diagonal count twice.
    """
    total = np.zeros((len(kernels), times.shape[1]))
    for at, block in _blocks(x, origin):
        total += _pair_sums(block, block, kernels, times[at], times[at])
        for other, rest in _blocks(x, origin, at.stop):
            total += 2 * _pair_sums(block, rest, kernels, times[at], times[other])
    images = times.sum(axis=0)
    return np.asarray(total / (images * (images - 1)))


def _precision(*features: Array) -> DType:
    """Return the type of inner products: float32 where all are narrow and none overflows."""
    narrow = np.result_type(np.float32, *features) == np.float32
    if narrow and all(abs(float(end)) < LARGEST for x in features for end in (x.min(), x.max())):
        return np.dtype(np.float32)
    return np.dtype(np.float64)


def _origin(x: Array, dtype: DType) -> Array:
    """Return the mean (D,) of x: what is near it loses no digits where it is subtracted."""
    return np.asarray(x.mean(axis=0, dtype=np.float64), dtype)


class _Block(NamedTuple):
    """Some features x about an origin c."""

    rows: Array  # (b, D): x - c, of the type of c
    squares: Floats  # (b,): |x - c|^2
    along: Floats  # (b,): c.(x - c) + |c|^2 / 2, so that x.y is (x - c).(y - c) and that of both


def _blocks(x: Array, origin: Array, first: int = 0) -> Iterator[tuple[slice, _Block]]:
    half = (origin.astype(np.float64) ** 2).sum() / 2
    for start in range(first, len(x), BLOCK):
        at = slice(start, start + BLOCK)
        rows = x[at].astype(origin.dtype)
        rows -= origin
        squares = np.einsum("nd,nd->n", rows, rows, dtype=np.float64)
        along = np.einsum("nd,d->n", rows, origin, dtype=np.float64)
        yield at, _Block(rows, squares, along + half)


def _pair_sums(
    x: _Block,
    y: _Block,
    kernels: Sequence[tuple[str, float]],
    times_x: Floats,
    times_y: Floats,
) -> Floats:
    """Return the sums of k(x_i, y_j) over pairs of images in each subset, (kernels, subsets).

    Where ``y`` is ``x``, no image makes a pair with itself.
    """
    total = np.zeros((len(kernels), times_y.shape[1]))
    products = x.rows @ y.rows.T
    for first in range(0, len(products), STRIP):
        at = slice(first, first + STRIP)
        # Of a symmetric matrix, what is beyond the diagonal's square counts twice.
        beyond = slice(first if y is x else 0, None)
        strip = _Block(products[at, beyond].astype(np.float64), x.squares[at], x.along[at])
        rest = _Block(y.rows[beyond], y.squares[beyond], y.along[beyond])
        times = times_y[beyond]
        if y is x:
            times = 2 * times
            times[:STRIP] /= 2
        for index, values in enumerate(_values(strip, rest, kernels)):
            if y is x:
                own = values.diagonal().copy()
                np.fill_diagonal(values, 0)
                total[index] += own @ (times_x[at] * (times_x[at] - 1))
            total[index] += _sums(times_x[at], values, times)
            if y is x:
                np.fill_diagonal(values, own)
    return total


def _sums(rows: Floats, values: Floats, columns: Floats) -> Floats:
    """Return, for each subset s, the sum of rows_is values_ij columns_js."""
    return np.asarray(np.einsum("is,is->s", rows, values @ columns))


def _values(x: _Block, y: _Block, kernels: Sequence[tuple[str, float]]) -> Iterator[Floats]:
    """Yield each kernel's values (n, m), to be left as they are: the next may be made of them.

    In the place of the rows of ``x`` (n,) are their inner products (n, m) with those of ``y``.
    """
    products = x.rows
    distances: Floats | None = None
    values: Floats | None = None
    before = np.nan  # gamma of the Gaussian kernel in `values`
    for name, gamma in kernels:
        if name == "polynomial":
            base = gamma * products
            base += (gamma * x.along + 1)[:, None]
            base += gamma * y.along
            cube = base * base
            cube *= base
            yield cube
            continue
        if distances is None:
            distances = -2 * products
            distances += x.squares[:, None]
            distances += y.squares
            np.maximum(distances, 0, out=distances)
        if values is not None and gamma == 2 * before:
            # The square of the kernel before: an exponential costs far more, and the square loses
            # no more than it doubles that kernel's rounding error.
            np.square(values, out=values)
        else:
            values = -gamma * distances
            np.exp(values, out=values)
        before = gamma
        yield values
