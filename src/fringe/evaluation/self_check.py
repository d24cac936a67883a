"""Comparison with the first numbers that the released code prints.

The README of that code shows the output of a run on FFHQ (feature mode ``pre_logits``). At
iteration 1 all weights are equal, so these numbers depend only on images, generator and networks:

* ``loss = 4.95917``: the Fréchet distance of all candidates, with the divisor (sum of weights) - 1,
  from the first real images. Nothing in it is random.
* ``FID = 5.25`` and ``CLIP-FID = 2.75``: each is the smallest of three draws with replacement.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fringe.evaluation.statistics import gaussian_of
from fringe.features import FeatureFile
from fringe.metrics import Gaussian, covariance_root, frechet_distance
from fringe.progress import progress
from fringe.scores.self_check import Check
from fringe.seeds import random_stream

__all__ = ["measure_checks"]

DRAWS = 3  # the released code prints the smallest distance of this number of draws
GROUPS = 5  # groups of DRAWS draws, from which this module estimates the smallest distance
# The standard deviation of the smallest of three standard normal numbers.
MINIMUM_SD = 0.748

# Expected differences although everything is right, relative to the published value.
SAME_NETWORK = 0.005
OTHER_NETWORK = 0.05


def measure_checks(
    real: Mapping[str, Gaussian],
    candidates: Mapping[str, FeatureFile],
    published: Mapping[str, float],
    *,
    loss: float | None,
    n_real: int,
    n_drawn: int,
    seed: int,
) -> list[Check]:
    """Return the checks of one data set.

    Parameters
    ----------
    real : mapping of str to Gaussian
        Statistics of ``n_real`` real images, by network. The network of FID comes first.
    candidates : mapping of str to FeatureFile
        Features of all candidates, by network.
    published : mapping of str to float
        The published distance of draws, by network.
    loss : float, optional
        The published loss at equal weights, in the network of FID.
    n_real, n_drawn, seed : int
        Real images, images in each draw, and the seed of the draws.
    """
    main = next(iter(real))
    found = []

    def check(name: str, stated: float, **measured: float | int | str) -> None:
        counts = {"n_real": n_real, "n_candidates": len(candidates[main]), "seed": seed}
        found.append(Check(name, float(stated), **counts, **measured))  # type: ignore[arg-type]

    if loss is not None:
        value = frechet_distance(real[main], gaussian_of(candidates[main]))
        check(
            "loss",
            loss,
            value=value,
            std=0.0,
            draws=0,
            tolerance=SAME_NETWORK * loss,
            reason=f"{SAME_NETWORK:.1%}: rounding in generator and network; nothing is drawn",
            n_drawn=len(candidates[main]),
        )
    for network, stated in published.items():
        values = _drawn(real[network], candidates[network], n_drawn, seed)
        std = float(values.std(ddof=1))
        smallest = float(values.reshape(GROUPS, DRAWS).min(axis=1).mean())
        share = SAME_NETWORK if network == main else OTHER_NETWORK
        why = "rounding" if network == main else "its preprocessing is not published"
        # The published number is one such minimum, ours is the mean of several.
        chance = 3 * MINIMUM_SD * std * float(np.sqrt(1 + 1 / GROUPS))
        check(
            network,
            stated,
            value=smallest,
            std=std,
            draws=len(values),
            tolerance=share * stated + chance,
            reason=f"{share:.1%}: {why}; {chance:.3f}: 3 standard deviations of the draws' minima",
            n_drawn=n_drawn,
        )
    return found


def _drawn(
    real: Gaussian, candidates: FeatureFile, n: int, seed: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the distances of draws with replacement at equal weights, shape (GROUPS * DRAWS,)."""
    root = covariance_root(real)
    values = []
    for repeat in progress(range(GROUPS * DRAWS), "self-check", total=GROUPS * DRAWS, unit="draws"):
        indices = random_stream(seed, "self-check", repeat).integers(len(candidates), size=n)
        counts = np.bincount(indices, minlength=len(candidates))
        values.append(frechet_distance(real, gaussian_of(candidates, counts=counts), root=root))
    return np.array(values)
