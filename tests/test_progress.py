"""Progress is a bar in a terminal and a line now and then in a log."""

from __future__ import annotations

import sys

import pytest

from fringe import progress as module
from fringe.progress import progress


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


def test_what_is_quick_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
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
