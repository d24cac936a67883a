"""Progress is a bar in a terminal and an occasional line in a log."""

from __future__ import annotations

import re
import sys
import time

import pytest

from fringe import progress as module
from fringe.progress import activity, advance, mute, progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that a test moves."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_every_ten_seconds(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []
    for item in progress(range(9), "hashing", total=900, unit="files", step=100):
        seen.append(item)
        clock[0] += 4
    assert seen == list(range(9))
    # Rates count from the start: 3 items in 12 s, 6 in 24 s, 9 in 36 s.
    assert capsys.readouterr().err.splitlines() == [
        "hashing: 300 of 900 files (25 files/s)",
        "hashing: 600 of 900 files (25 files/s)",
        "hashing: 900 of 900 files (25 files/s)",
    ]


def test_a_short_activity_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress([1, 2], "quick")) == [1, 2]
    assert capsys.readouterr().err == ""


def test_an_unknown_total_is_left_out(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in progress(range(2), "steps"):
        clock[0] += 10
    assert capsys.readouterr().err.splitlines()[0] == "steps: 1 it (0.1 it/s)"


def test_a_terminal_gets_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(progress([1, 2], "images", total=20, step=10)) == [1, 2]
    assert "images: 100%" in capsys.readouterr().err


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delays that are short enough for a test."""
    for name, seconds in (("FIRST", 0.1), ("EVERY", 0.2), ("MOVING", 0.05)):
        monkeypatch.setattr(module, name, seconds)


@pytest.mark.usefixtures("hasty")
def test_a_long_activity_is_reported_from_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    """This is true even if one call takes all the time, without any count."""
    with activity("opening a.zip"):
        time.sleep(0.6)
    lines = capsys.readouterr().err.splitlines()
    assert 3 <= len(lines) <= 5
    assert set(lines) <= {"opening a.zip (0 s)", "opening a.zip (1 s)"}


@pytest.mark.usefixtures("hasty")
def test_the_progress_of_a_large_file_is_in_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    with activity("all"), activity("reading a.mdb", total=60_000_000_000):
        for _ in range(4):
            advance(10_000_000_000)
            time.sleep(0.1)
    first, *_, last, end = capsys.readouterr().err.splitlines()
    line = r"reading a\.mdb: \d\d\.0GB of 60\.0GB \([\d.]+GB/s, \d s left\)"
    assert re.fullmatch(line, first)
    assert re.fullmatch(line, last)
    assert last.startswith("reading a.mdb: 40.0GB")
    assert end == "all (0 s)"


@pytest.mark.usefixtures("hasty")
def test_a_short_activity_prints_nothing_however_it_ends(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with activity("short"):
        pass
    with pytest.raises(KeyError), activity("failing", total=3, unit="images"):
        raise KeyError
    assert capsys.readouterr().err == ""
    # Many short activities within a long one are reported.
    with activity("all"):
        for number in range(6):
            with activity(f"part {number}"):
                time.sleep(0.05)
    assert "part " in capsys.readouterr().err


@pytest.mark.usefixtures("hasty")
def test_a_terminal_gets_one_updated_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "70")
    title = f"reading /{'folder/' * 20}last.h5"
    with activity(title, total=200, unit="images"):
        for _ in range(20):
            advance(10)
            time.sleep(0.02)
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert text.endswith("\n")
    states = text.replace("\x1b[K", "").strip().split("\r")
    assert len(states) > 4
    assert all(len(state) < 70 for state in states)
    assert re.fullmatch(r"reading /\S*\.\.\.\S*h5: 200 images of 200 images \(.*/s\)", states[-1])


@pytest.mark.usefixtures("hasty")
def test_a_job_prints_no_progress(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module._reporter, "is_mute", False)
    mute()
    with activity("reading", total=3):
        advance(1)
        time.sleep(0.3)
    assert capsys.readouterr().err == ""
