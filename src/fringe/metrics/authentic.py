"""AuthPct (Alaa et al., ICML 2022, arXiv 2102.08921): the percentage of images that are not copies.

A generated image y is authentic if its nearest training image x is nearer to another training image
than to y. This is the definition in `authpct.py` of dgm-eval, which is taken from `fls`.
"""

from typing import Any

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.balls import Features, distinct_rows, full_precision, on_gpu
from fringe.metrics.neighbours import nearest_neighbours
from fringe.metrics.scored import Scored

__all__ = ["authenticity"]


def authenticity(training: Any, generated: Any) -> Scored:
    """Return the percentage of generated images that are authentic: AuthPct [1]_.

    Let x be the training image that is nearest to a generated image y. Then y is authentic if
    min |x - x'| < |x - y|, where x' runs over all other training images. A copy of a training image
    is not authentic. Measure new real images to learn which value a generator that does not copy
    would have. For Gaussian features, that value is about 33 in one dimension, 59 in 8 and 81 in
    64.

    Parameters
    ----------
    training, generated : array (n, D), (m, D), or an object that supports slices of rows
        Computed on the GPU if one of them is a tensor on a GPU. Read in blocks, each several times.
        If training images are repeated, the distinct training images are held in memory.

    Returns
    -------
    Scored
        In percent. The error is 100 sqrt(p (1 - p) / m), where p is the share of authentic images.
        It holds for the given training images.

    Notes
    -----
    Features are rounded to float32, and distances are computed from differences in float64.
    dgm-eval computes distances by products in float32, whose errors decide about some near-copies.

    Raises
    ------
    FringeError
        Different dimensions, fewer than two training images, NaN or infinity, distances too large
        for float32.

    References
    ----------
    .. [1] Alaa et al., ICML 2022, arXiv 2102.08921.

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
        own = np.zeros(different.count)  # a repeated image is at distance 0 from its copy
        needed = np.unique(found.indices)
        needed = needed[~repeated[needed]]
        if len(needed):
            own[needed] = nearest_neighbours(
                different, needed, different, besides_itself=True
            ).squares
    share = float((own[found.indices] < found.squares).mean())
    return Scored(100 * share, 100 * float(np.sqrt(share * (1 - share) / y.count)))
