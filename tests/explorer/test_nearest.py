"""Tests of the nearest real image, against all distances."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from fringe.errors import FringeError
from fringe.explorer import nearest, nearest_distances

RNG = np.random.default_rng(3)
REAL = (RNG.normal(size=(500, 20)) + 100).astype(
    np.float32
)  # far from 0: rounding errors are large
IMAGES = (RNG.normal(size=(70, 20)) + 100).astype(np.float32)


def blocks(rows: np.ndarray, size: int) -> Iterator[tuple[int, np.ndarray]]:
    for first in range(0, len(rows), size):
        yield first, rows[first : first + size]


@pytest.mark.parametrize("size", [1, 64, 499, 500])
@pytest.mark.parametrize("rows", [16, 1024])
def test_distances_are_the_smallest_of_all_pairs(
    size: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest, "ROWS", rows)
    found = nearest_distances(IMAGES, blocks(REAL, size))
    expected = cdist(IMAGES.astype(float), REAL.astype(float)).min(axis=1)
    # Both subtract the same float32 numbers in float64 and add 20 squares.
    np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("size", [7, 500])
def test_a_real_image_is_not_its_own_neighbour(size: int) -> None:
    own = np.array([0, 3, 250, 499])
    found = nearest_distances(REAL[own], blocks(REAL, size), own)
    every = cdist(REAL[own].astype(float), REAL.astype(float))
    every[np.arange(4), own] = np.inf
    np.testing.assert_allclose(found, every.min(axis=1), rtol=1e-13)


def test_a_copy_is_at_distance_0_exactly() -> None:
    real = np.concatenate([REAL, REAL[:3]])
    found = nearest_distances(real[:5], blocks(real, 100), np.arange(5))
    assert (found[:3] == 0).all()
    assert (found[3:] > 0).all()
    assert (nearest_distances(REAL[:5], blocks(REAL, 100)) == 0).all()


def test_without_another_real_image_the_distance_is_infinite() -> None:
    assert nearest_distances(REAL[:1], blocks(REAL[:1], 10), np.array([0])).tolist() == [np.inf]


def test_features_of_another_network_are_refused() -> None:
    with pytest.raises(FringeError, match="20 features of an image, 3 of a real image"):
        nearest_distances(IMAGES, [(0, REAL[:, :3])])
