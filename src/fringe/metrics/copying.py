"""C_T, a test for copies of training images (Meehan, Chaudhuri and Dasgupta, AISTATS 2020).

If generated images are nearer to the training images than test images are, they may be copies. In
each cell of a partition, the Mann-Whitney statistic U compares the distances of m generated and n
test images to the nearest training image. U is the number of pairs in which the generated image is
farther away. Pairs of equal distances count half:

    Z = (U - (n m / 2 - 1/2)) / sqrt(n m (n + m + 1) / 12).

C_T is the mean of Z over the cells, weighted by their numbers of test images (arXiv 2004.05675).
The settings are those of dgm-eval's `ct.py`: 64 principal components of the training images, 3
k-means cells of these components, and only cells with more than 20 generated images.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats, as_rows, read_rows
from fringe.metrics.balls import Features, full_precision, require_counts
from fringe.metrics.clusters import cells_of, cluster_centres
from fringe.metrics.gaussian import Gaussian, principal_axes
from fringe.metrics.neighbours import nearest_neighbours
from fringe.metrics.scored import Scored
from fringe.seeds import random_stream

__all__ = ["memorization"]

ROWS = 2048  # images that are processed at a time
FEWEST = 20  # a cell counts only if it has more generated images than this


def memorization(
    training: Any,
    test: Any,
    generated: Any,
    *,
    cells: int = 3,
    components: int = 64,
    seed: int = 2020,
) -> Scored:
    """Return C_T of generated images [1]_, which is far below 0 if they copy training images.

    A value of about -3 or less means that generated images are nearer to the training images than
    new images of the same kind are. A value of about 3 or more means that they are farther away:
    the generator underfits. If generated and test images come from the same distribution, C_T is
    about normally distributed with a variance of at most 1.

    Parameters
    ----------
    training, test, generated : array (l, D), (n, D), (m, D), or objects that support slices of rows
        Test images are like the training images, but not among them. Read in blocks; only
        ``components`` numbers of each image are held in memory.
    cells : int
        Number of clusters of the training images.
    components : int
        Number of principal components of the training images. Used only if D is greater.
    seed : int
        Seed of k-means.

    Returns
    -------
    Scored
        The error holds for the given training images and cells, and covers the choice of test and
        generated images. It is computed from the placements of U [2]_. None if a cell has a single
        test image.

    Raises
    ------
    FringeError
        Different dimensions, NaN or infinity, too few images, a cell without test images, no cell
        with more than 20 generated images.

    Notes
    -----
    Components come from the covariance, not from a randomized decomposition, and k-means has a
    seed. dgm-eval uses no seed, so its values vary between runs if its clusters vary. Its `ct_mem`
    is ``memorization(generated, test, training)``: whether training images are nearer to the
    generated images than test images are.

    References
    ----------
    .. [1] Meehan, Chaudhuri and Dasgupta, AISTATS 2020, arXiv 2004.05675.
    .. [2] DeLong, DeLong and Clarke-Pearson, 1988.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> training, test = rng.normal(size=(300, 4)), rng.normal(size=(300, 4))
    >>> copies = training[:200] + 0.05 * rng.normal(size=(200, 4))
    >>> memorization(training, test, copies).value < -10
    True
    """
    import torch

    require_counts(cells=cells, components=components)
    sets = [
        as_rows(value, what)
        for value, what in ((training, "training"), (test, "test"), (generated, "generated"))
    ]
    dims = [int(rows.shape[1]) for rows in sets]
    if len(set(dims)) > 1:
        raise FringeError(
            f"training, test and generated features have {dims[0]}, {dims[1]} and {dims[2]} "
            "dimensions: they come from different networks or spaces"
        )
    if len(sets[0]) < max(2, cells):
        raise FringeError(
            f"training: {len(sets[0])} images are too few for {cells} cells; give more images"
        )
    if components < dims[0] and len(sets[0]) < components:
        raise FringeError(
            f"training: {len(sets[0])} images are too few for {components} components; give more "
            "images, or choose fewer components"
        )
    t, p, q = _reduced(sets, components)
    centres = cluster_centres(t, cells, random_stream(seed, "memorization", "cells"))
    in_t, in_p, in_q = (cells_of(points, centres) for points in (t, p, q))
    total, weight, variance, known = 0.0, 0, 0.0, True
    with torch.inference_mode(), full_precision():
        for cell in range(cells):
            of_t, of_p, of_q = t[in_t == cell], p[in_p == cell], q[in_q == cell]
            if not (len(of_t) and len(of_p)):
                raise FringeError(
                    f"test: cell {cell} of {cells} has {len(of_p)} test and {len(of_t)} training "
                    "images; give more test images, or choose fewer cells"
                )
            if len(of_q) <= FEWEST:
                continue
            z, spread = _compared(_to_training(of_q, of_t), _to_training(of_p, of_t))
            total += len(of_p) * z
            weight += len(of_p)
            known &= spread is not None
            variance += (len(of_p) * (spread or 0.0)) ** 2
    if not weight:
        raise FringeError(
            f"generated: no cell has more than {FEWEST} of the {len(q)} images; give more images"
        )
    return Scored(total / weight, float(np.sqrt(variance)) / weight if known else None)


def _blocks(rows: Any, what: str) -> Iterator[Floats]:
    for start in range(0, len(rows), ROWS):
        at = slice(start, min(start + ROWS, len(rows)))
        yield read_rows(rows, at, what)


def _reduced(sets: list[Any], components: int) -> list[Floats]:
    """Return the principal components of each set in float64, (images, components)."""
    names = ("training", "test", "generated")
    blocks = [(rows, name) for rows, name in zip(sets, names, strict=True)]
    if int(sets[0].shape[1]) <= components:
        return [np.concatenate(list(_blocks(*each))) for each in blocks]
    of_training = Gaussian.from_blocks((block, None) for block in _blocks(*blocks[0]))
    axes = principal_axes(of_training, components)
    return [
        np.concatenate([(block - of_training.mean) @ axes.T for block in _blocks(*each)])
        for each in blocks
    ]


def _to_training(points: Floats, training: Floats) -> Floats:
    """Return the squared distance of each point to the nearest training image (n,)."""
    x = Features(points, "images", "float64", "cpu")
    y = Features(training, "training", "float64", "cpu")
    return nearest_neighbours(x, np.arange(x.count), y).squares


def _compared(generated: Floats, test: Floats) -> tuple[float, float | None]:
    """Return Z of the distances in one cell, and its standard error."""
    m, n = len(generated), len(test)
    of_generated, of_test = _placements(generated, test), 1 - _placements(test, generated)
    spread = np.sqrt(n * m * (n + m + 1) / 12)
    z = float((n * m * of_generated.mean() - (n * m / 2 - 0.5)) / spread)
    if min(n, m) < 2:
        return z, None
    variance = of_generated.var(ddof=1) / m + of_test.var(ddof=1) / n
    return z, float(n * m * np.sqrt(variance) / spread)


def _placements(values: Floats, others: Floats) -> Array:
    """Return the share of the others below each value. Equal values count half."""
    ordered = np.sort(others)
    below, up_to = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    return (below + up_to) / (2 * len(others))
