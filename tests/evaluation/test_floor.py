"""FDr: distances in units of the floor, compared with the definition for plain arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.evaluation import score_floor
from fringe.features import FeatureFile, open_features
from fringe.files.hdf5 import create_h5
from fringe.metrics import Gaussian, frechet_distance, frechet_influence, variance_of_mean
from fringe.seeds import random_stream

N, D = 2001, 6


def stored(path: Path, rows: np.ndarray) -> FeatureFile:
    with create_h5(path, {"first": 0, "last": len(rows), "network": "tiny"}) as file:
        file.create_dataset("features", data=rows.astype("f4"), fletcher32=True)
    return open_features(path)


def normal(count: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, D)) + shift


def test_rows_equal_the_definition(tmp_path: Path) -> None:
    real = stored(tmp_path / "real.h5", normal(N + 500, 1))
    made = stored(tmp_path / "made.h5", normal(3000, 2, 0.5))
    draw = np.random.default_rng(3).integers(0, 3000, N)  # some images twice
    floor, row = score_floor(real, N, {"prelogits": (made, draw)}, seed=7)

    order = random_stream(7, "floor").permutation(N)
    rows = real.read("features").astype(np.float64)
    reference, others = rows[order[:1001]], rows[order[1001:]]
    found = frechet_influence(reference, others)
    assert floor["value"] == pytest.approx(found.distance, rel=1e-9)
    assert floor["standard_error"] == pytest.approx(found.standard_error(), rel=1e-9)
    assert (floor["scheme"], floor["metric"]) == ("real", "fid")
    assert (floor["n_real"], floor["n_generated"]) == (1001, 1000)

    kept = random_stream(7, "floor", "prelogits").permutation(draw)[:1000]
    drawn = made.read("features").astype(np.float64)[kept]
    above = frechet_distance(Gaussian.from_features(reference), Gaussian.from_features(drawn))
    assert row["value"] == pytest.approx(above / found.distance, rel=1e-9)
    assert (row["scheme"], row["metric"], row["n_generated"]) == ("prelogits", "fdr", 1000)

    # Images that were drawn twice count as images with twice the weight.
    places, counts = np.unique(
        random_stream(7, "floor", "prelogits").permutation(draw)[:1000], return_counts=True
    )
    of_made = frechet_influence(
        reference,
        made.read("features")[places],
        counts,
        of_generated=Gaussian.from_features(drawn),
    )
    generated = variance_of_mean(of_made.generated, counts) / found.distance**2
    below = (row["value"] * found.standard_error() / found.distance) ** 2
    assert row["standard_error"] == pytest.approx(np.sqrt(generated + below), rel=1e-9)


def test_real_images_have_the_ratio_1_and_its_error_covers_it(tmp_path: Path) -> None:
    """For generated images of the same distribution, 1 is within the errors in most of 40 trials.

    The floor of equal distributions is only bias, and the error is then too large: few trials miss.
    """
    missed = 0
    for trial in range(40):
        real = stored(tmp_path / f"real-{trial}.h5", normal(N, 2 * trial))
        made = stored(tmp_path / f"made-{trial}.h5", normal(N, 2 * trial + 1))
        _, row = score_floor(real, N, {"random": (made, np.arange(N))}, seed=trial)
        missed += abs(row["value"] - 1) > 2 * row["standard_error"]
    assert missed <= 4


def test_identical_real_images_are_refused(tmp_path: Path) -> None:
    real = stored(tmp_path / "real.h5", np.zeros((20, D)))
    with pytest.raises(FringeError, match="two halves of the real images have the distance 0"):
        list(score_floor(real, 20, {}, seed=0))
