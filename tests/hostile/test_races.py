"""Data that changes under a run: what is read is what was planned, or nothing is made of it."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from tests.hostile.races import COUNT, KINDS, Data, build

from fringe import steady as steady_module
from fringe.errors import ChangedError, FringeError
from fringe.features import extract_shard
from fringe.networks import Activations, FeatureNetwork
from fringe.planned import (
    note_plan,
    planned_file,
    planned_images,
    planned_shard,
    refuse_other_plan,
)
from fringe.sources import digests, open_source
from fringe.sources.digests import file_digests
from fringe.steady import steady

SHARD = "0000000-0000024"
CHANGED = r"(?s)sources/real: its data changed under the run \(.*\); nothing was made of it: run"
WAYS = ("rename", "in place")
FILE = r"statistics\.npz: its data changed under the run"


def refused(match: str = CHANGED) -> pytest.RaisesExc[FringeError]:
    return pytest.raises(FringeError, match=match)


@pytest.fixture(params=KINDS)
def data(request: pytest.FixtureRequest, tmp_path: Path) -> Data:
    return build(tmp_path, request.param)


def config_of(data: Data, **options: Any) -> dict[str, Any]:
    """Return the part of a configuration that jobs read, with what it was planned with."""
    folder = data.place.parent / "results"
    source = {"kind": "files", "path": str(data.place), **options}
    config = {"results": str(folder), "run": "run", "device": "cpu", "sources": {"real": source}}
    opened = open_source(data.place, cache=folder / ".fingerprints", **options)
    planned = {
        "sources/real": opened.fingerprint,
        f"sources/real/{SHARD}": opened.fingerprint_of(0, len(opened)),
    }
    return {**config, "extraction": {"scratch": False}, "planned": planned}


def network(hook: Callable[[], None] = lambda: None) -> FeatureNetwork:
    """Return a network of mean colours that calls a hook first."""

    def forward(images: torch.Tensor) -> Activations:
        hook()
        return Activations(images.float().mean((2, 3)))

    return FeatureNetwork("colours", 3, None, "0" * 64, torch.device("cpu"), forward)


def features(path: Path) -> np.ndarray:
    with h5py.File(path) as file:
        return np.asarray(file["features"])


def is_held(data: Data, way: str) -> bool:
    """Tell whether the files that a source has opened are the old ones after a change."""
    return data.place.suffix == ".zip" and way == "rename"


@pytest.mark.parametrize("way", WAYS)
def test_a_shard_of_a_mixture_is_not_written_and_data_put_back_give_what_was_planned(
    data: Data, way: str, tmp_path: Path
) -> None:
    config, out = config_of(data), tmp_path / "features" / "shard.h5"

    def extract(hook: Callable[[], None] = lambda: None) -> None:
        with planned_shard(config, "real", SHARD, None) as source:
            extract_shard(source, network(hook), 0, COUNT, out, batch_size=2)

    extract()
    undisturbed = features(out)
    out.unlink()

    # While the first batch is looked at, three others have been read.
    if is_held(data, way):
        extract(lambda: data.put("B", way))
        assert np.array_equal(features(out), undisturbed)
        out.unlink()
    else:
        with refused():
            extract(lambda: data.put("B", way))
    assert list(out.parent.iterdir()) == []

    # Before a job begins.
    with refused():
        extract()
    assert list(out.parent.iterdir()) == []

    # What a next plan makes of that is B and not a mixture.
    other = config_of(data)
    assert set(other["planned"].values()).isdisjoint(config["planned"].values())
    with planned_images(other, "real") as source:
        np.testing.assert_array_equal(source.read(range(COUNT)), data.pixels["B"])

    data.put("A", way)
    assert config_of(data)["planned"] == config["planned"]
    extract()
    assert np.array_equal(features(out), undisturbed)


@pytest.mark.parametrize("way", WAYS)
def test_what_other_processes_read_is_what_was_planned(data: Data, way: str) -> None:
    """Decode workers get a pickled source, and open the files for themselves and later."""
    with planned_shard(config_of(data), "real", SHARD, None) as source:
        sent = pickle.dumps(source)
        np.testing.assert_array_equal(pickle.loads(sent).read(range(4)), data.pixels["A"][:4])
        data.put("B", way)
        with pytest.raises(FringeError):
            pickle.loads(sent).read(range(4))
        data.put("A", way)
        np.testing.assert_array_equal(pickle.loads(sent).read(range(4)), data.pixels["A"][:4])


def test_a_worker_process_tells_of_a_change(tmp_path: Path) -> None:
    data = build(tmp_path, "zip")
    out = tmp_path / "shard.h5"
    with (
        refused(),
        planned_shard(config_of(data), "real", SHARD, None) as source,
    ):
        data.put("B", "rename")
        extract_shard(source, network(), 0, COUNT, out, batch_size=4, workers=1)
    assert not out.exists()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_comes_and_goes_an_image_is_the_planned_one_or_none(data: Data, seed: int) -> None:
    """Contents are exchanged at random moments; with one in hand that an earlier handle holds."""
    rng = np.random.default_rng(seed)
    source = open_source(data.place, cache=data.place.parent / "cache")
    source.fingerprint_of(0, COUNT)
    read = 0
    for _ in range(25):
        if rng.random() < 0.5:
            data.put("AB"[rng.integers(2)], WAYS[rng.integers(2)])
        reader = pickle.loads(pickle.dumps(source)) if rng.random() < 0.3 else source
        indices = rng.integers(0, COUNT, 3)
        try:
            found = reader.read(indices)
        except FringeError:
            continue
        read += 1
        np.testing.assert_array_equal(found, data.pixels["A"][indices])
    assert read


@pytest.mark.parametrize("way", WAYS)
def test_images_in_random_order_that_are_read_ahead_are_the_planned_ones(
    data: Data, way: str, tmp_path: Path
) -> None:
    config = config_of(data, count=20, seed=3)
    config["planned"]["sources/real/0000000-0000020"] = config["planned"].pop(
        f"sources/real/{SHARD}"
    )
    out = tmp_path / "shard.h5"
    data.put("B", way)
    with (
        refused(),
        planned_shard(config, "real", "0000000-0000020", None) as source,
    ):
        extract_shard(source, network(), 0, 20, out, batch_size=2)
    assert not out.exists()
    data.put("A", way)
    with (
        nullcontext() if is_held(data, way) else refused(),
        planned_shard(config, "real", "0000000-0000020", None) as source,
    ):
        data.put("B", way)
        extract_shard(source, network(), 0, 20, out, batch_size=2)
    assert out.exists() == is_held(data, way)


def test_images_that_are_removed_or_added_are_a_change(tmp_path: Path) -> None:
    data = build(tmp_path, "folder")
    config = config_of(data)
    with (
        refused(),
        planned_shard(config, "real", SHARD, None) as source,
    ):
        (data.place / "00001/000012.png").unlink()
        source.read(range(COUNT))
    data.put("A", "rename")
    (data.place / "00000/000000a.png").write_bytes((data.place / "00000/000000.png").read_bytes())
    with refused(), planned_images(config, "real"):
        pass


def test_a_folder_whose_name_is_given_to_another_is_a_change(tmp_path: Path) -> None:
    """Then no file has a new time of change."""
    data = build(tmp_path, "folder")
    with (
        refused(),
        planned_shard(config_of(data), "real", SHARD, None) as source,
    ):
        data.place.rename(tmp_path / "aside")
        data.contents["B"].rename(data.place)
        source.read(range(COUNT))


# What is remembered.


class Clock:
    """A file system that keeps whole seconds, and the clock of the machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.5
        self.stamps: dict[str, float] = {}
        self.on_sleep: Callable[[], None] = lambda: None
        monkeypatch.setattr(steady_module.time, "time", lambda: self.now)
        monkeypatch.setattr(steady_module.time, "sleep", self.sleep)
        monkeypatch.setattr(digests, "_stat", self.stat)

    def write(self, path: Path, data: bytes) -> None:
        path.write_bytes(data)
        self.stamps[str(path)] = self.now // 1

    def sleep(self, seconds: float) -> None:
        self.on_sleep()
        self.now += seconds

    def stat(self, path: str | Path) -> os.stat_result:
        about, stamp = os.stat(path), self.stamps[str(path)]  # noqa: PTH116
        times = {"st_mtime_ns": int(stamp * 1e9), "st_ctime_ns": int(stamp * 1e9)}
        return os.stat_result(about[:10], times)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_second_change_within_one_step_of_the_clock_is_seen(tmp_path: Path, clock: Clock) -> None:
    path, cache = tmp_path / "file", tmp_path / "cache"
    clock.write(path, b"first")
    clock.on_sleep = lambda: clock.write(path, b"other")  # with the same size and times
    assert file_digests([path], cache) == [sha256(b"other")]
    assert clock.now >= 1002
    clock.on_sleep = lambda: None
    assert file_digests([path], cache) == [sha256(b"other")]
    # Remembered, now that any later change shows.
    path.write_bytes(b"third")
    assert file_digests([path], cache) == [sha256(b"other")]
    clock.write(path, b"third")
    assert file_digests([path], cache) == [sha256(b"third")]


