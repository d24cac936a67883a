"""Improved precision and recall (Kynkäänniemi et al. 2019), exact and in bounded memory.

The manifold of a set of features is the union of the balls about each of them that reach to its
k-th nearest neighbour. Precision is the share of generated images inside the manifold of the real
images. Recall is the share of real images inside the manifold of the generated images.

`fringe.metrics.balls` explains why decisions are exact although distances come from products.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Array
from fringe.metrics.balls import (
    BLOCK,
    MANY,
    Balls,
    DType,
    Features,
    Points,
    balls_about,
    blocks,
    distances_between,
    distinct_rows,
    exact_distances,
    exact_radii,
    full_precision,
    load,
    near_pairs,
    on_gpu,
    require_alike,
    require_counts,
)

if TYPE_CHECKING:
    import torch

__all__ = [
    "DType",
    "PrecisionRecall",
    "precision_recall",
    "precision_recall_error",
    "precision_recalls",
]


class PrecisionRecall(NamedTuple):
    """Precision and recall.

    Attributes
    ----------
    precision : float
        Share of generated images inside the manifold of the real images, from 0 to 1.
    recall : float
        Share of real images inside the manifold of the generated images, from 0 to 1.
    """

    precision: float
    recall: float


def precision_recall(
    real: Any, generated: Any, k: int = 3, *, dtype: DType = "float32", block: int = BLOCK
) -> PrecisionRecall:
    """Return improved precision and recall [1]_ of generated features.

    An image x is inside a manifold if, for at least one image z of the manifold, the distance from
    x to z is at most the distance from z to its k-th nearest neighbour (z itself does not count).

    Parameters
    ----------
    real, generated : array (n, D), (m, D), or an object that supports slices of rows
        Computed on the GPU if one of them is a tensor on a GPU. Only blocks of rows are converted
        or moved.
    k : int
        Number of neighbours: 3 in [1]_ and in the released code.
    dtype : "float32", "float64" or "float16"
        The type that features are rounded to. With "float32" and "float64", all decisions are
        exact: they are those of distances summed from differences in float64, and depend neither
        on ``block`` nor on the device. "float16" repeats the arithmetic of NVIDIA's released code,
        for comparison with published values: squared norms, distances and radii are in half
        precision, which adds a noise of some tenths of a percent.
    block : int
        Images per side of a block of distances; memory grows with its square.

    Returns
    -------
    PrecisionRecall

    Raises
    ------
    FringeError
        Different dimensions, NaN or infinity, fewer than k + 1 images in a set, distances too
        large for ``dtype``.

    References
    ----------
    .. [1] Kynkäänniemi et al., 2019, arXiv 1904.06991.

    Examples
    --------
    >>> precision_recall([[0.0], [1], [2], [3]], [[1.5], [2.5], [9], [10]], k=1)
    PrecisionRecall(precision=0.5, recall=0.75)
    """
    return next(precision_recalls(real, [generated], k, dtype=dtype, block=block))


def precision_recall_error(found: PrecisionRecall, *, real: int, generated: int) -> PrecisionRecall:
    """Return the standard errors of precision and recall, each given the other side's manifold.

    Given the real images, each generated image is independently inside or outside their manifold,
    so the error of precision is sqrt(p (1 - p) / m) exactly. Given the generated images, the error
    of recall is sqrt(r (1 - r) / n). These errors do not cover the choice of the images that a
    manifold consists of. With that choice, the errors are larger: docs/metrics.md gives the factor
    in a simulation.

    Parameters
    ----------
    found : PrecisionRecall
    real, generated : int
        The numbers of images n and m.

    Returns
    -------
    PrecisionRecall
        The standard errors.

    Raises
    ------
    FringeError
        If a number of images is below 1.

    Examples
    --------
    >>> precision_recall_error(PrecisionRecall(0.5, 0.5), real=625, generated=2500)
    PrecisionRecall(precision=0.01, recall=0.02)
    """
    require_counts(real=real, generated=generated)
    p, r = found
    return PrecisionRecall(
        float(np.sqrt(p * (1 - p) / generated)), float(np.sqrt(r * (1 - r) / real))
    )


def precision_recalls(
    real: Any,
    generated: Iterable[Any],
    k: int = 3,
    *,
    dtype: DType = "float32",
    block: int = BLOCK,
) -> Iterator[PrecisionRecall]:
    """Yield the result of `precision_recall` [1]_ for each generated set.

    The balls about the real images are computed once and shared by all generated sets.

    Parameters
    ----------
    real : array (n, D), or an object that supports slices of rows
    generated : iterable of arrays (m, D), or of objects that support slices of rows
    k, dtype, block
        See `precision_recall`.

    Yields
    ------
    PrecisionRecall

    Raises
    ------
    FringeError
        For the reasons given in `precision_recall`.

    References
    ----------
    .. [1] Kynkäänniemi et al., 2019, arXiv 1904.06991.

    Examples
    --------
    >>> real, near, far = [[0.0], [1], [2]], [[0.5], [1.5], [2.5]], [[7.0], [8], [9]]
    >>> for found in precision_recalls(real, [near, far], k=1):
    ...     print(found)
    PrecisionRecall(precision=1.0, recall=1.0)
    PrecisionRecall(precision=0.0, recall=0.0)
    """
    import torch

    if dtype not in ("float16", "float32", "float64"):
        raise FringeError(f"dtype: got {dtype!r}; give 'float16', 'float32' or 'float64'")
    require_counts(k=k, block=block)
    x: Features | None = None
    balls: dict[str, Balls] = {}
    for other in generated:
        with torch.inference_mode(), full_precision():
            device = next((str(v.device) for v in (real, other) if on_gpu(v)), "cpu")
            if x is None or x.device != device:
                x, balls = Features(real, "real", dtype, device), {}
            y = Features(other, "generated", dtype, device)
            require_alike(x, y, k)
            result = _measure(x, y, int(k), int(block), balls)
        yield result


def _measure(
    x: Features, y: Features, k: int, block: int, known: dict[str, Balls]
) -> PrecisionRecall:
    """Return precision and recall. ``known`` caches the balls about x for each arithmetic."""
    tries = {"float32": ("float32", "float64")}.get(x.dtype, (x.dtype,))
    for arithmetic in tries:
        if arithmetic not in known:
            known[arithmetic] = balls_about(x, k, block, arithmetic)
        balls = known[arithmetic], balls_about(y, k, block, arithmetic)
        inside, maybe = _bounded(x, y, balls, block, arithmetic)
        open_ = [np.flatnonzero(m & ~i) for i, m in zip(inside, maybe, strict=True)]
        if all(len(rows) <= MANY * len(i) for rows, i in zip(open_, inside, strict=True)):
            break
    for probes, manifold, side in ((x, y, 0), (y, x, 1)):
        if len(open_[side]):
            high = balls[1 - side].high
            inside[side][open_[side]] = _settle(
                probes, open_[side], manifold, high, x.centre, k, block, arithmetic
            )
    return PrecisionRecall(precision=float(inside[1].mean()), recall=float(inside[0].mean()))


def _bounded(
    x: Features, y: Features, balls: tuple[Balls, Balls], block: int, arithmetic: str
) -> tuple[list[Array], list[Array]]:
    """Return which rows of x and y are surely inside the other manifold, and which may be."""
    import torch

    inside, maybe = (
        [torch.zeros(side.count, dtype=torch.bool, device=x.device) for side in (x, y)]
        for _ in range(2)
    )
    of_x, of_y = balls
    for at_y in blocks(y.count, block):
        b = load(y, at_y, x.centre, arithmetic)
        for at_x in blocks(x.count, block):
            a = load(x, at_x, x.centre, arithmetic)
            distances = distances_between(a, b, arithmetic)
            inside[0][at_x] |= (distances <= of_y.low[at_y]).any(dim=1)
            inside[1][at_y] |= (distances <= of_x.low[at_x, None]).any(dim=0)
            distances.sub_(2 * b.errors).sub_(2 * a.errors[:, None])
            maybe[0][at_x] |= (distances <= of_y.high[at_y]).any(dim=1)
            maybe[1][at_y] |= (distances <= of_x.high[at_x, None]).any(dim=0)
    return [rows.cpu().numpy() for rows in inside], [rows.cpu().numpy() for rows in maybe]


def _settle(
    probes: Features,
    rows: Array,
    manifold: Features,
    high: "torch.Tensor",
    centre: "torch.Tensor",
    k: int,
    block: int,
    arithmetic: str,
) -> Array:
    """Return which of the ``rows`` of ``probes`` are inside the manifold, using differences.

    Only distinct rows are compared, each with all images of the manifold that are near it. If g
    rows are equal in both sets, this takes g differences for the distances and g for the radius,
    not g^2.
    """

    def near(a: Points, at: slice) -> Array:
        b = load(manifold, at, centre, arithmetic)
        return near_pairs(a, b, high[at], arithmetic)

    distinct, copies = distinct_rows(probes, rows)
    parts = [distinct[at] for at in blocks(len(distinct), block)]
    balls = np.zeros(manifold.count, dtype=bool)
    for part in parts:
        a = load(probes, part, centre, arithmetic)
        for at in blocks(manifold.count, block):
            balls[at] |= near(a, at).any(axis=0)
    needed, same = distinct_rows(manifold, np.flatnonzero(balls))
    squares = [
        exact_radii(manifold, needed[at], high, k, block, arithmetic)
        for at in blocks(len(needed), block)
    ]
    radii = np.full(manifold.count, -np.inf)
    radii[balls] = np.concatenate(squares)[same]
    found = []
    for part in parts:
        a = load(probes, part, centre, arithmetic)
        hit = np.zeros(len(part), dtype=bool)
        for at in blocks(manifold.count, block):
            pairs = near(a, at) & ~hit[:, None]
            hit |= (exact_distances(probes, part, manifold, at, pairs) <= radii[at]).any(axis=1)
        found.append(hit)
    settled: Array = np.concatenate(found)[copies]
    return settled
