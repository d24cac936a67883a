"""Rows of the energy distance."""

import numpy as np

from fringe.features import Features
from fringe.metrics.energy import energy_distance
from fringe.progress import progress
from fringe.scores.rows import Row

__all__ = ["score_energy"]


def score_energy(draws: np.ndarray, candidates: Features, real: np.ndarray) -> list[Row]:
    """Return the energy distance of every draw (repeats, n) from the real features (n_real, D)."""
    rows = []
    for repeat, indices in enumerate(progress(draws, "energy", total=len(draws), unit="draws")):
        rows.append(
            {
                "metric": "energy",
                "repeat": repeat,
                "value": energy_distance(real, candidates.read("features", indices)),
                "n_real": len(real),
                "n_generated": len(indices),
            }
        )
    return rows
