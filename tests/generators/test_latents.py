"""Latents are rows of one stream, independently of the order in which they are requested."""

import pickle
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.generators import Latents
from fringe.generators.latents import BLOCK


@pytest.mark.parametrize("z_dim", [1, 2, 3, 64, 513])
def test_equal_to_the_plain_stream(z_dim: int) -> None:
    count = 3 * BLOCK + 17
    plain = np.random.RandomState(42).randn(count, z_dim)
    rows = Latents(42, z_dim).rows(range(count))
    assert rows.dtype == np.float64
    np.testing.assert_array_equal(rows, plain)


def test_any_rows_in_any_order_and_any_shards() -> None:
    count = 5 * BLOCK
    plain = np.random.RandomState(7).randn(count, 5)
    latents = Latents(7, 5)
    order = np.random.default_rng(0).permutation(count)
    order = np.concatenate([[count - 1, 0, 0, count - 1], order[:700]])
    np.testing.assert_array_equal(latents.rows(order), plain[order])
    for start in range(0, count, 700):
        shard = range(start, min(start + 700, count))
        np.testing.assert_array_equal(latents.rows(shard), plain[start : start + 700])
        np.testing.assert_array_equal(Latents(7, 5).rows(shard), plain[start : start + 700])


@pytest.fixture
def hasty() -> Iterator[None]:
    """Let the interpreter switch threads as often as possible."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_threads_may_share_one_stream(hasty: None) -> None:
    blocks = 30
    plain = np.random.RandomState(3).randn(blocks * BLOCK, 4)
    latents = Latents(3, 4)
    wanted = np.random.default_rng(0).integers(blocks * BLOCK, size=(400, 5))
    with ThreadPoolExecutor(4) as pool:
        for rows, indices in zip(pool.map(latents.rows, wanted), wanted, strict=True):
            np.testing.assert_array_equal(rows, plain[indices])


def test_a_copy_is_independent_of_the_original() -> None:
    latents = Latents(5, 3)
    latents.rows([2 * BLOCK])
    copy = pickle.loads(pickle.dumps(latents))
    plain = np.random.RandomState(5).randn(4 * BLOCK, 3)
    for stream in (copy, latents, copy):
        np.testing.assert_array_equal(stream.rows([3 * BLOCK, 1]), plain[[3 * BLOCK, 1]])


def test_no_rows() -> None:
    assert Latents(0, 4).rows([]).shape == (0, 4)


def test_the_global_stream_does_not_change() -> None:
    before = np.random.get_state()[2]  # noqa: NPY002
    Latents(0, 4).rows([5000])
    assert np.random.get_state()[2] == before  # noqa: NPY002


@pytest.mark.parametrize(("seed", "z_dim"), [(-1, 4), (2**32, 4), (0, 0)])
def test_impossible_streams_are_refused(seed: int, z_dim: int) -> None:
    with pytest.raises(FringeError, match=r"seed|z_dim"):
        Latents(seed, z_dim)


def test_negative_indices_are_refused() -> None:
    with pytest.raises(FringeError, match="latent -2 does not exist"):
        Latents(0, 4).rows([3, -2])
