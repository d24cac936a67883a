"""Damaged files are found and set aside; whole ones, and files in the making, are left alone."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from fringe.features import link_shards
from fringe.files.hdf5 import create_h5
from fringe.running.damage import damaged_files, set_corrupt_aside, set_damaged_aside


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder: weights, and features in two shards and the file that links them."""
    with create_h5(tmp_path / "weights/faces/top1.h5", {}) as file:
        file.create_dataset("probabilities", data=np.full(1000, 1e-3), fletcher32=True)
    place = tmp_path / "features/fake/net"
    shards = [place / "0-4.h5", place / "4-8.h5"]
    for number, path in enumerate(shards):
        about = {"first": 4 * number, "last": 4 * number + 4, "network": "net"}
        with create_h5(path, about) as file:
            file.create_dataset("features", data=np.ones((4, 3), "f4"), fletcher32=True)
    link_shards(shards, tmp_path / "features/fake/net.h5")
    return tmp_path


def files(run: Path) -> set[str]:
    return {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def test_a_whole_run_is_left_alone(run: Path) -> None:
    before = files(run)
    (run / "weights/faces/.top2.77.part.h5").write_bytes(b"in the making")
    assert damaged_files(run) == {}
    set_damaged_aside(run)
    assert files(run) == before | {"weights/faces/.top2.77.part.h5"}


def test_nothing_is_there_yet(tmp_path: Path) -> None:
    set_damaged_aside(tmp_path / "results")


@pytest.mark.parametrize(
    ("name", "aside"),
    [
        ("weights/faces/top1.h5", {"weights/faces/top1.h5"}),
        ("features/fake/net.h5", {"features/fake/net.h5"}),
        ("features/fake/net/4-8.h5", {"features/fake/net.h5", "features/fake/net/4-8.h5"}),
    ],
)
def test_a_cut_file_and_what_links_it_go(
    run: Path, name: str, aside: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    cut(run / name)
    before = files(run)
    set_damaged_aside(run, dry=True)
    assert files(run) == before
    assert "a run would set it aside" in capsys.readouterr().err
    set_damaged_aside(run)
    assert files(run) == before - aside | {f"{one}.damaged" for one in aside}
    printed = capsys.readouterr().err
    assert all(str(run / one) in printed for one in aside)


def test_a_link_whose_shard_is_gone_is_damaged(run: Path) -> None:
    """HDF5 itself would give numbers that nobody computed."""
    (run / "features/fake/net/0-4.h5").unlink()
    assert list(damaged_files(run)) == [run / "features/fake/net.h5"]


def test_a_file_is_named_once(run: Path) -> None:
    path = run / "weights/faces/top1.h5"
    path.unlink()
    os.mkfifo(path)
    reason = damaged_files(run)[path]
    assert reason.startswith("is a named pipe")
    assert str(path) not in reason


def test_one_corrupt_file(run: Path) -> None:
    path = run / "weights/faces/top1.h5"
    assert not set_corrupt_aside(run, path)
    assert path.exists()
    with h5py.File(path) as file:
        offset = file["probabilities"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[offset + 3] ^= 16
    path.write_bytes(content)
    assert damaged_files(run) == {}, "its structure is whole: only reading tells"
    assert set_corrupt_aside(run, path)
    assert not path.exists()
    assert path.with_name("top1.h5.damaged").exists()
    assert not set_corrupt_aside(run, path), "what is gone is not corrupt"


def test_a_linked_file_is_not_taken_for_its_shards(run: Path) -> None:
    linked = run / "features/fake/net.h5"
    cut(run / "features/fake/net/0-4.h5")
    assert not set_corrupt_aside(run, linked), "HDF5 gives other rows for those, and tells nobody"
