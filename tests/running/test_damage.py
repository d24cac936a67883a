"""Damaged files are found and renamed. Whole files and partial files are kept."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from fringe.features import link_shards
from fringe.files.hdf5 import create_h5
from fringe.running.damage import damaged_files, rename_corrupt, rename_damaged


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder with weights, two shards of features, and the file that links the shards."""
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


def test_whole_files_are_kept(run: Path) -> None:
    before = files(run)
    (run / "weights/faces/.top2.77.part.h5").write_bytes(b"in the making")
    assert damaged_files(run) == {}
    rename_damaged(run)
    assert files(run) == before | {"weights/faces/.top2.77.part.h5"}


def test_a_missing_folder_has_no_damage(tmp_path: Path) -> None:
    rename_damaged(tmp_path / "results")


@pytest.mark.parametrize(
    ("name", "damaged"),
    [
        ("weights/faces/top1.h5", {"weights/faces/top1.h5"}),
        ("features/fake/net.h5", {"features/fake/net.h5"}),
        ("features/fake/net/4-8.h5", {"features/fake/net.h5", "features/fake/net/4-8.h5"}),
    ],
)
def test_a_truncated_shard_and_its_linked_file_are_renamed(
    run: Path, name: str, damaged: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    cut(run / name)
    before = files(run)
    rename_damaged(run, dry=True)
    assert files(run) == before
    assert "a run would rename it" in capsys.readouterr().err
    rename_damaged(run)
    assert files(run) == before - damaged | {f"{one}.damaged" for one in damaged}
    printed = capsys.readouterr().err
    assert all(str(run / one) in printed for one in damaged)


def test_a_link_to_a_missing_shard_is_damaged(run: Path) -> None:
    """HDF5 itself would return fill values."""
    (run / "features/fake/net/0-4.h5").unlink()
    assert list(damaged_files(run)) == [run / "features/fake/net.h5"]


def test_a_damaged_file_is_reported_once(run: Path) -> None:
    path = run / "weights/faces/top1.h5"
    path.unlink()
    os.mkfifo(path)
    reason = damaged_files(run)[path]
    assert reason.startswith("is a named pipe")
    assert str(path) not in reason


def test_only_the_corrupt_file_is_renamed(run: Path) -> None:
    path = run / "weights/faces/top1.h5"
    assert not rename_corrupt(run, path)
    assert path.exists()
    with h5py.File(path) as file:
        offset = file["probabilities"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[offset + 3] ^= 16
    path.write_bytes(content)
    assert damaged_files(run) == {}, "only reading the data finds the damage"
    assert rename_corrupt(run, path)
    assert not path.exists()
    assert path.with_name("top1.h5.damaged").exists()
    assert not rename_corrupt(run, path), "a missing file is not corrupt"


def test_a_linked_file_is_not_corrupt_if_a_shard_is(run: Path) -> None:
    linked = run / "features/fake/net.h5"
    cut(run / "features/fake/net/0-4.h5")
    assert not rename_corrupt(run, linked), "HDF5 returns fill values without an error"
