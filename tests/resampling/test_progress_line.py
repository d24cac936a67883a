"""The progress lines of an optimization."""

from __future__ import annotations

import logging
import sys

import numpy as np
import pytest

from fringe import progress
from fringe.resampling import progress_line
from fringe.resampling.progress_line import Report


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that tests set."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress_line.time, "perf_counter", lambda: now[0])
    return now


def path(evaluation: int, gap: float = np.nan) -> np.ndarray:
    """Return a path that ends at the given evaluation, after 100 seconds."""
    return np.array([[0, 9.0, np.nan, 5.0, 0.0], [evaluation, 1.5, gap, 3.2, 100.0]])


def test_a_log_gets_a_line_every_ten_seconds_and_a_last_one(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Report("weights of photos", 200) as report:
        for evaluation in range(1, 5):
            clock[0] += 4
            report(path(evaluation, 0.25 if evaluation == 4 else np.nan))
            clock[0] += 2
        report(path(5, 0.125), last=True)
    start = "weights of photos: evaluation"
    assert caplog.messages == [
        f"{start} 2 of at most 200, objective 1.5, effective sample size 3",
        f"{start} 4 of at most 200, objective 1.5, gap at most 0.25, effective sample size 3",
        f"{start} 5 of at most 200, objective 1.5, gap at most 0.125, effective sample size 3",
    ]


def test_a_short_optimization_logs_nothing(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Report("short", 3, "step") as report:
        report(path(1))
        report(path(3), last=True)
    assert caplog.messages == []


def test_steps_are_counted_up_to_their_total(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    report = Report("released", 1000, "step")
    clock[0] += 10
    report(path(7))
    assert caplog.messages == ["released: step 7 of 1000, objective 1.5, effective sample size 3"]


def test_a_terminal_gets_a_bar_with_the_latest_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Report("weights", 10) as report:
        report(path(5, 0.25))
    shown = capsys.readouterr().err
    assert "weights:  50%" in shown
    assert "objective 1.5, gap at most 0.25" in shown


def test_seconds_continue_after_an_interruption(clock: list[float]) -> None:
    report = Report("weights", 10)
    clock[0] += 7
    assert report.seconds() == 7
    report.resume(path(5))
    assert report.seconds() == 107
