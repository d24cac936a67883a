"""Inception Score (Salimans et al. 2016) of logits, computed for splits of the images.

The score of a split is exp(mean_i KL(p_i || q)), where p_i is the softmax of an image's logits and
q is the mean of all p_i of the split. torch-fidelity (`metric_isc.py`) shuffles the images, makes
10 splits, and uses the 1,008 logits of its Inception network without bias. ADM's `evaluator.py`
uses splits of 5,000 images in the given order.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats, as_rows, read_rows
from fringe.metrics.balls import require_counts

__all__ = ["InceptionScore", "inception_score"]

ROWS = 1024  # images that are processed at a time


class InceptionScore(NamedTuple):
    """The Inception Score.

    Attributes
    ----------
    value : float
        Mean of the scores of the splits, from 1 to the number of classes.
    error : float or None
        Standard error of ``value`` to first order. It covers the choice of images. None if a split
        has only one image.
    deviation : float
        Standard deviation of the scores of the splits; the divisor is the number of splits. This
        is the number that torch-fidelity prints after its "±". It is not the error of ``value``.
    """

    value: float
    error: float | None
    deviation: float


def inception_score(
    logits: Any,
    *,
    splits: int = 10,
    seed: int | None = 2020,
    split_size: int | None = None,
) -> InceptionScore:
    """Return the Inception Score [1]_ of images.

    The error is sqrt(sum_s SE_s^2) divided by the number of splits. An image's influence on the
    score S of its split of n images is S (KL(p_i || q) - mean KL), so SE_s is S times the standard
    deviation of KL(p_i || q) divided by sqrt(n). The score of n images has a relative bias of up to
    about -(classes - 1) / (2 n), which the error does not cover.

    Parameters
    ----------
    logits : array (n, classes), or an object that supports slices of rows
        Read in blocks, twice. Published scores use the logits of the Inception network of 2015
        without bias.
    splits : int
        Split s contains the images from s n // splits to (s + 1) n // splits.
    seed : int, optional
        Images are shuffled by ``numpy.random.RandomState(seed)``, as in torch-fidelity. None: the
        images keep their order, as in ADM.
    split_size : int, optional
        Size of each split, instead of ``splits``; the last split may be smaller. ADM uses 5,000.

    Returns
    -------
    InceptionScore

    Raises
    ------
    FringeError
        Fewer images than splits, NaN or infinity, or arguments that are not whole numbers.

    References
    ----------
    .. [1] Salimans et al., 2016, arXiv 1606.03498.

    Examples
    --------
    >>> import numpy as np
    >>> sure = inception_score(20 * np.eye(4).repeat(10, axis=0), splits=1)
    >>> round(sure.value, 3), round(sure.error, 3)
    (4.0, 0.0)
    """
    rows = as_rows(logits, "logits")
    count, classes = map(int, rows.shape)
    require_counts(splits=splits, split_size=1 if split_size is None else split_size)
    if split_size is None:
        if count < splits:
            raise FringeError(
                f"logits: {count} images are too few for {splits} splits; give more images or "
                "fewer splits"
            )
        ends = np.arange(splits + 1) * count // splits
    else:
        ends = np.append(np.arange(0, count, split_size), count)
    sizes = np.diff(ends)
    split_of = np.repeat(np.arange(len(sizes)), sizes)
    if seed is not None:
        order = np.random.RandomState(seed).permutation(count)
        split_of[order] = split_of.copy()
    negative_entropy = np.empty(count)
    shares = np.zeros((len(sizes), classes))
    for at, log_p, p in _softmax(rows, count):
        negative_entropy[at] = np.einsum("nc,nc->n", p, log_p)
        for split in np.unique(split_of[at]):
            shares[split] += p[split_of[at] == split].sum(axis=0)
    shares /= sizes[:, None]
    with np.errstate(divide="ignore"):
        log_shares = np.where(shares > 0, np.log(shares), 0)
    divergence = np.empty(count)
    for at, _, p in _softmax(rows, count):
        divergence[at] = negative_entropy[at] - _by_split(p, log_shares, split_of[at])
    means = np.bincount(split_of, divergence) / sizes
    scores = np.exp(means)
    error = None
    if sizes.min() > 1:
        squares = np.bincount(split_of, (divergence - means[split_of]) ** 2)
        variances = scores**2 * squares / (sizes - 1) / sizes
        error = float(np.sqrt(variances.sum()) / len(sizes))
    return InceptionScore(float(scores.mean()), error, float(scores.std()))


def _softmax(rows: Any, count: int) -> Iterator[tuple[slice, Floats, Floats]]:
    """Yield slices of rows with log probabilities and probabilities, (b, classes) each."""
    for start in range(0, count, ROWS):
        at = slice(start, min(start + ROWS, count))
        log_p = read_rows(rows, at, "logits") - 0.0
        log_p -= log_p.max(axis=1, keepdims=True)
        p = np.exp(log_p)
        total = p.sum(axis=1, keepdims=True)
        p /= total
        log_p -= np.log(total)
        yield at, log_p, p


def _by_split(p: Floats, log_shares: Floats, split_of: Array) -> Floats:
    """Return sum_c p_ic log q_c for each image (b,), where q is that of the image's split."""
    cross = np.empty(len(p))
    for split in np.unique(split_of):
        own = split_of == split
        cross[own] = p[own] @ log_shares[split]
    return cross
