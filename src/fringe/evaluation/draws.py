"""Draws of candidates by sampling schemes, and the files of weights and draws."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from fringe.errors import FringeError
from fringe.evaluation.extension import Extension
from fringe.files.hdf5 import create_h5, open_h5
from fringe.resampling import CHECKS, PATH, Weights, draw, match_histogram
from fringe.resampling.drawing import Sampling
from fringe.seeds import random_stream

__all__ = [
    "draw_extremes",
    "draw_matched",
    "draw_random",
    "draw_weighted",
    "load_draws",
    "load_reduced_costs",
    "load_weights",
    "save_draws",
    "save_weights",
]

Path = str | os.PathLike[str]


def draw_random(
    candidates: int, n: int, repeats: int, seed: int, keep: int | None = None
) -> list[np.ndarray]:
    """Return for each repeat ``n`` of ``candidates`` indices, without replacement, as released.

    With ``keep``, only that number of random images is kept of each draw. This shows the effect of
    a smaller number of images on a score, with everything else equal.
    """
    return [
        np.sort(random_stream(seed, "random", repeat).choice(candidates, n, replace=False)[:keep])
        for repeat in range(repeats)
    ]


def draw_matched(
    real_classes: np.ndarray,
    candidate_classes: np.ndarray,
    n: int,
    repeats: int,
    seed: int,
    extension: Extension | None = None,
) -> tuple[list[np.ndarray], dict[str, Any]]:
    """Return for each repeat the indices of a Top-1 matched draw, and a report.

    The arguments are those of :func:`fringe.resampling.match_histogram`. An ``extension`` adds its
    images to every repeat. If images of a class are still missing, a repeat has fewer than ``n``
    indices. The report contains the missing images by class, and the number of images that were
    classified.

    Raises
    ------
    FringeError
        If the extension was drawn for other bins than those that the candidates leave incomplete.
    """
    matches = [
        match_histogram(
            real_classes,
            candidate_classes,
            n,
            int(random_stream(seed, "matched", repeat).integers(2**31)),
        )
        for repeat in range(repeats)
    ]
    # The incomplete bins do not depend on the order of the candidates.
    unfilled = dict(matches[0].unfilled)
    further, seen = np.empty(0, np.int64), len(candidate_classes)
    if extension is not None:
        further, seen = extension.indices, extension.seen
        for label in extension.classes.tolist():
            unfilled[label] = unfilled.get(label, 0) - 1
        unfilled = {label: count for label, count in unfilled.items() if count}
        if unfilled != extension.missing:
            raise FringeError(
                "matching: the images beyond the candidates were drawn for other candidates; "
                "delete the file `matched/<dataset>.h5` of this run and run again"
            )
    report = {
        "asked": n,
        "filled": len(matches[0].indices) + len(further),
        "beyond": len(further),
        "seen": seen,
        "unfilled": {str(label): count for label, count in unfilled.items()},
    }
    return [np.concatenate([match.indices, further]) for match in matches], report


def draw_weighted(
    probabilities: np.ndarray,
    n: int,
    repeats: int,
    seed: int,
    scheme: str,
    sampling: Sampling = "with_replacement",
) -> list[np.ndarray]:
    """Return for each repeat ``n`` indices drawn with ``probabilities`` (Section 4 of the paper).

    ``sampling`` is that of :func:`fringe.resampling.draw`.
    """
    return [
        draw(probabilities, n, random_stream(seed, scheme, repeat), sampling)
        for repeat in range(repeats)
    ]


def draw_extremes(
    probabilities: np.ndarray, reduced_costs: np.ndarray, n: int, seed: int, share: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """Return up to ``n`` random indices of the lowest and of the highest ``share`` of weights.

    The indices are drawn without replacement (Figures 5 and 17). If weights are equal, such as 0,
    a weight with a larger reduced cost counts as lower, because it would raise the objective more.
    Then the order is that of the indices.

    Parameters
    ----------
    probabilities, reduced_costs : array (N,)
        See `fringe.resampling.Weights`.
    n : int
        The largest number of indices on each side.
    seed : int
    share : float
        From 0 to 1.
    """
    order = np.lexsort((-reduced_costs, probabilities))
    size = max(1, round(share * len(order)))
    low, high = (
        random_stream(seed, "extremes", side).permutation(part)[:n]
        for side, part in (("low", order[:size]), ("high", order[-size:]))
    )
    return low, high


def save_draws(
    path: Path,
    draws: list[np.ndarray],
    provenance: Mapping[str, str | int],
    report: Mapping[str, Any] | None = None,
) -> None:
    """Write the indices of every repeat, (repeats, n), to HDF5; ``report`` as JSON."""
    with create_h5(path, {**provenance, "report": json.dumps(report or {})}) as file:
        file.create_dataset("indices", data=np.stack(draws), fletcher32=True, chunks=True)


def load_draws(path: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the indices (repeats, n) and the report that `save_draws` wrote."""
    with open_h5(path) as file:
        return file["indices"][()], json.loads(file.attrs["report"])


def save_weights(path: Path, weights: Weights, provenance: Mapping[str, str | int]) -> None:
    """Write probabilities (N,), reduced costs (N,), path and checks of an optimization to HDF5.

    If released steps were merged, attributes ``merging_*`` contain the fields of `Merging`.
    """
    facts: dict[str, Any] = {"objective": weights.objective, "lower_bound": weights.lower_bound}
    merging = {} if weights.merging is None else asdict(weights.merging)
    differences = merging.pop("differences", None)
    facts |= {f"merging_{name}": value for name, value in merging.items()}
    with create_h5(path, {**provenance, **facts}) as file:
        file.create_dataset("probabilities", data=weights.probabilities, fletcher32=True)
        file.create_dataset("reduced_costs", data=weights.reduced_costs, fletcher32=True)
        if differences is not None:
            file.create_dataset("differences", data=differences)
        for name, columns in (("path", PATH), ("checks", CHECKS)):
            file.create_dataset(name, data=getattr(weights, name)).attrs["columns"] = columns


def load_reduced_costs(path: Path) -> np.ndarray:
    """Return the reduced costs (N,) that `save_weights` wrote."""
    with open_h5(path) as file:
        reduced_costs: np.ndarray = file["reduced_costs"][()]
        return reduced_costs


def load_weights(path: Path) -> np.ndarray:
    """Return the probabilities (N,) that `save_weights` wrote."""
    with open_h5(path) as file:
        probabilities: np.ndarray = file["probabilities"][()]
        return probabilities
