"""LMDB environments, judged by the LMDB library itself, and damaged ones."""

import random
from collections.abc import Mapping
from pathlib import Path

import lmdb
import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.sources import LmdbSource, open_source

from .conftest import encode, write_lmdb


def stored(source: LmdbSource) -> dict[str, bytes]:
    """Return what the source takes for keys and values, undecoded."""
    return {
        source._label(index).removeprefix(f"{source.path}!"): source._bytes(index)
        for index in range(len(source))
    }


def by_the_library(path: Path) -> dict[str, bytes]:
    with lmdb.open(str(path), readonly=True, lock=False) as env, env.begin() as transaction:
        return {key.decode(): value for key, value in transaction.cursor()}


def random_values(count: int, largest: int, seed: int = 0) -> dict[bytes, bytes]:
    rng = random.Random(seed)
    return {
        f"{rng.randrange(1 << 64):016x}{'k' * rng.randrange(40)}".encode(): rng.randbytes(
            int(largest ** rng.random())
        )
        for _ in range(count)
    }


@pytest.mark.parametrize(
    ("count", "largest", "depth"), [(1, 100, 1), (40, 9000, 2), (3000, 300, 3), (400, 20000, 2)]
)
def test_keys_and_values_are_those_of_the_library(
    tmp_path: Path, count: int, largest: int, depth: int
):
    path = write_lmdb(tmp_path / "set_lmdb", random_values(count, largest))
    with lmdb.open(str(path), readonly=True, lock=False) as environment:
        assert environment.stat()["depth"] == depth
    expected = by_the_library(path)
    assert len(expected) == count
    found = stored(LmdbSource(path))
    assert [*found.items()] == [*expected.items()]


def test_after_changes_the_newest_state_counts(tmp_path: Path):
    values = random_values(300, 9000)
    path = write_lmdb(tmp_path / "set", values)
    for turn in range(3):  # an odd and an even number: the two meta pages take turns
        with (
            lmdb.open(str(path), map_size=1 << 24) as environment,
            environment.begin(write=True) as t,
        ):
            for key in sorted(values)[turn * 50 : turn * 50 + 40]:
                t.delete(key)
            for key, value in random_values(20, 9000, seed=turn + 1).items():
                t.put(key, value)
        assert stored(LmdbSource(path)) == by_the_library(path)


def test_the_environment_may_be_open_elsewhere(tmp_path: Path, pixels: np.ndarray):
    path = write_lmdb(tmp_path / "set", {b"a": encode(pixels[0])})
    with lmdb.open(str(path), readonly=True, lock=False):
        assert np.array_equal(open_source(path).read([0]), pixels[:1])
        assert np.array_equal(open_source(path / "data.mdb").read([0]), pixels[:1])


def test_a_value_that_is_no_image_is_named_by_its_key(tmp_path: Path, pixels: np.ndarray):
    path = write_lmdb(tmp_path / "set", {b"a": encode(pixels[0]), b"b\xff": b"x" * 5000})
    with pytest.raises(FringeError, match=r"data\.mdb!b\\xff: is damaged or not an image"):
        open_source(path).read([0, 1])


@pytest.mark.parametrize("large", [True, False])
def test_cut_short(tmp_path: Path, large: bool):
    path = write_lmdb(tmp_path / "set", random_values(200, 9000 if large else 200))
    file = path / "data.mdb"
    whole = file.read_bytes()
    for length in (len(whole) - 1, len(whole) // 2, 4096, 4100, 100, 10):
        file.write_bytes(whole[:length])
        with pytest.raises(FringeError, match=r"data\.mdb: is damaged.*anew"):
            open_source(path)


def test_cut_short_after_it_was_opened(tmp_path: Path):
    path = write_lmdb(tmp_path / "set", random_values(200, 9000))
    source = LmdbSource(path)
    file = path / "data.mdb"
    file.write_bytes(file.read_bytes()[:8192])
    with pytest.raises(FringeError, match=r"data\.mdb: value \d+: is damaged|is damaged"):
        stored(source)


def test_damage_is_either_refused_or_seen_as_other_values(tmp_path: Path):
    """Whatever byte of a page's head is changed; through LMDB, some of these end the process."""
    path = write_lmdb(tmp_path / "set", random_values(120, 6000))
    expected = by_the_library(path)
    file = path / "data.mdb"
    whole = file.read_bytes()
    rng = random.Random(0)
    refused = 0
    for _ in range(600):
        damaged = bytearray(whole)
        page = rng.randrange(len(whole) // 4096) * 4096
        damaged[page + rng.randrange(rng.choice([24, 160, 4096]))] = rng.randrange(256)
        file.write_bytes(damaged)
        try:
            found: Mapping[str, bytes] = stored(LmdbSource(path))
        except FringeError:
            refused += 1
        else:
            assert abs(len(found) - len(expected)) <= 1  # two keys may have become the same
    assert refused > 60


@pytest.mark.parametrize(
    "claim", [("<Q", 4096 + 16 + 24 + 48 + 40), ("<Q", 4096 + 16 + 24 + 48 + 32)]
)
def test_absurd_claims_cost_nothing(tmp_path: Path, claim: tuple[str, int], pixels: np.ndarray):
    path = write_lmdb(tmp_path / "set", {b"a": encode(pixels[0])})
    content = bytearray((path / "data.mdb").read_bytes())
    content[claim[1] : claim[1] + 8] = b"\xfe" * 8  # the root's number, the number of values
    (path / "data.mdb").write_bytes(content)
    with pytest.raises(FringeError, match="is damaged"):
        open_source(path)


def test_databases_inside_and_duplicate_keys(tmp_path: Path):
    with lmdb.open(str(tmp_path / "a"), max_dbs=2, map_size=1 << 20) as environment:
        environment.open_db(b"images")
    with pytest.raises(FringeError, match="databases inside the main one"):
        open_source(tmp_path / "a")


def test_another_format_version_and_an_empty_environment(tmp_path: Path, pixels: np.ndarray):
    path = write_lmdb(tmp_path / "set", {b"a": encode(pixels[0])})
    content = bytearray((path / "data.mdb").read_bytes())
    content[20] = 3
    (path / "data.mdb").write_bytes(content)
    with pytest.raises(FringeError, match=r"data version 3, not 1.*mdb_load"):
        open_source(path)
    with pytest.raises(FringeError, match="holds no image"):
        open_source(write_lmdb(tmp_path / "empty", {}))
