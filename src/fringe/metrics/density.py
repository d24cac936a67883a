"""Density and coverage (Naeem et al., ICML 2020, arXiv 2002.09797), exact and in bounded memory.

The ball about each of n real images x_i has a radius r_i, the distance to its k-th nearest real
neighbour (the image itself does not count). For m generated images y_j,

    density  = 1 / (k m) sum_j sum_i 1[|x_i - y_j| < r_i],
    coverage = 1 / n sum_i 1[min_j |x_i - y_j| < r_i],

as in `prdc.compute_prdc` of the authors' code. The comparison is strict (`<`), unlike the `<=` of
precision and recall.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats
from fringe.metrics.balls import (
    BLOCK,
    Balls,
    Features,
    balls_about,
    blocks,
    distances_between,
    distinct_rows,
    exact_pairs,
    exact_radii,
    full_precision,
    load,
    on_gpu,
    require_alike,
    require_counts,
)
from fringe.metrics.scored import Scored
from fringe.seeds import random_stream

__all__ = ["DensityCoverage", "density_coverage", "density_coverages"]

GROUPS = 5  # disjoint groups of images in one partition
PARTITIONS = 4  # each has 4 degrees of freedom: the error itself varies by about 18%
SEED = 2020
MANY = 0.5  # share of balls with open decisions above which products are computed in float64
FEWEST = 10  # images of a group per neighbour; with fewer images, no error is given


class DensityCoverage(NamedTuple):
    """Density and coverage.

    Attributes
    ----------
    density : Scored
        From 0 to n / k; about 1 if both sets are alike.
    coverage : Scored
        From 0 to 1.
    """

    density: Scored
    coverage: Scored


def density_coverage(
    real: Any,
    generated: Any,
    k: int = 5,
    *,
    dtype: Literal["float32", "float64"] = "float32",
    block: int = BLOCK,
) -> DensityCoverage:
    """Return density and coverage of generated features [1]_.

    Parameters
    ----------
    real, generated : array (n, D), (m, D), or an object that supports slices of rows
        Computed on the GPU if one of them is a tensor on a GPU. Read in blocks.
    k : int
        Number of neighbours: 5 in [1]_, `prdc` and dgm-eval.
    dtype : "float32" or "float64"
        The type that features are rounded to. All decisions are exact: they are those of distances
        summed from differences in float64. The result depends neither on ``block`` nor on the
        device.
    block : int
        Images per side of a block of distances; memory grows with its square.

    Returns
    -------
    DensityCoverage
        The errors cover the choice of images, real and generated, for sets of these sizes. The
        images are divided into 5 disjoint groups in four random ways, and the variance between the
        groups is divided by 5. This is valid for sums of local terms [2]_. docs/metrics.md compares
        the errors to the true spread in a simulation. The errors are None if a set has fewer than
        50 (k + 1) images.

    Raises
    ------
    FringeError
        Different dimensions, NaN or infinity, fewer than k + 1 images in a set, distances too
        large for ``dtype``.

    References
    ----------
    .. [1] Naeem et al., ICML 2020, arXiv 2002.09797.
    .. [2] Penrose and Yukich, 2001.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(200, 4))
    >>> found = density_coverage(x, x[:50])
    >>> round(found.density.value, 3), round(found.coverage.value, 3)
    (1.028, 0.8)
    """
    return next(density_coverages(real, [generated], k, dtype=dtype, block=block))


def density_coverages(
    real: Any,
    generated: Iterable[Any],
    k: int = 5,
    *,
    dtype: Literal["float32", "float64"] = "float32",
    block: int = BLOCK,
) -> Iterator[DensityCoverage]:
    """Yield the result of `density_coverage` [1]_ for each generated set.

    The balls about the real images are computed once and shared by all generated sets.

    Parameters
    ----------
    real : array (n, D), or an object that supports slices of rows
    generated : iterable of arrays (m, D), or of objects that support slices of rows
    k, dtype, block
        See `density_coverage`.

    Yields
    ------
    DensityCoverage

    Raises
    ------
    FringeError
        For the reasons given in `density_coverage`.

    References
    ----------
    .. [1] Naeem et al., ICML 2020, arXiv 2002.09797.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(200, 4))
    >>> found = density_coverages(x, [x[:50], x + 100])
    >>> [(round(f.density.value, 3), f.coverage.value) for f in found]
    [(1.028, 0.8), (0.0, 0.0)]
    """
    import torch

    if dtype not in ("float32", "float64"):
        raise FringeError(f"dtype: got {dtype!r}; give 'float32' or 'float64'")
    require_counts(k=k, block=block)
    k, block = int(k), int(block)
    x: Features | None = None
    known: dict[str, Balls] = {}
    for other in generated:
        with torch.inference_mode(), full_precision():
            device = next((str(v.device) for v in (real, other) if on_gpu(v)), "cpu")
            if x is None or x.device != device:
                x, known = Features(real, "real", dtype, device), {}
            y = Features(other, "generated", dtype, device)
            require_alike(x, y, k)
            density, coverage = _measure(x, y, k, block, known)
            errors = _errors(x, y, k)
        yield DensityCoverage(Scored(density, errors[0]), Scored(coverage, errors[1]))


def _errors(x: Features, y: Features, k: int) -> tuple[float, float] | tuple[None, None]:
    """Return the standard errors of density and coverage, from disjoint groups of images."""
    if min(x.count, y.count) < GROUPS * FEWEST * (k + 1):
        return None, None
    variances = []
    for partition in range(PARTITIONS):
        rng = random_stream(SEED, "density", "groups", partition)
        orders = [rng.permutation(side.count) for side in (x, y)]
        found = []
        for group in range(GROUPS):
            parts = [np.sort(order[group::GROUPS]) for order in orders]
            one, other = (side.part(rows) for side, rows in zip((x, y), parts, strict=True))
            found.append(_measure(one, other, k, BLOCK, {}))
        variances.append(np.var(found, axis=0, ddof=1) / GROUPS)
    density, coverage = np.sqrt(np.mean(variances, axis=0))
    return float(density), float(coverage)


def _measure(
    x: Features, y: Features, k: int, block: int, known: dict[str, Balls]
) -> tuple[float, float]:
    """Return density and coverage. ``known`` caches the balls about x for each arithmetic."""
    for arithmetic in ("float32", "float64") if x.dtype == "float32" else ("float64",):
        if arithmetic not in known:
            known[arithmetic] = balls_about(x, k, block, arithmetic)
        balls = known[arithmetic]
        inside, open_ = _counted(x, y, balls, block, arithmetic)
        if open_.mean() <= MANY:
            break
    if open_.any():
        rows = np.flatnonzero(open_)
        inside[rows] = _settled(x, y, rows, balls, k, block, arithmetic)
    return float(inside.sum() / (k * y.count)), float((inside > 0).mean())


def _counted(
    x: Features, y: Features, balls: Balls, block: int, arithmetic: str
) -> tuple[Array, Array]:
    """Return the number of y that are surely inside each ball (n,), and which balls are open (n,).

    A ball is open if more of y may be inside than are surely inside.
    """
    import torch

    inside = torch.zeros(x.count, dtype=torch.int64, device=x.device)
    open_ = torch.zeros(x.count, dtype=torch.bool, device=x.device)
    for at_y in blocks(y.count, block):
        b = load(y, at_y, x.centre, arithmetic)
        for at_x in blocks(x.count, block):
            a = load(x, at_x, x.centre, arithmetic)
            distances = distances_between(a, b, arithmetic)
            surely = (distances < balls.low[at_x, None]).sum(dim=1)
            distances.sub_(2 * b.errors).sub_(2 * a.errors[:, None])
            inside[at_x] += surely
            open_[at_x] |= (distances < balls.high[at_x, None]).sum(dim=1) > surely
    return inside.cpu().numpy(), open_.cpu().numpy()


def _settled(
    x: Features, y: Features, rows: Array, balls: Balls, k: int, block: int, arithmetic: str
) -> Array:
    """Return the number of y inside each ball about ``rows`` of x, which `_counted` left open.

    All pairs are counted again, because the products of a different block round differently. Pairs
    of identical copies are compared once in each block.
    """
    distinct, copies = distinct_rows(x, rows)
    parts = [
        exact_radii(x, distinct[at], balls.high, k, block, arithmetic)
        for at in blocks(len(distinct), block)
    ]
    radii = np.concatenate(parts)[copies]
    inside = np.zeros(len(rows), dtype=np.int64)
    for at in blocks(len(rows), block):
        part = rows[at]
        a = load(x, part, x.centre, arithmetic)
        low, high = balls.low[part, None], balls.high[part, None]
        for at_y in blocks(y.count, block):
            b = load(y, at_y, x.centre, arithmetic)
            upper = distances_between(a, b, arithmetic)
            surely = upper < low
            maybe = upper.sub_(2 * b.errors).sub_(2 * a.errors[:, None]) < high
            inside[at] += surely.sum(dim=1).cpu().numpy()
            i, j = (v.cpu().numpy() for v in (maybe & ~surely).nonzero(as_tuple=True))
            if len(i):
                squares = _of_pairs(x, part[i], y, at_y.start + j)
                inside[at] += np.bincount(i[squares < radii[at][i]], minlength=len(part))
    return inside


def _of_pairs(x: Features, rows: Array, y: Features, columns: Array) -> Floats:
    """Return the squared distances of pairs of rows. Identical pairs are computed once."""
    (of_x, x_rows), (of_y, y_rows) = (_grouped(side, at) for side, at in ((x, rows), (y, columns)))
    pairs, places = np.unique(of_x * len(y_rows) + of_y, return_inverse=True)
    first, second = x_rows[pairs // len(y_rows)], y_rows[pairs % len(y_rows)]
    squares: Floats = exact_pairs(x, first, y, second)[places]
    return squares


def _grouped(side: Features, rows: Array) -> tuple[Array, Array]:
    """Return the group of identical rows that each of ``rows`` is in, and one row of each group."""
    different, places = np.unique(rows, return_inverse=True)
    first, groups = distinct_rows(side, different)
    return groups[places], first