def test_while_a_file_changed_in_the_future_its_hash_is_not_remembered(
    tmp_path: Path, clock: Clock
) -> None:
    path, cache = tmp_path / "file", tmp_path / "cache"
    clock.write(path, b"first")
    clock.now = 900.0  # it was set back
    assert file_digests([path], cache) == [sha256(b"first")]
    assert clock.now == 900.0
    path.write_bytes(b"other")  # when the clock shows the same second again
    assert file_digests([path], cache) == [sha256(b"other")]
    clock.now = 1003.0
    assert file_digests([path], cache) == [sha256(b"other")]
    path.write_bytes(b"third")
    assert file_digests([path], cache) == [sha256(b"other")]


@pytest.mark.parametrize("kind", ["folder", "lmdb", "hdf5", "tar", "parquet"])
def test_what_is_remembered_wrongly_ends_one_job_and_is_forgotten(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as of a file whose times somebody set, on a file system that has no time of change."""
    data = build(tmp_path, kind)
    times = {"st_mtime_ns": 10**9, "st_ctime_ns": 10**9}
    same = os.stat_result((0o100644, 1, 1, 1, 0, 0, 999, 1, 1, 1), times)
    monkeypatch.setattr(digests, "_stat", lambda path: same)
    config = config_of(data)
    data.put("B", "rename")
    assert config_of(data)["planned"] == config["planned"]
    # Of a folder each file is remembered for itself.
    for _ in range(COUNT if kind == "folder" else 1):
        with refused(), planned_shard(config_of(data), "real", SHARD, None) as source:
            source.read(range(COUNT))
    with planned_images(config_of(data), "real") as source:
        np.testing.assert_array_equal(source.read(range(COUNT)), data.pixels["B"])


def test_hashes_of_two_states_of_a_file_are_never_remembered_as_one(tmp_path: Path) -> None:
    data, cache = build(tmp_path, "tar"), tmp_path / "cache"
    source = open_source(data.place, cache=cache)
    source.fingerprint_of(0, 4)
    data.put("B", "rename")
    with pytest.raises(ChangedError, match=r"data\.tar: was changed while it was read; run again"):
        source.fingerprint_of(4, 8)
    remembered = open_source(data.place, cache=cache).fingerprint_of(0, COUNT)
    assert remembered == open_source(data.place).fingerprint_of(0, COUNT)


# Files that are not images.


def test_a_file_is_the_same_before_and_after(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_bytes(b"one")

    with refused(r"file: was changed while it was read; run again"), steady(path):
        path.write_bytes(b"two")
    with refused("file: was changed"), steady(path):
        other.write_bytes(b"two")
        other.replace(path)
    with refused("file: was changed"), steady(path):
        path.rename(other)
        path.write_bytes(b"2")
        other.replace(path)  # the very file that it was
    with refused("file: was changed"), steady(path):
        path.unlink()
        raise FringeError("something else that follows from it")
    with refused("nothing that"), steady(path):
        raise FringeError("nothing that a change could explain")


def test_a_planned_file_is_read_or_nothing_is(tmp_path: Path) -> None:
    path = tmp_path / "statistics.npz"
    path.write_bytes(b"planned")
    config = {"results": str(tmp_path), "planned": {str(path): sha256(b"planned")}}
    with planned_file(config, path):
        assert path.read_bytes() == b"planned"
    with refused(FILE), planned_file(config, path):
        path.write_bytes(b"another")
    with refused(FILE), planned_file(config, path):
        pytest.fail("nothing may be read")
    path.write_bytes(b"planned")
    with planned_file(config, path):
        assert path.read_bytes() == b"planned"


def test_a_job_that_plans_again_does_so_with_the_data_of_its_run(tmp_path: Path) -> None:
    planned = {"sources/real": "a", "sources/real/0-9": "b", "weights/net": "c", "m.npz": "d"}
    refuse_other_plan(tmp_path, planned)  # without a run
    note_plan(tmp_path, planned)
    refuse_other_plan(tmp_path, {**planned, "weights/other": "e"})
    changed = {**planned, "sources/real": "x", "sources/real/0-9": "y", "m.npz": "z"}
    with pytest.raises(FringeError) as told:
        refuse_other_plan(tmp_path, changed)
    lines = str(told.value).splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["sources/real", "m.npz"]
    assert all("its data changed under the run" in line for line in lines)
