"""Kernel distances: the squared maximum mean discrepancy (MMD^2) with an unbiased estimator."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats, as_matrix, as_numpy, require_finite
from fringe.progress import progress
from fringe.seeds import random_stream

__all__ = [
    "Kernel",
    "Seed",
    "complete_kernel",
    "draw_subsets",
    "kernel_distance",
    "kernel_distances",
    "kernel_distances_of_draws",
    "require_two",
]

BLOCK = 1024  # rows per block of inner products
STRIP = 64  # rows whose kernel values are computed at a time, so that they stay in the cache
MANY = 512  # images whose pairs are enough for the rounding of float32 products to cancel
NEAR = 32.0  # limit of gamma |x - c|^2, with which the rounding of a float32 product grows

Seed: TypeAlias = int | np.random.Generator | np.random.RandomState


class Kernel(NamedTuple):
    """A kernel between features x and y of D dimensions.

    Attributes
    ----------
    name : "polynomial" or "rbf"
        ``polynomial`` is (gamma x.y + 1)^3 [1]_. ``rbf`` is exp(-gamma |x - y|^2) ([2]_, Appendix
        D).
    gamma : float or None
        None means 1 / D.

    References
    ----------
    .. [1] Binkowski et al., 2018.
    .. [2] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023.

    Examples
    --------
    >>> Kernel("rbf", gamma=1 / 2048)
    Kernel(name='rbf', gamma=0.00048828125)
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
    """Return the unbiased estimate of MMD^2 between two sets of features: KID [1]_.

    Parameters
    ----------
    real, generated : array (n, D), (n', D)
        If one of them is float64, the whole computation is in float64. If both have a narrower
        type, such as the output of a network, inner products are computed in float32, from features
        about a common origin c, so that an offset costs no digits. Norms, kernel values and sums
        are computed in float64. Float32 changes a kernel value by about
        1e-7 (1 + gamma |x - c|^2). Most of these changes cancel: the result changes by less than
        1e-8 of the mean kernel value. With fewer than 512 different images, or if gamma |x - c|^2
        exceeds 32 for one of them, float64 is used in any case.
    kernel, gamma
        See `Kernel`.
    subsets : int, optional
        None: exact, over all pairs. A number: the mean over that number of pairs of subsets of
        ``min(n, n', subset_size)`` images, each drawn without replacement. The released KID uses
        100.
    subset_size : int
    seed : int or NumPy generator
        Determines the subsets. A generator is used twice for each subset: first for generated, then
        for real images.

    Returns
    -------
    float
        May be slightly negative, because the estimator is unbiased.

    Raises
    ------
    FringeError
        Fewer than two rows, different dimensions, NaN or infinity, an unknown kernel.

    References
    ----------
    .. [1] Binkowski et al., 2018.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> real, generated = rng.normal(size=(300, 8)), rng.normal(size=(300, 8)) + 0.5
    >>> round(kernel_distance(real, generated), 4)
    1.2745
    >>> round(kernel_distance(real, generated, subsets=10, subset_size=100), 4)
    1.1437
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
    """Return the result of `kernel_distance` [1]_ for each of ``kernels``.

    The kernels share subsets and inner products.

    Parameters
    ----------
    real, generated : array (n, D), (n', D)
    kernels : sequence of Kernel
    subsets, subset_size, seed
        See `kernel_distance`.

    Returns
    -------
    list of float
        In the order of ``kernels``.

    Raises
    ------
    FringeError
        For the reasons given in `kernel_distance`.

    References
    ----------
    .. [1] Binkowski et al., 2018.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> real, generated = rng.normal(size=(300, 8)), rng.normal(size=(300, 8)) + 0.5
    >>> found = kernel_distances(real, generated, [Kernel(), Kernel("rbf")])
    >>> [round(value, 4) for value in found]
    [1.2745, 0.0733]
    """
    x, y, complete = _checked(real, generated, kernels)
    n, m = len(x), len(y)
    require_two(n, m)
    if subsets is None:
        sets = _both_about_origin(x, y, complete, min(n, m))
        return [float(v) for v in _mmd2(*sets, complete, np.ones((n, 1)), np.ones((m, 1)))[:, 0]]
    values = _of_subsets(x, y, complete, draw_subsets(n, m, subsets, subset_size, seed))
    return [float(value) for value in values.mean(axis=1)]


def draw_subsets(
    n: int, m: int, subsets: int, subset_size: int, seed: Seed
) -> list[tuple[Array, Array]]:
    """Return the rows of each subset of n real and m generated images, see `kernel_distance`.

    Raises
    ------
    FringeError
        ``subsets`` is below 1, or a subset would have fewer than two images.
    """
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
    return chosen


def kernel_distances_of_draws(
    real: Any, candidates: Any, kernels: Sequence[Kernel], counts: Any
) -> Floats:
    """Return exact kernel distances [1]_, over all pairs, of several draws of the same candidates.

    The distances are those of the repeated rows
    (``numpy.repeat(candidates, counts[:, draw], axis=0)``), but each distinct row is computed only
    once. All draws share the inner products with real images. The draws also share the inner
    products among candidates, unless computing them separately for each draw is less work.

    Parameters
    ----------
    real, candidates : array (n, D), (n', D)
        As in `kernel_distance`.
    kernels : sequence of Kernel
    counts : int array (n', draws)
        How often each candidate occurs in each draw.

    Returns
    -------
    array (draws, kernels)

    Raises
    ------
    FringeError
        For the reasons given in `kernel_distance`, or if counts are not integers or are negative.

    References
    ----------
    .. [1] Binkowski et al., 2018.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> real, candidates = rng.normal(size=(300, 8)), rng.normal(size=(4, 8))
    >>> counts = np.array([[1, 0], [1, 0], [1, 2], [1, 2]])
    >>> found = kernel_distances_of_draws(real, candidates, [Kernel()], counts)
    >>> repeated = candidates[[2, 2, 3, 3]]
    >>> bool(np.isclose(found[1, 0], kernel_distance(real, repeated)))
    True
    """
    x, y, complete = _checked(real, candidates, kernels)
    times = as_numpy(counts)
    fits = times.ndim == 2 and len(times) == len(y) and times.size
    if not fits or times.dtype.kind not in "iub" or times.min() < 0:
        raise FringeError(
            f"counts: expected integers of shape ({len(y)}, draws), none negative, "
            f"got shape {times.shape} of {times.dtype}"
        )
    times = times.astype(np.float64)
    require_two(len(x), int(times.sum(axis=0).min()))
    used = times.any(axis=1)
    if not used.all():
        y, times = y[used], times[used]
    distinct = (times > 0).sum(axis=0)
    reals, drawn = _both_about_origin(x, y, complete, min(len(x), distinct.min()))
    known = None
    if len(y) ** 2 > (distinct**2).sum():
        own = ((np.flatnonzero(column), column[:, None]) for column in times.T)
        parts = [
            _similarity(_rows_of(drawn, rows), complete, column[rows], show_progress=True)
            for rows, column in own
        ]
        known = np.concatenate(parts, axis=1)
    return _mmd2(reals, drawn, complete, np.ones((len(x), 1)), times, known, show_progress=True).T


def _checked(
    real: Any, generated: Any, kernels: Sequence[Kernel]
) -> tuple[Array, Array, list[tuple[str, float]]]:
    """Return both sets as checked matrices of equal dimensions, and the kernels with gammas."""
    x, y = as_matrix(real, "real"), as_matrix(generated, "generated")
    if x.shape[1] != y.shape[1]:
        raise FringeError(
            f"real and generated features have {x.shape[1]} and {y.shape[1]} dimensions: they "
            "come from different networks or spaces"
        )
    require_finite(x, "real")
    require_finite(y, "generated")
    return x, y, [complete_kernel(kernel, x.shape[1]) for kernel in kernels]


def require_two(real: int, generated: int) -> None:
    """Raise FringeError if one of the sets has fewer than two images."""
    if min(real, generated) < 2:
        raise FringeError(
            f"kernel distance: got {real} real and {generated} generated images; give at least two"
        )


def complete_kernel(kernel: Kernel, dim: int) -> tuple[str, float]:
    """Return the checked name and gamma of a kernel between features of ``dim`` dimensions."""
    if kernel.name not in ("polynomial", "rbf"):
        raise FringeError(f"kernel: got {kernel.name!r}; give 'polynomial' or 'rbf'")
    gamma = 1 / dim if kernel.gamma is None else float(kernel.gamma)
    if not (np.isfinite(gamma) and gamma > 0):
        raise FringeError(f"gamma: got {gamma}; give a positive number, or None for 1/D")
    return kernel.name, gamma


class _Set(NamedTuple):
    """Features x, an origin c, and the numbers per image that kernels need."""

    features: Array  # (n, D): x
    origin: Array  # (D,): c, in the type of the inner products
    squares: Floats  # (n,): |x - c|^2
    offsets: Floats  # (n,): c.(x - c) + |c|^2 / 2, so that x.y is (x - c).(y - c) + both offsets


def _both_about_origin(
    x: Array, y: Array, kernels: Sequence[tuple[str, float]], images: int
) -> tuple[_Set, _Set]:
    """Return both sets with an origin among ``x``, in float32 if float32 products are exact enough.

    ``images`` is the smallest number of different images that a mean is taken over.
    """
    # The median, because a few outliers would pull the mean away from all other images.
    origin = np.median(x[:: max(1, len(x) // 256)].astype(np.float64), axis=0)
    if images >= MANY and np.result_type(np.float32, x, y) == np.float32:
        single = origin.astype(np.float32)
        with np.errstate(over="ignore"):
            xs, ys = _about_origin(x, single), _about_origin(y, single)
        ends = xs.squares.max(), ys.squares.max()
        # Products must neither overflow nor be denormal: denormal numbers are inexact and slow.
        safe = min(ends) > 1e-20 and max(ends) < 1e30
        if safe and max(gamma for _, gamma in kernels) * max(ends) <= NEAR:
            return xs, ys
    return _about_origin(x, origin), _about_origin(y, origin)


def _about_origin(features: Array, origin: Array) -> _Set:
    wide = origin.astype(np.float64)
    squares, offsets = np.empty(len(features)), np.full(len(features), wide @ wide / 2)
    for at in _blocks(len(features), size=STRIP):
        rows = _centred(features[at], origin).astype(np.float64, copy=False)
        squares[at] = np.einsum("nd,nd->n", rows, rows)
        offsets[at] += rows @ wide
    return _Set(features, origin, squares, offsets)


def _centred(features: Array, origin: Array) -> Array:
    return np.subtract(features, origin, dtype=origin.dtype)


def _rows_of(x: _Set, rows: slice | Array) -> _Set:
    return _Set(x.features[rows], x.origin, x.squares[rows], x.offsets[rows])


def _blocks(rows: int, first: int = 0, size: int | None = None) -> Iterator[slice]:
    size = size or BLOCK
    for start in range(first, rows, size):
        yield slice(start, start + size)


def _outer_blocks(rows: int, show_progress: bool) -> Iterable[slice]:
    blocks = list(_blocks(rows))
    if not show_progress:
        return blocks
    return progress(blocks, "kernel of all pairs", total=len(blocks), unit="blocks")


def _of_subsets(
    x: Array, y: Array, kernels: Sequence[tuple[str, float]], chosen: list[tuple[Array, Array]]
) -> Floats:
    """Return MMD^2 of the chosen rows of x and y, shape (kernels, subsets).

    Either the inner products are computed separately for each subset, or one pass over all pairs
    adds each pair to every subset that contains it. The way with fewer multiply-adds for one kernel
    is used. (For one kernel, so that the value does not depend on the number of kernels.)
    """
    size, subsets, dim = len(chosen[0][0]), len(chosen), x.shape[1]
    xs, ys = _both_about_origin(x, y, kernels, size)
    if (len(x) + len(y)) ** 2 * (dim + subsets) <= 4 * subsets * size**2 * dim:
        times_x = np.stack([np.bincount(of_x, minlength=len(x)) for of_x, _ in chosen], axis=1)
        times_y = np.stack([np.bincount(of_y, minlength=len(y)) for _, of_y in chosen], axis=1)
        return _mmd2(xs, ys, kernels, times_x.astype(np.float64), times_y.astype(np.float64))
    every = np.ones((size, 1))
    parts = (
        _mmd2(_rows_of(xs, of_x), _rows_of(ys, of_y), kernels, every, every)
        for of_x, of_y in chosen
    )
    return np.concatenate(list(parts), axis=1)


def _mmd2(
    x: _Set,
    y: _Set,
    kernels: Sequence[tuple[str, float]],
    times_x: Floats,
    times_y: Floats,
    similarity: Floats | None = None,
    show_progress: bool = False,
) -> Floats:
    """Return the unbiased MMD^2 over all pairs within each subset, shape (kernels, subsets).

    ``times_x`` (n, subsets or 1) and ``times_y`` (m, subsets) are the counts of each row in each
    subset. ``similarity`` (kernels, subsets) is the `_similarity` of y, if already computed.
    """
    between = np.zeros((len(kernels), times_y.shape[1]))
    for at in _outer_blocks(len(x.features), show_progress):
        rows, part = _centred(x.features[at], x.origin), _rows_of(x, at)
        for other in _blocks(len(y.features)):
            products = rows @ _centred(y.features[other], y.origin).T
            others = _rows_of(y, other)
            between += _sums(products, part, others, kernels, times_x[at], times_y[other])
    between /= times_x.sum(axis=0) * times_y.sum(axis=0)
    of_x = _similarity(x, kernels, times_x, show_progress)
    of_y = _similarity(y, kernels, times_y, show_progress) if similarity is None else similarity
    return np.asarray(of_x + of_y - 2 * between)


def _similarity(
    x: _Set, kernels: Sequence[tuple[str, float]], times: Floats, show_progress: bool = False
) -> Floats:
    """Return the means of k(x_i, x_j) over pairs of two images, shape (kernels, subsets).

    Repeated images count as different images with equal features. Blocks above the diagonal are
    counted twice, because the kernel is symmetric.
    """
    total = np.zeros((len(kernels), times.shape[1]))
    for at in _outer_blocks(len(x.features), show_progress):
        rows, part = _centred(x.features[at], x.origin), _rows_of(x, at)
        total += _sums_within(rows @ rows.T, part, kernels, times[at])
        for other in _blocks(len(x.features), at.stop):
            products = rows @ _centred(x.features[other], x.origin).T
            others = _rows_of(x, other)
            total += 2 * _sums(products, part, others, kernels, times[at], times[other])
    images = times.sum(axis=0)
    return np.asarray(total / (images * (images - 1)))


def _sums(
    products: Array,
    x: _Set,
    y: _Set,
    kernels: Sequence[tuple[str, float]],
    times_x: Floats,
    times_y: Floats,
) -> Floats:
    """Return the sums of k(x_i, y_j) over pairs in each subset, shape (kernels, subsets).

    ``products`` (n, m) are the inner products of centred rows.
    """
    total = np.zeros((len(kernels), times_y.shape[1]))
    for at in _blocks(len(products), size=STRIP):
        for index, values in enumerate(_values(products[at], _rows_of(x, at), y, kernels)):
            total[index] += _weighted_sums(times_x[at], values, times_y)
    return total


def _sums_within(
    products: Array, x: _Set, kernels: Sequence[tuple[str, float]], times: Floats
) -> Floats:
    """Return `_sums` within x, without the pairs of an image with itself."""
    total = np.zeros((len(kernels), times.shape[1]))
    for at in _blocks(len(products), size=STRIP):
        beyond = slice(at.start, None)
        # Columns beyond the square on the diagonal also count for their mirror image.
        columns = 2 * times[beyond]
        columns[:STRIP] /= 2
        copies = times[at] * (times[at] - 1)  # pairs of two copies of one image
        strips = _values(products[at, beyond], _rows_of(x, at), _rows_of(x, beyond), kernels)
        for index, values in enumerate(strips):
            own = values.diagonal().copy()
            np.fill_diagonal(values, 0)
            total[index] += _weighted_sums(times[at], values, columns)
            total[index] += own @ copies
            np.fill_diagonal(values, own)
    return total


def _weighted_sums(rows: Floats, values: Floats, columns: Floats) -> Floats:
    """Return, for each subset s, the sum of rows_is values_ij columns_js."""
    return np.asarray(np.einsum("is,is->s", rows, values @ columns))


def _values(
    products: Array, x: _Set, y: _Set, kernels: Sequence[tuple[str, float]]
) -> Iterator[Floats]:
    """Yield each kernel's values (n, m). The caller must not change them: they may be reused.

    ``products`` (n, m) are the inner products of centred rows.
    """
    products = products.astype(np.float64)
    distances: Floats | None = None
    values: Floats | None = None
    before = np.nan  # gamma of the Gaussian kernel in `values`
    for name, gamma in kernels:
        if name == "polynomial":
            base = gamma * products
            base += (gamma * x.offsets + 1)[:, None]
            base += gamma * y.offsets
            cube = base * base
            cube *= base
            yield cube
            continue
        if distances is None:
            distances = -2 * products
            distances += x.squares[:, None]
            distances += y.squares
            # A distance near 0 may come out negative. Clipping at 0 would take far longer than abs.
            np.abs(distances, out=distances)
        if values is not None and gamma == 2 * before:
            # Square the values of the kernel before: this is much faster than an exponential, and
            # only doubles the rounding error of that kernel.
            np.square(values, out=values)
        else:
            values = -gamma * distances
            np.exp(values, out=values)
        before = gamma
        yield values
