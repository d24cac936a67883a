"""Improved precision and recall (Kynkäänniemi et al. 2019), exact and in bounded memory.

The manifold of a set of features is a ball about each of them that reaches to its k-th nearest
neighbour. Precision is the share of generated images inside the manifold of the real ones, recall
the share of real images inside that of the generated ones.

`fringe.metrics.balls` says how decisions are exact although distances come from products.
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
    """Shares from 0 to 1: generated images in the real manifold, real in the generated one."""

    precision: float
    recall: float


def precision_recall(
    real: Any, generated: Any, k: int = 3, *, dtype: DType = "float32", block: int = BLOCK
) -> PrecisionRecall:
    """Return improved precision and recall of generated features.

    An image is inside a manifold if its distance to one image there, at least, is no greater than
    from that image to its k-th nearest neighbour, itself not counted.

    Parameters
    ----------
    real, generated : array (n, D), (m, D)
        Computed on the GPU where one of them is a tensor there. Read in blocks: only those are
        converted or moved.
    k : int
        3 in Kynkäänniemi et al. 2019 and the released code.
    dtype : "float32", "float64" or "float16"
        What features are rounded to. With the first two, all decisions are those of distances
        summed from differences in float64; neither ``block`` nor the device matters. "float16" is
        the arithmetic of NVIDIA's released code: squared norms, distances and radii in half
        precision, a noise of some tenths of a percent. For comparison with published values.
    block : int
        Images per side of a block of distances; memory grows with its square.

    Raises
    ------
    FringeError
        Different dimensions, NaN or infinity, fewer than k + 1 images in a set, distances too
        large for ``dtype``.
    """
    return next(precision_recalls(real, [generated], k, dtype=dtype, block=block))


def precision_recall_error(found: PrecisionRecall, *, real: int, generated: int) -> PrecisionRecall:
    """Return one standard error of precision and of recall, each given the other side's manifold.

    Given the real images, generated images are independently inside their manifold or not, so the
    error of precision is sqrt(p (1 - p) / m) exactly. That of recall is sqrt(r (1 - r) / n), given
    the generated images. The luck of the images that a manifold is made of is left out; with it,
    errors are larger: docs/metrics.md says by how much in a simulation.

    Parameters
    ----------
    found : PrecisionRecall
    real, generated : int
        The numbers of images n and m.

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
    """Yield `precision_recall` of each generated set; they share the radii of the real one."""
    import torch

    if dtype not in ("float16", "float32", "float64"):
        raise FringeError(f"dtype: got {dtype!r}; known are 'float16', 'float32' and 'float64'")
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
    """Return precision and recall; ``known`` keeps the balls about x, by arithmetic."""
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
    """Return which rows of x and y are surely in the other's manifold, and which may be."""
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
    """Return which of the ``rows`` of ``probes`` are inside the manifold, by differences.

    Distinct rows alone are compared, each with all of the manifold that is near: of g equal rows
    in both sets this takes g differences for the distances and g for the radius, not g^2.
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
