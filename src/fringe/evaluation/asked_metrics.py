"""Metrics that a configuration names, measured for the draws of a scheme.

`fringe.scores.asked_metrics` lists their names. Each function of this module measures one or more
metrics for all draws, in order, from a shared `Compared`. Fréchet distances are not among them:
`fringe.evaluation.score_draws` measures Fréchet distances, because their statistics are shared with
other results.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.spatial.distance import pdist

from fringe.errors import FringeError
from fringe.features import Features
from fringe.metrics import (
    Kernel,
    authenticity,
    cmmd,
    density_coverages,
    inception_score,
    kernel_distances,
    kernel_influence,
    memorization,
    mind,
    precision_recall_error,
    precision_recalls,
    real_kernel,
    spectral_difference,
    vendi_score,
)
from fringe.metrics.arrays import Array, Floats
from fringe.metrics.manifolds import DType
from fringe.metrics.scored import Scored
from fringe.progress import progress
from fringe.scores.rows import Row
from fringe.seeds import random_stream

__all__ = ["MEASURED", "Compared", "kernel_width", "score_asked"]

KERNEL_IMAGES = 4000
"""Number of images of each set from which the standard error of KID is measured."""

MODE_RATIO = 2.0
"""A kind of images counts if it is more than this many times as frequent on one side.

