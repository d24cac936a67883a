"""Correction of modification times in the future."""

import os
import time
from pathlib import Path

import pytest

from fringe.running.times import reset_future_times

DAY = 86_400 * 10**9


def made(path: Path, changed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(path.name)
    os.utime(path, ns=(changed, changed))
    return path


def test_times_in_the_future_become_the_present_in_their_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = time.time_ns()
    late = made(tmp_path / "features/late.h5", now + 900 * DAY)
    early = made(tmp_path / "scores/early.csv", now + 30 * DAY)
    same = made(tmp_path / "scores/same.csv", now + 30 * DAY)
    past = made(tmp_path / "tables/table1.md", now - DAY)
    skewed = made(tmp_path / "tables/table2.md", now + 2 * 10**9)  # by a fast clock
    (tmp_path / "scores/nowhere.csv").symlink_to("missing")
    assert reset_future_times(tmp_path, dry=True) == 3
    assert late.stat().st_mtime_ns == now + 900 * DAY
    assert reset_future_times(tmp_path) == 3
    times = [path.stat().st_mtime_ns for path in (past, early, late)]
    assert times == sorted(set(times))
    assert now - 10**9 < times[1] < times[2] <= time.time_ns()
    assert early.stat().st_mtime_ns == same.stat().st_mtime_ns
    assert past.stat().st_mtime_ns == now - DAY
    assert skewed.stat().st_mtime_ns == now + 2 * 10**9
    assert "the times of 3 files are in the future" in capsys.readouterr().err
    assert reset_future_times(tmp_path) == 0


def test_a_missing_run_needs_no_correction(tmp_path: Path) -> None:
    assert reset_future_times(tmp_path / "nothing") == 0
