"""Tests of stored maps, computed maps and maps as bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.dag.tiny_network import TinyNetwork

from fringe.explorer import map_maker, with_stored
from fringe.explorer.maps import as_bytes
from fringe.metrics import Gaussian
from fringe.sensitivity import explain_examples
from fringe.sources import PhotoSource

NETWORK: Any = TinyNetwork("tiny", 0, torch.device("cpu"))
SOURCE: Any = PhotoSource(30, 16, 1)


def gaussian(source: Any, n: int) -> Gaussian:
    images = torch.from_numpy(source.read(range(n))).permute(0, 3, 1, 2)
    return Gaussian.from_features(NETWORK(images).features.numpy())


REAL = gaussian(PhotoSource(40, 16, 2), 40)


@pytest.mark.parametrize("included", [True, False])
def test_maps_are_equal_to_maps_of_single_images(included: bool) -> None:
    generated, n = gaussian(SOURCE, 22 if included else 21), 22
    make = map_maker(NETWORK, "made", REAL, generated, n, included=included, batch_size=2)
    numbers = np.array([1, 5, 20])
    found = make(SOURCE.read(numbers), numbers)
    for place, number in enumerate(numbers):
        image = SOURCE.read([number])
        single = explain_examples(image, NETWORK, REAL, generated, n, included=included)
        # The network computes in float64 here and rounds maps to float32.
        np.testing.assert_allclose(found[place], single.maps[0], rtol=1e-6)


def test_stored_maps_are_used_and_others_computed() -> None:
    stored = np.random.default_rng(0).random((4, 2, 3)).astype(np.float32)
    calls = []

    def make(images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        calls.append((images[:, 0].tolist(), numbers.tolist()))
        return np.full((len(numbers), 2, 3), 7.0)

    numbers = np.array([0, 3, 4, 9])
    found = with_stored(stored, make)(numbers[:, None] * 10, numbers)
    assert np.array_equal(found[:2], stored[[0, 3]])
    assert (found[2:] == 7).all()
    assert calls == [([40, 90], [4, 9])]
    assert np.array_equal(with_stored(stored, None)(numbers[:2, None], numbers[:2]), found[:2])


def test_bytes_and_ranges_restore_the_map() -> None:
    maps = np.random.default_rng(0).normal(size=(5, 7, 7)) * [[[1e-6]]]
    maps[4] = 3.5
    found, ranges = as_bytes(maps)
    assert found.dtype == np.uint8
    assert found[:4].min(axis=(1, 2)).tolist() == [0] * 4
    assert found[:4].max(axis=(1, 2)).tolist() == [255] * 4
    assert not found[4].any()
    assert ranges[4].tolist() == [3.5, 3.5]
    low, high = ranges[:, 0, None, None], ranges[:, 1, None, None]
    restored = low + found / 255 * (high - low)
    # The tolerance is half a step, plus the rounding of the range to float32.
    assert (np.abs(restored - maps) <= 0.51 * (high - low) / 255).all()
