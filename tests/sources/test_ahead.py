"""Scattered images of grouped files: the same pixels, and each group is read once."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fringe.seeds import random_stream
from fringe.sources import ImageSource, PhotoSource, ahead, open_source
from fringe.sources import parquet as parquet_module
from fringe.sources.ahead import Ahead, along
from fringe.sources.prefetch import decoded

from .conftest import encode, write_h5, write_parquet, write_zip

COUNT, USED, GROUP = 120, 90, 10
BOUNDS = [(first, first + 6) for first in range(0, USED, 6)]


def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8, 3), np.uint8)


def to_parquet(path: Path) -> Path:
    return write_parquet(path / "set.parquet", [*map(encode, images())], group=GROUP)


def to_hdf5(path: Path) -> Path:
    return write_h5(path / "set.h5", images(), chunks=(GROUP, 8, 8, 3), compression="gzip")


def to_npz(path: Path) -> Path:
    np.savez_compressed(path / "set.npz", images())
    return path / "set.npz"


WRITERS = [to_parquet, to_hdf5, to_npz]


@pytest.fixture(params=WRITERS)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> ImageSource:
    write: Callable[[Path], Path] = request.param
    return open_source(write(tmp_path), count=USED, seed=2)


@pytest.fixture
def expected() -> np.ndarray:
    return images()[random_stream(2, "order").permutation(COUNT)[:USED]]


@pytest.mark.parametrize(("window", "first"), [(1 << 30, 64), (1000, 3), (1, 1), (1 << 30, 1)])
def test_images_do_not_depend_on_the_window(
    source: ImageSource,
    expected: np.ndarray,
    window: int,
    first: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ahead, "WINDOW", window)
    monkeypatch.setattr(ahead, "FIRST", first)
    for threads in (1, 3):
        batches = [*decoded(source, BOUNDS, threads=threads)]
        assert np.array_equal(np.concatenate(batches), expected)
    # In another order than announced, more than once, and images that were not announced.
    reader = along(source, BOUNDS[2:5])
    assert isinstance(reader, Ahead)
    for indices in ([13, 12], [29, 12, 12], range(3), range(12, 18), [89, 0], []):
        assert np.array_equal(reader.read(indices), expected[list(indices)])
    with ThreadPoolExecutor(4) as pool:
        reader = along(source, BOUNDS)
        found = [*pool.map(reader.read, [range(*bounds) for bounds in BOUNDS])]
    assert np.array_equal(np.concatenate(found), expected)


def test_worker_processes_read_ahead(source: ImageSource, expected: np.ndarray) -> None:
    batches = decoded(source, BOUNDS, workers=2)
    assert np.array_equal(np.concatenate([*batches]), expected)
    reader = along(source, BOUNDS)
    reader.read(range(6))
    data = pickle.dumps(reader)
    assert len(data) < 4000, "a pickle contains no images that were read"
    assert np.array_equal(pickle.loads(data).read(range(6)), expected[:6])


def test_a_resized_set_is_read_ahead(tmp_path: Path) -> None:
    for write in WRITERS:
        source = open_source(write(tmp_path), 4, count=USED)
        batches = [*decoded(source, BOUNDS)]
        assert np.array_equal(np.concatenate(batches), source.read(range(USED)))


def test_each_group_is_read_once_per_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_source(to_parquet(tmp_path), count=USED)
    groups: list[int] = []
    read = parquet_module._read
    monkeypatch.setattr(
        parquet_module,
        "_read",
        lambda file, group, *more: groups.append(group) or read(file, group, *more),
    )
    monkeypatch.setattr(ahead, "FIRST", 12)
    for _ in decoded(source, BOUNDS):
        pass
    assert len(groups) <= 1 + 2 * COUNT // GROUP  # the size of the images, and two windows
    groups.clear()
    for first, last in BOUNDS:
        source.read(range(first, last))
    assert len(groups) > 4 * COUNT // GROUP


@pytest.mark.parametrize("step", [1, 4, -1])
def test_at_most_three_windows_are_in_memory(
    source: ImageSource, expected: np.ndarray, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if images are requested in another order than announced, or not at all."""
    monkeypatch.setattr(ahead, "FIRST", 2)
    monkeypatch.setattr(ahead, "WINDOW", 5 * 300)
    reader = along(source, BOUNDS)
    assert isinstance(reader, Ahead)
    for index in range(USED)[::step]:
        assert np.array_equal(reader.read([index])[0], expected[index])
        held = sum(map(len, reader._held.values()))
        assert held == reader._size <= 3 * 5 * 300


def test_sources_that_are_fast_in_any_order_are_not_read_ahead(tmp_path: Path) -> None:
    files = {f"{number:03d}.png": encode(image) for number, image in enumerate(images())}
    for source in (
        open_source(write_zip(tmp_path / "set.zip", files), count=USED),
        open_source(to_parquet(tmp_path)),
        open_source(write_h5(tmp_path / "flat.h5", images()), count=USED),
        PhotoSource(100, 16, 0),
    ):
        assert along(source, BOUNDS) is source
