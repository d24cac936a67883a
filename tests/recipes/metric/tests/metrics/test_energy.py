"""The energy distance, from features to rows of scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fringe.evaluation.asked_metrics import Compared, score_asked
from fringe.features import open_features
from fringe.files.hdf5 import create_h5
from fringe.metrics.energy import energy_distance


def features(seed: int, count: int, shift: float = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (count, 3)).astype("f4")


def test_the_energy_distance() -> None:
    x, y = features(0, 30), features(1, 20, shift=1)

    def mean_distance(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.mean([np.linalg.norm(one - other) for one in a for other in b]))

    expected = 2 * mean_distance(x, y) - mean_distance(x, x) - mean_distance(y, y)
    assert energy_distance(x, y) == pytest.approx(expected, rel=1e-6)
    assert energy_distance(x, x) == pytest.approx(0, abs=1e-9)


def test_it_is_in_the_rows_of_every_draw(tmp_path: Path) -> None:
    real, candidates = features(2, 50), features(3, 60, shift=0.5)
    path = tmp_path / "candidates.h5"
    with create_h5(path, {"first": 0, "last": 60, "network": "net"}) as file:
        file.create_dataset("features", data=candidates, fletcher32=True)
    draws = np.stack([np.random.default_rng(seed).choice(60, 20) for seed in (4, 5)])
    rows = list(score_asked(["energy"], Compared(draws, open_features(path), real)))
    assert [row["value"] for row in rows] == [energy_distance(real, candidates[d]) for d in draws]
