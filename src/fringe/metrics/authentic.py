"""AuthPct (Alaa et al., ICML 2022, arXiv 2102.08921): how many images are not copies.

A generated image is authentic if its nearest training image has a training image that is nearer to
it than the generated one is. `authpct.py` of dgm-eval, taken from `fls`, defines the score so.
"""

from typing import Any

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.balls import Features, distinct_rows, full_precision, on_gpu
from fringe.metrics.neighbours import nearest_neighbours
from fringe.metrics.scored import Scored

__all__ = ["authenticity"]


def authenticity(training: Any, generated: Any) -> Scored:
    """Return the percentage of generated images that are authentic.

    With x the training image that is nearest to a generated image y, y is authentic if
    min |x - x'| < |x - y|, over all other training images x'. A copy of a training image is not.
    The value for new real images says what to expect of a generator that does not copy: for
    Gaussian features it is about 33 in one dimension, 59 in 8 and 81 in 64.

    Parameters
    ----------
    training, generated : array (n, D), (m, D), or something that gives slices of rows
        Computed on the GPU where one of them is a tensor there. Read in blocks, each several times.
        Where training images are repeated, the different ones are held in memory.

    Returns
    -------
    Scored
        In percent. The error is 100 sqrt(p (1 - p) / m), given the training images, which are what
        the question is about.

    Notes
    -----
    Distances are those of differences in float64, of features rounded to float32. dgm-eval has
    float32 products, whose errors decide for or against some near-copies.

    Raises
    ------
    FringeError
        Different dimensions, fewer than two training images, NaN or infinity, distances too large
        for float32.

    Examples
    --------
    >>> import numpy as np
    >>> training = np.array([[0.0, 0], [1, 0], [10, 0], [12, 0]])
    >>> authenticity(training, [[0.1, 0.0], [10, 3]])
    Scored(value=50.0, error=35.35533905932738)
    """
    import torch

    with torch.inference_mode(), full_precision():
        device = next((str(v.device) for v in (training, generated) if on_gpu(v)), "cpu")
        x = Features(training, "training", "float32", device)
        y = Features(generated, "generated", "float32", device)
        if x.dim != y.dim:
            raise FringeError(
                f"training and generated features have {x.dim} and {y.dim} dimensions: they come "
                "from different networks or spaces"
            )
        if x.count < 2:
            raise FringeError(f"training: got {x.count} image; give at least two")
        first, groups = distinct_rows(x, np.arange(x.count))
        repeated = np.bincount(groups) > 1
        different = x if not repeated.any() else x.part(first)
        found = nearest_neighbours(y, np.arange(y.count), different)
        own = np.zeros(different.count)  # of a repeated image the nearest neighbour is its copy
        needed = np.unique(found.indices)
        needed = needed[~repeated[needed]]
        if len(needed):
            own[needed] = nearest_neighbours(
                different, needed, different, besides_itself=True
            ).squares
    share = float((own[found.indices] < found.squares).mean())
    return Scored(100 * share, 100 * float(np.sqrt(share * (1 - share) / y.count)))
