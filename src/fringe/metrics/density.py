"""Density and coverage (Naeem et al., ICML 2020, arXiv 2002.09797), exact and in bounded memory.

About each of n real images lies a ball that reaches to its k-th nearest real neighbour, itself not
counted. With r_i its radius, of m generated images y_j

    density  = 1 / (k m) sum_j sum_i 1[|x_i - y_j| < r_i],
    coverage = 1 / n sum_i 1[min_j |x_i - y_j| < r_i],

as `prdc.compute_prdc` of their code has it. `<` is strict there, unlike `<=` of precision and
recall.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

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

if TYPE_CHECKING:
    pass

__all__ = ["DensityCoverage", "density_coverage", "density_coverages"]

GROUPS = 5  # disjoint groups of images that one partition has
PARTITIONS = 4  # each gives 4 degrees of freedom: the error is within 18% or so of its mean
SEED = 2020
MANY = 0.5  # share of balls with open decisions above which products are taken in float64
FEWEST = 10  # images of a group per neighbour; with fewer there is no error


class DensityCoverage(NamedTuple):
    """Density, from 0 to n / k and about 1 if both sets are alike, and coverage, from 0 to 1."""

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
    """Return density and coverage of generated features.

    Parameters
    ----------
    real, generated : array (n, D), (m, D), or something that gives slices of rows
        Computed on the GPU where one of them is a tensor there. Read in blocks.
    k : int
        5 in Naeem et al. 2020, `prdc` and dgm-eval.
    dtype : "float32" or "float64"
        What features are rounded to. All decisions are those of distances summed from differences
        in float64; neither ``block`` nor the device matters.
    block : int
        Images per side of a block of distances; memory grows with its square.

    Returns
    -------
    DensityCoverage
        Their errors are those of sets of other images, real and generated, of these sizes: the
        spread between 5 disjoint groups of the images over 5, for four random partitions. That
        holds for sums of local terms (Penrose and Yukich 2001). docs/metrics.md compares it to the
        true spread in a simulation. None for fewer than 50 (k + 1) images in a set.

    Raises
    ------
    FringeError
        Different dimensions, NaN or infinity, fewer than k + 1 images in a set, distances too
        large for ``dtype``.

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
    """Yield `density_coverage` of each generated set; they share the radii of the real one."""
    import torch

    if dtype not in ("float32", "float64"):
        raise FringeError(f"dtype: got {dtype!r}; known are 'float32' and 'float64'")
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
    """Return the standard errors of density and coverage, from disjoint groups of the images."""
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
    """Return density and coverage; ``known`` keeps the balls about x, by arithmetic."""
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
    """Return how many of y are surely inside each ball (n,), and where others may be (n,)."""
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
    """Return how many of y are inside each ball about ``rows`` of x, which `_counted` leaves open.

    All pairs are counted again: the products of another block round in another way. A pair of
    identical copies is compared once in each block.
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
    """Return squared distances of pairs of rows, those of identical pairs computed once."""
    (of_x, x_rows), (of_y, y_rows) = (_grouped(side, at) for side, at in ((x, rows), (y, columns)))
    pairs, places = np.unique(of_x * len(y_rows) + of_y, return_inverse=True)
    first, second = x_rows[pairs // len(y_rows)], y_rows[pairs % len(y_rows)]
    squares: Floats = exact_pairs(x, first, y, second)[places]
    return squares


def _grouped(side: Features, rows: Array) -> tuple[Array, Array]:
    """Return for each of ``rows`` its group of identical ones, and one row of each group."""
    different, places = np.unique(rows, return_inverse=True)
    first, groups = distinct_rows(side, different)
    return groups[places], first
