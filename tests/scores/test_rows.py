"""Tests of the files of tidy rows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from fringe.errors import DamagedFileError
from fringe.scores.rows import read_scores, write_scores


def test_rows_are_read_back_at_full_precision(tmp_path: Path) -> None:
    row = {"metric": "fid", "repeat": 0, "value": 0.1 + 0.2, "n_real": 5, "n_generated": 6}
    labels = {"dataset": "d", "scheme": "random", "network": "tiny", "space": "features"}
    for name in ("one", "two"):
        write_scores(tmp_path / f"{name}.csv", [row], labels | {"dataset": name}, seed=3)
    frame = read_scores([tmp_path / "one.csv", tmp_path / "two.csv"])
    assert list(frame.columns) == [
        "dataset", "scheme", "network", "space", "metric", "repeat", "value", "n_real",
        "n_generated", "seed",
    ]  # fmt: skip
    assert frame["dataset"].tolist() == ["one", "two"]
    assert (frame["value"] == 0.1 + 0.2).all()
    assert (frame["seed"] == 3).all()
    assert isinstance(frame, pd.DataFrame)


def test_rows_with_and_without_standard_errors_are_read_together(tmp_path: Path) -> None:
    """Kernel distances and Fréchet distances of earlier versions have no standard errors."""
    row = {"metric": "kid", "repeat": 0, "value": 1.0}
    errors = {"standard_error": 0.25, "real_error": float("nan")}
    write_scores(tmp_path / "kid.csv", [row], {}, seed=3)
    write_scores(tmp_path / "fid.csv", [row | {"metric": "fid"} | errors], {}, seed=3)
    frame = read_scores([tmp_path / "kid.csv", tmp_path / "fid.csv"])
    assert frame["standard_error"].fillna(-1).tolist() == [-1, 0.25]
    assert frame["real_error"].isna().all()


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe\0", b"a,b\n1,2\n1,2,3,4\n", b'a\n"1'])
def test_message_names_a_table_that_cannot_be_read(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "one.csv"
    path.write_bytes(damage)
    message = r"one\.csv: missing or damaged \(.+\); delete it and run again to create it"
    with pytest.raises(DamagedFileError, match=message) as caught:
        read_scores([path])
    assert caught.value.path == path
