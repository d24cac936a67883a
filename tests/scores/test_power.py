"""Tests of the files of distances of distorted images."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from fringe.errors import DamagedFileError
from fringe.scores.power import POWER_COLUMNS, read_power, write_power
from fringe.sources.distorted import VARIANTS

ROWS = [
    {
        **{"network": "clip", "distortion": kind, "dose": dose, "unit": "pixels", "amount": 0.35},
        **{"distance": math.pi / (3 + number), "luck": 1e-300, "floor": 1 / 3},
        **{"n": 100, "n_floor": 50, "resolution": 128, "seed": 2**40},
    }
    for number, (kind, dose) in enumerate(VARIANTS)
]


def written(folder: Path) -> Path:
    path = folder / "clip.csv"
    write_power(path, ROWS, "NA")
    return path


def test_rows_are_read_back_at_full_precision(tmp_path: Path) -> None:
    found = read_power(written(tmp_path))
    assert tuple(found.columns) == POWER_COLUMNS
    assert found.to_dict("records") == [{"source": "NA", **row} for row in ROWS]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("distance", "distances"),
        ("blur,small", "blur,tiny"),
        ("noise,visible", "noise,gross"),
        ("1e-300", "-1e-300"),
        ("0.33333333333333331", "nan"),
        ("0.33333333333333331", "one"),
    ],
)
def test_a_file_with_other_content_is_damaged(tmp_path: Path, old: str, new: str) -> None:
    path = written(tmp_path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(DamagedFileError, match=r"clip\.csv: missing or damaged"):
        read_power(path)


def test_a_truncated_or_missing_file_is_damaged(tmp_path: Path) -> None:
    path = written(tmp_path)
    text = path.read_text()
    for cut in (text[:-4], text[: text.index("warp,gross")].rpartition("\n")[0] + "\n"):
        path.write_text(cut)
        with pytest.raises(DamagedFileError, match="missing or damaged"):
            read_power(path)
    path.unlink()
    with pytest.raises(DamagedFileError, match="missing or damaged"):
        read_power(path)
