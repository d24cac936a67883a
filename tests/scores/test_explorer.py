"""Tests of the files of an explorer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fringe.errors import DamagedFileError
from fringe.scores.explorer import ClassTable, Explorer, Sprites, read_explorer, write_explorer

HOSTILE = (
    '</script><b>"',
    "a\\0\n\u202e'&amp;",
    "\u8c93" * 40_000,
)  # > 64 KB


def explorer(n: int = 7) -> Explorer:
    rng = np.random.default_rng(0)
    table = ClassTable(
        numbers=np.array([3, 8, 9], np.int32),
        names=HOSTILE,
        shares=rng.random((3, 3)),
        contributions=np.array([1 / 3, np.nan, -1e-300]),
    )
    return Explorer(
        groups=["Real images", HOSTILE[0]],
        models=["drawn at random", HOSTILE[1]],
        group=np.repeat([0, 1], [2, n - 2]).astype(np.int8),
        index=np.arange(n) * 2**40,
        sampled=np.arange(n) % 2 == 0,
        classes=np.full((n, 3), [2, 0, -1], np.int32),
        probabilities=rng.random((n, 3), np.float32),
        weight=np.where(np.arange(n) < 2, np.nan, 1.5).astype(np.float32),
        influence=rng.normal(size=(n, 2)).astype(np.float32),
        nearest=rng.random(n, np.float32),
        maps=rng.integers(0, 256, (n, 4, 5), np.uint8),
        map_ranges=rng.normal(size=(n, 2)).astype(np.float32),
        sprites=Sprites([b"RIFF\0one", b"two"], 64, 1, 4),
        class_table=table,
        network="Inception-V3",
        counts=["influence: 2,000 images"],
        seed=2**40,
    )


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, ClassTable | Sprites):
        return all(same(getattr(a, one.name), getattr(b, one.name)) for one in fields(a))
    return list(a) == list(b) if isinstance(a, list | tuple) else bool(a == b)


def test_all_parts_are_read_back(tmp_path: Path) -> None:
    whole = explorer()
    few = replace(
        whole, classes=None, probabilities=None, class_table=None, maps=None, map_ranges=None
    )
    for number, written in enumerate((whole, few)):
        path = tmp_path / f"{number}.h5"
        write_explorer(path, written, {"made_from": "x"})
        found = read_explorer(path)
        for one in fields(Explorer):
            assert same(getattr(written, one.name), getattr(found, one.name)), one.name


def shortened(file: h5py.File) -> None:
    values = file["influence"][:, :1]
    del file["influence"]
    file["influence"] = values


def regrouped(file: h5py.File) -> None:
    file["group"][0] = 5


def reclassed(file: h5py.File) -> None:
    file["classes"][0, 0] = 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda file: file.__delitem__("weight"), "weight"),
        (lambda file: file.__delitem__("sprites/1"), "1 pictures do not fit 7"),
        (lambda file: file.__delitem__("maps"), "only one of maps and map_ranges"),
        (lambda file: file.__delitem__("class_table"), "no table of classes"),
        (lambda file: file.__delitem__("class_table/shares"), "shares"),
        (shortened, "influence has the shape"),
        (regrouped, "the group of an image does not exist"),
        (reclassed, "not in the table"),
    ],
)
def test_a_file_with_inconsistent_content_is_damaged(
    tmp_path: Path, change: Callable[[h5py.File], None], said: str
) -> None:
    path = tmp_path / "a.h5"
    write_explorer(path, explorer())
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(DamagedFileError, match=r"a\.h5: .*delete it") as caught:
        read_explorer(path)
    assert said in str(caught.value)


def test_files_with_flipped_bits_and_truncated_files_are_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_explorer(path, explorer())
    content = path.read_bytes()
    at = content.index(b"RIFF\0one")
    path.write_bytes(content[:at] + b"X" + content[at + 1 :])
    with pytest.raises(DamagedFileError, match="damaged"):
        read_explorer(path)
    path.write_bytes(content[:-100])
    with pytest.raises(DamagedFileError, match="damaged"):
        read_explorer(path)
    path.unlink()
    with pytest.raises(DamagedFileError, match="missing"):
        read_explorer(path)
