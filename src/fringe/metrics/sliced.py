"""MIND, the Monge Inception Distance (Berthet et al. 2026, arXiv 2605.06797).

MIND is a sliced Wasserstein distance. Both sets are projected onto directions u of length 1, and
the sorted projections a and b of n images each are compared:

    MIND = 3 D mean_u 1/n sum_j (a_j - b_j)^2.

The factor 3 D gives MIND about the size of a Fréchet distance. `metric_mind.py` of torch-fidelity
0.5 computes MIND in float32. This module draws the same random numbers from torch's generator, in
the same order.
"""

from typing import Any

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Floats, as_rows, read_rows
from fringe.metrics.balls import require_counts
from fringe.metrics.scored import Scored
from fringe.progress import progress

__all__ = ["mind"]

ROWS = 2048  # images that are projected at a time
NUMBERS = 2**23  # projections of both sets that are held in memory at a time
FACTOR = 3.0


def mind(real: Any, generated: Any, *, directions: int = 1000, seed: int = 2020) -> Scored:
    """Return MIND, the Monge Inception Distance [1]_ of two sets of features.

    Parameters
    ----------
    real, generated : array (n, D), (m, D), or an object that supports slices of rows
        In the paper: pool3 features of Inception. From the larger set, min(n, m) images are drawn.
        Read in blocks, once for each block of directions.
    directions : int
        1,000 in the paper.
    seed : int
        Determines the images and directions that are drawn; torch-fidelity uses 2020.

    Returns
    -------
    Scored
        In squared units of the features. The error covers the choice of images, for the given
        directions. It follows from the central limit theorem for one-dimensional optimal transport
        ([2]_; sliced: [3]_): sqrt(Var phi / n + Var phi' / n), where phi(x) is 3 D times the mean
        over directions of the Kantorovich potential at u.x, whose derivative is 2 (a_j - b_j). For
        sets that are alike, the value is only bias, of the order of 1 / n, and its error is too
        large. None for fewer than two images.

    Raises
    ------
    FringeError
        Different dimensions, NaN or infinity, or a number of directions that is not a whole number.

    Notes
    -----
    Projections and sums are float64. Values of torch-fidelity, which uses float32, differ by
    rounding.

    References
    ----------
    .. [1] Berthet et al., 2026, arXiv 2605.06797.
    .. [2] del Barrio and Loubes, 2019.
    .. [3] Manole, Balakrishnan and Wasserman, 2022.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(500, 16)), rng.normal(size=(500, 16)) + 0.5
    >>> found = mind(x, y)
    >>> round(found.value, 1), round(found.error, 1)
    (13.0, 0.8)
    """
    import torch

    require_counts(directions=directions)
    x, y = as_rows(real, "real"), as_rows(generated, "generated")
    (n, dim), (m, other) = (tuple(map(int, rows.shape)) for rows in (x, y))
    if dim != other:
        raise FringeError(
            f"real and generated features have {dim} and {other} dimensions: they come from "
            "different networks or spaces"
        )
    count = min(n, m)
    generator = torch.Generator(device="cpu").manual_seed(seed)
    chosen: list[Any] = [None, None]
    for side, size in enumerate((n, m)):
        if size > count:
            drawn = torch.randperm(size, generator=generator)[:count].numpy()
            chosen[side] = np.sort(drawn)  # the order is free, because projections are sorted
    units = torch.randn(directions, dim, generator=generator, dtype=torch.float32)
    units = units / units.norm(dim=1, keepdim=True).clamp_min(1e-12)
    u = units.double().numpy()
    total = 0.0
    potentials = np.zeros((2, count))
    step = max(1, NUMBERS // (2 * count))
    starts = range(0, directions, step)
    for start in progress(starts, "directions", total=len(starts), unit="blocks"):
        part = u[start : start + step]
        a, b = (
            _projected(rows, rows_of, part, what)
            for rows, rows_of, what in ((x, chosen[0], "real"), (y, chosen[1], "generated"))
        )
        for one, two in zip(a, b, strict=True):
            total += _add_direction(one, two, potentials)
    scale = FACTOR * dim / directions
    error = None
    if count > 1:
        error = float(scale * np.sqrt(potentials.var(axis=1, ddof=1).sum() / count))
    return Scored(float(scale * total), error)


def _projected(rows: Any, chosen: Any, units: Floats, what: str) -> Floats:
    """Return the projections of the chosen rows onto each unit vector, (directions, n)."""
    count = int(rows.shape[0]) if chosen is None else len(chosen)
    found = np.empty((len(units), count))
    for start in range(0, count, ROWS):
        at = slice(start, min(start + ROWS, count))
        block = read_rows(rows, at if chosen is None else chosen[at], what)
        found[:, at] = units @ block.T
    return found


def _add_direction(a: Floats, b: Floats, potentials: Floats) -> float:
    """Return the mean squared difference of sorted projections; add to ``potentials`` (2, n)."""
    orders = np.argsort(a), np.argsort(b)
    one, two = a[orders[0]], b[orders[1]]
    gaps = one - two
    for side, (values, sign) in enumerate(((one, 2.0), (two, -2.0))):
        slopes = sign * gaps
        steps = np.diff(values) * (slopes[1:] + slopes[:-1]) / 2
        potential = np.concatenate([[0.0], np.cumsum(steps)])
        potentials[side, orders[side]] += potential
    return float(np.mean(gaps**2))
