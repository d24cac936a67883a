"""k-means clustering: k-means++ initialization, Lloyd's algorithm, the best of several trials."""

import numpy as np

from fringe.metrics.arrays import Array, Floats

__all__ = ["cells_of", "cluster_centres"]

STARTS = 10
STEPS = 300  # the maximum number of Lloyd steps


def cluster_centres(points: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Return the centres (count, D) of the clustering with the least sum of squared distances.

    Parameters
    ----------
    points : float64 array (n, D)
        At least ``count`` rows.
    count : int
        Number of clusters.
    rng : NumPy generator
        Draws the initial centres of each of 10 trials (k-means++: Arthur and Vassilvitskii 2007).

    Examples
    --------
    >>> points = np.array([[0.0], [1], [10], [11]])
    >>> sorted(cluster_centres(points, 2, np.random.default_rng(0))[:, 0])
    [np.float64(0.5), np.float64(10.5)]
    """
    trials = [_lloyd(points, _start(points, count, rng)) for _ in range(STARTS)]
    return min(trials, key=lambda trial: trial[1])[0]


def cells_of(points: Floats, centres: Floats) -> Array:
    """Return the index of the nearest of the centres (k, D) for each of the points (n, D)."""
    return np.asarray(_squares(points, centres).argmin(axis=1))


def _squares(points: Floats, centres: Floats) -> Floats:
    return np.stack([np.square(points - centre).sum(axis=1) for centre in centres], axis=1)


def _start(points: Floats, count: int, rng: np.random.Generator) -> Floats:
    chosen = [int(rng.integers(len(points)))]
    nearest = np.square(points - points[chosen[0]]).sum(axis=1)
    while len(chosen) < count:
        total = nearest.sum()
        shares = nearest / total if total > 0 else None  # all points are alike
        chosen.append(int(rng.choice(len(points), p=shares)))
        nearest = np.minimum(nearest, np.square(points - points[chosen[-1]]).sum(axis=1))
    return points[chosen].copy()


def _lloyd(points: Floats, centres: Floats) -> tuple[Floats, float]:
    cells = np.full(len(points), -1)
    for _ in range(STEPS):
        squares = _squares(points, centres)
        before, cells = cells, squares.argmin(axis=1)
        if np.array_equal(before, cells):
            break
        sizes = np.bincount(cells, minlength=len(centres))
        for cell, size in enumerate(sizes):
            if size:
                centres[cell] = points[cells == cell].mean(axis=0)
            else:  # an empty cell gets the point that is farthest from its own centre
                centres[cell] = points[squares.min(axis=1).argmax()]
    return centres, float(_squares(points, centres).min(axis=1).sum())
