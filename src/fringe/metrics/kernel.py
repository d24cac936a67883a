"""Kernel distances: the squared maximum mean discrepancy (MMD^2) with an unbiased estimator."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats, as_matrix, as_numpy, require_finite
from fringe.seeds import random_stream

__all__ = ["Kernel", "kernel_distance", "kernel_distances", "self_similarity"]

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
    counts: Any = None,
    similarity: Floats | None = None,
) -> list[float]:
    """Return `kernel_distance` for each of ``kernels``: they share subsets and inner products.

    Parameters
    ----------
    real, generated : array (n, D), (n', D)
    kernels : sequence of Kernel
    subsets, subset_size, seed
        See `kernel_distance`.
    counts : int array (n',), optional
        How often each row of ``generated`` is there: the result is that of the repeated rows
        (``numpy.repeat(generated, counts, axis=0)``), at the cost of the distinct ones.
    similarity : array (kernels,), optional
        `self_similarity` of ``real``, where several exact distances share it.

    Raises
    ------
    FringeError
        As `kernel_distance`; counts that are not integers, or negative; a similarity beside
        subsets, which have their own.
    """
    x, y = as_matrix(real, "real"), as_matrix(generated, "generated")
    if x.shape[1] != y.shape[1]:
        raise FringeError(
            f"real and generated features have {x.shape[1]} and {y.shape[1]} dimensions: they "
            "come from different networks or spaces"
        )
    require_finite(x, "real")
    require_finite(y, "generated")
    full = [_complete(kernel, x.shape[1]) for kernel in kernels]
    times_x, times_y = np.ones(len(x), dtype=np.int64), _as_counts(counts, len(y))
    n, m = len(x), int(times_y.sum())
    if min(n, m) < 2:
        raise FringeError(
            f"kernel distance: got {n} real and {m} generated images; give at least two"
        )
    if subsets is None:
        if similarity is not None and np.shape(similarity) != (len(kernels),):
            raise FringeError(
                f"similarity: expected one per kernel, shape ({len(kernels)},), "
                f"got {np.shape(similarity)}"
            )
        known = None if similarity is None else np.asarray(similarity)[:, None]
        values = _mmd2(x, y, full, _column(times_x), _column(times_y), known)
        return [float(value) for value in values[:, 0]]
    if similarity is not None:
        raise FringeError("similarity: each subset of real images has its own; give None")
    size = min(n, m, subset_size)
    if subsets < 1 or size < 2:
        raise FringeError(
            f"kernel distance: got {subsets} subsets of {subset_size}; "
            "give at least one, of two images or more"
        )
    rng = random_stream(seed, "kernel subsets") if isinstance(seed, int | np.integer) else seed
    row_of = np.repeat(np.arange(len(y)), times_y)  # of each generated image
    chosen = []
    for _ in range(subsets):
        of_y = rng.choice(m, size, replace=False)
        chosen.append((rng.choice(n, size, replace=False), row_of[of_y]))
    values = _of_subsets(x, y, full, chosen)
    return [float(value) for value in values.mean(axis=1)]


def self_similarity(features: Any, kernels: Sequence[Kernel]) -> Floats:
    """Return, for each kernel, the mean of k(x, x') over all pairs of two images.

    Parameters
    ----------
    features : array (n, D)
    kernels : sequence of Kernel

    Returns
    -------
    array (kernels,)

    Raises
    ------
    FringeError
        As `kernel_distance`.
    """
    x = as_matrix(features, "features")
    require_finite(x, "features")
    if len(x) < 2:
        raise FringeError(f"self-similarity: got {len(x)} images; give at least two")
    full = [_complete(kernel, x.shape[1]) for kernel in kernels]
    origin = _origin(x, _precision(x))
    return _similarity(x, origin, full, np.ones((len(x), 1)))[:, 0]


def _as_counts(counts: Any, rows: int) -> Array:
    if counts is None:
        return np.ones(rows, dtype=np.int64)
    times = as_numpy(counts)
    if times.shape != (rows,) or times.dtype.kind not in "iub" or (times < 0).any():
        raise FringeError(
            f"counts: expected integers of shape ({rows},), none negative, "
            f"got shape {times.shape} of {times.dtype}"
        )
    return times.astype(np.int64)


def _column(counts: Array) -> Floats:
    return counts.astype(np.float64)[:, None]


def _of_subsets(
    x: Array, y: Array, kernels: Sequence[tuple[str, float]], chosen: list[tuple[Array, Array]]
) -> Floats:
    """Return MMD^2 of the chosen rows of x and y, shape (kernels, subsets).

    Either each subset has its own inner products, or all take theirs from one pass over all
    pairs, whichever are fewer multiply-adds; in one pass each pair is added up for all subsets.
    """
    size, subsets = len(chosen[0][0]), len(chosen)
    sums = x.shape[1] + len(kernels) * subsets
    if (len(x) + len(y)) ** 2 * sums <= 4 * subsets * size**2 * x.shape[1]:
        times_x = np.stack([np.bincount(of_x, minlength=len(x)) for of_x, _ in chosen], axis=1)
        times_y = np.stack([np.bincount(of_y, minlength=len(y)) for _, of_y in chosen], axis=1)
        return _mmd2(x, y, kernels, times_x.astype(np.float64), times_y.astype(np.float64))
    every = np.ones((size, 1))
    parts = (_mmd2(x[of_x], y[of_y], kernels, every, every) for of_x, of_y in chosen)
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
    kernels: Sequence[tuple[str, float]],
    times_x: Floats,
    times_y: Floats,
    similarity: Floats | None = None,
) -> Floats:
    """Return the unbiased MMD^2 over all pairs within each subset, shape (kernels, subsets).

    ``times_x`` (n, subsets) and ``times_y`` (m, subsets) say how often a row is in a subset;
    ``similarity`` (kernels, subsets) is `_similarity` of x where it is known.
    """
    origin = _origin(x, _precision(x, y))
    between = np.zeros((len(kernels), times_x.shape[1]))
    for at, block_x in _blocks(x, origin):
        for other, block_y in _blocks(y, origin):
            between += _pair_sums(block_x, block_y, kernels, times_x[at], times_y[other])
    between /= times_x.sum(axis=0) * times_y.sum(axis=0)
    of_x = _similarity(x, origin, kernels, times_x) if similarity is None else similarity
    return np.asarray(of_x + _similarity(y, origin, kernels, times_y) - 2 * between)


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
    total = np.zeros((len(kernels), times_x.shape[1]))
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