With 1, the shares of new and of lost modes would be equal, because shares sum to 1 on both sides.
"""

WIDTH_IMAGES = 1000
"""Number of real images whose distances determine the width of the kernel of modes."""

Scores: TypeAlias = Iterator[Mapping[str, Scored]]


@dataclass(frozen=True)
class Compared:
    """The input of the functions of this module.

    Parameters
    ----------
    draws : int array (repeats, n)
        Rows of ``generated``.
    generated : Features
        Features of the candidates, in the network in which metrics are measured.
    real : array (n_real, D)
        Features of the real images.
    held_out : array (m, D), optional
        Features of other real images.
    classifier : float array (C, D), optional
        Weights that compute logits from features. Without them, stored logits are used.
    seed : int
        Seed of the subsets of KID.
    subsets, subset_size : int
        Number and size of the subsets of KID.
    k : int
        Number of neighbours for precision and recall.
    dtype : str
        Type in which precision and recall are measured.
    frequencies : int
        Number of random Fourier frequencies of modes.
    """

    draws: Array
    generated: Features
    real: Array
    held_out: Array | None = None
    classifier: Floats | None = None
    seed: int = 0
    subsets: int = 100
    subset_size: int = 1000
    k: int = 3
    dtype: DType = "float32"
    frequencies: int = 1024

    def sets(self) -> Iterator[Array]:
        """Yield the features (n, D) of each draw."""
        for indices in self.draws:
            yield self.generated.read("features", indices)

    def logits(self) -> Iterator[Array]:
        """Yield the logits (n, C) of each draw."""
        for indices in self.draws:
            if self.classifier is None:
                yield self.generated.read("logits", indices)
            else:
                yield self.generated.read("features", indices) @ self.classifier.T


def score_asked(metrics: Sequence[str], compared: Compared) -> Iterator[Row]:
    """Yield the rows of metrics for every draw.

    Parameters
    ----------
    metrics : sequence of str
        Keys of `MEASURED`.
    compared : Compared

    Yields
    ------
    Row
        ``standard_error`` is the error of one evaluation, or NaN if no theory gives an error.

    Raises
    ------
    FringeError
        If a metric cannot be measured: too few images, no logits, or a value that is not finite.
    """
    functions = dict.fromkeys(MEASURED[metric] for metric in metrics)
    for function in functions:
        wanted = [metric for metric in metrics if MEASURED[metric] is function]
        found = function(compared)
        found = progress(found, ", ".join(wanted), total=len(compared.draws), unit="draws")
        for place, (indices, scores) in enumerate(zip(compared.draws, found, strict=True)):
            for metric in wanted:
                value, error = scores[metric]
                yield {
                    "metric": metric,
                    "repeat": place,
                    "value": value,
                    "n_real": len(compared.real),
                    "n_generated": len(indices),
                    "standard_error": np.nan if error is None else error,
                    "real_error": np.nan,
                }


def _kid(about: Compared) -> Scores:
    """Yield KID as in Table 3: the mean over random subsets, with the same seed."""
    for place, generated in enumerate(about.sets()):
        stream = int(random_stream(about.seed, "kid", place).integers(2**31))
        (value,) = kernel_distances(
            about.real,
            generated,
            [Kernel()],
            subsets=about.subsets,
            subset_size=about.subset_size,
            seed=stream,
        )
        error = _kid_error(about, generated) if place == 0 else None
        yield {"kid": Scored(value, error)}


def _kid_error(about: Compared, generated: Array) -> float:
    """Return the standard error of KID over all pairs, which KID over subsets approximates.

    The contributions of at most `KERNEL_IMAGES` images of each set are measured, because the time
    grows with the square of this number.
    """
    n, m = len(about.real), len(generated)
    found = kernel_influence(real_kernel(about.real[:KERNEL_IMAGES]), generated[:KERNEL_IMAGES])
    return math.sqrt(np.var(found.real, ddof=1) / n + np.var(found.generated, ddof=1) / m)


def _precision_recall(about: Compared) -> Scores:
    for found in precision_recalls(about.real, about.sets(), about.k, dtype=about.dtype):
        error = precision_recall_error(found, real=len(about.real), generated=about.draws.shape[1])
        yield {
            "precision": Scored(found.precision, error.precision),
            "recall": Scored(found.recall, error.recall),
        }


def _density_coverage(about: Compared) -> Scores:
    for found in density_coverages(about.real, about.sets()):
        yield {"density": found.density, "coverage": found.coverage}


def _inception_score(about: Compared) -> Scores:
    for logits in about.logits():
        found = inception_score(logits)
        yield {"inception_score": Scored(found.value, found.error)}


def _cmmd(about: Compared) -> Scores:
    for generated in about.sets():
        yield {"cmmd": cmmd(about.real, generated)}


def _mind(about: Compared) -> Scores:
    for generated in about.sets():
        yield {"mind": mind(about.real, generated)}


def _vendi(about: Compared) -> Scores:
    for generated in about.sets():
        yield {"vendi": vendi_score(generated)}


def _authenticity(about: Compared) -> Scores:
    """Yield AuthPct, with the real images as training images."""
    for generated in about.sets():
        yield {"authenticity": authenticity(about.real, generated)}


def _memorization(about: Compared) -> Scores:
    """Yield C_T, with the real images as training images."""
    if about.held_out is None:
        raise FringeError(
            "memorization: all real images are used for the comparison, so there are no test "
            "images; lower n_real, or give more real images"
        )
    for generated in about.sets():
        yield {"memorization": memorization(about.real, about.held_out, generated)}


def _modes(about: Compared) -> Scores:
    """Yield the shares of kinds that are more than `MODE_RATIO` times as frequent on one side."""
    sigma = kernel_width(about.real)
    for generated in about.sets():
        yield {
            "new_modes": _excess(about, about.real, generated, sigma),
            "lost_modes": _excess(about, generated, about.real, sigma),
        }


def _excess(about: Compared, reference: Array, images: Array, sigma: float) -> Scored:
    found = spectral_difference(
        reference, images, sigma=sigma, eta=MODE_RATIO, features=about.frequencies
    )
    return found.excess


def kernel_width(real: Array) -> float:
    """Return the width of the kernel of modes: half of the median distance between real images.

    The distances are those of the first `WIDTH_IMAGES` real images, which are in random order. The
    width does not depend on the generated images, so that all sets are measured in the same way.

    Raises
    ------
    FringeError
        If half of the distances or more are 0.

    Examples
    --------
    >>> kernel_width(np.array([[0.0], [1.0], [3.0]]))
    1.0
    """
    rows = np.asarray(real[:WIDTH_IMAGES], dtype=np.float64)
    width = float(np.median(pdist(rows))) / 2
    if not width > 0:
        raise FringeError(
            "modes: half of the distances between real images or more are 0, so the kernel has no "
            "width; give real images that differ"
        )
    return width


MEASURED: dict[str, Callable[[Compared], Scores]] = {
    "kid": _kid,
    "cmmd": _cmmd,
    "mind": _mind,
    "inception_score": _inception_score,
    "precision": _precision_recall,
    "recall": _precision_recall,
    "density": _density_coverage,
    "coverage": _density_coverage,
    "vendi": _vendi,
    "authenticity": _authenticity,
    "memorization": _memorization,
    "new_modes": _modes,
    "lost_modes": _modes,
}
"""The function for each metric, by the metric's name. A function may measure several metrics."""
