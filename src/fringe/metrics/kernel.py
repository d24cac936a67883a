"""Kernel distances: the squared maximum mean discrepancy (MMD^2) with an unbiased estimator."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats, as_matrix, require_finite
from fringe.seeds import random_stream

__all__ = ["Kernel", "kernel_distance", "kernel_distances"]

BLOCK = 1024  # rows per block of kernel values

Seed: TypeAlias = int | np.random.Generator | np.random.RandomState


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
    """Return `kernel_distance` for each of ``kernels``: they share subsets and inner products."""
    x, y = as_matrix(real, "real"), as_matrix(generated, "generated")
    if x.shape[1] != y.shape[1]:
        raise FringeError(
            f"real and generated features have {x.shape[1]} and {y.shape[1]} dimensions: they "
            "come from different networks or spaces"
        )
    require_finite(x, "real")
    require_finite(y, "generated")
    full = [_complete(kernel, x.shape[1]) for kernel in kernels]
    if min(len(x), len(y)) < 2:
        raise FringeError(
            f"kernel distance: got {len(x)} real and {len(y)} generated images; give at least two"
        )
    if subsets is None:
        values = _mmd2(x, y, full, np.ones((len(x), 1)), np.ones((len(y), 1)))
        return [float(value) for value in values[:, 0]]
    size = min(len(x), len(y), subset_size)
    if subsets < 1 or size < 2:
        raise FringeError(
            f"kernel distance: got {subsets} subsets of {subset_size}; "
            "give at least one, of two images or more"
        )
    rng = random_stream(seed, "kernel subsets") if isinstance(seed, int | np.integer) else seed
    chosen = []
    for _ in range(subsets):
        of_y = rng.choice(len(y), size, replace=False)
        chosen.append((rng.choice(len(x), size, replace=False), of_y))
    values = _of_subsets(x, y, full, chosen)
    return [float(value) for value in values.mean(axis=1)]


def _of_subsets(
    x: Array, y: Array, kernels: Sequence[tuple[str, float]], chosen: list[tuple[Array, Array]]
) -> Floats:
    """Return MMD^2 of the chosen rows of x and y, shape (kernels, subsets).

    Either each subset has its own inner products, or all take theirs from one pass over all
    pairs, whichever are fewer.
    """
    size, subsets = len(chosen[0][0]), len(chosen)
    if (len(x) + len(y)) ** 2 <= 4 * subsets * size**2:
        members_x, members_y = np.zeros((len(x), subsets)), np.zeros((len(y), subsets))
        for subset, (of_x, of_y) in enumerate(chosen):
            members_x[of_x, subset] = members_y[of_y, subset] = 1
        return _mmd2(x, y, kernels, members_x, members_y)
    every = np.ones((size, 1))
    return np.concatenate(
        [_mmd2(x[of_x], y[of_y], kernels, every, every) for of_x, of_y in chosen], axis=1
    )


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
    members_x: Floats,
    members_y: Floats,
) -> Floats:
    """Return the unbiased MMD^2 over all pairs within each subset, shape (kernels, subsets).

    ``members_x`` (n, subsets) and ``members_y`` (m, subsets) are 1 where a row belongs to a
    subset, else 0.
    """
    n, m = members_x.sum(axis=0), members_y.sum(axis=0)
    between = np.zeros((len(kernels), len(n)))
    for at, block_x in _blocks(x):
        for other, block_y in _blocks(y):
            for index, values in enumerate(_values(block_x, block_y, kernels)):
                between[index] += _sums(members_x[at], values, members_y[other])
    within_x, within_y = _within(x, kernels, members_x), _within(y, kernels, members_y)
    value = within_x / (n * (n - 1)) + within_y / (m * (m - 1)) - 2 * between / (n * m)
    return np.asarray(value)


def _within(x: Array, kernels: Sequence[tuple[str, float]], members: Floats) -> Floats:
    """Return the sums of k(x_i, x_j) over i != j; blocks above the diagonal count twice."""
    total = np.zeros((len(kernels), members.shape[1]))
    for at, block in _blocks(x):
        for index, values in enumerate(_values(block, block, kernels)):
            np.fill_diagonal(values, 0)
            total[index] += _sums(members[at], values, members[at])
        for other, rest in _blocks(x, at.stop):
            for index, values in enumerate(_values(block, rest, kernels)):
                total[index] += 2 * _sums(members[at], values, members[other])
    return total


def _sums(rows: Floats, values: Floats, columns: Floats) -> Floats:
    """Return, for each subset s, the sum of rows_is values_ij columns_js."""
    return np.asarray(np.einsum("is,is->s", rows, values @ columns))


def _blocks(x: Array, first: int = 0) -> Iterator[tuple[slice, Floats]]:
    for start in range(first, len(x), BLOCK):
        at = slice(start, start + BLOCK)
        yield at, x[at].astype(np.float64)


def _values(x: Floats, y: Floats, kernels: Sequence[tuple[str, float]]) -> Iterator[Floats]:
    """Yield the matrix of kernel values of each kernel."""
    products = x @ y.T
    distances: Floats | None = None
    for name, gamma in kernels:
        if name == "polynomial":
            base = gamma * products + 1
            yield base * base * base
            continue
        if distances is None:
            squares = np.einsum("nd,nd->n", x, x)[:, None] + np.einsum("nd,nd->n", y, y)
            distances = np.maximum(squares - 2 * products, 0)
        yield np.exp(-gamma * distances)
