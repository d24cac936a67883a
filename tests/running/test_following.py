"""A process that stands in for Snakemake, and what is told of its events and of its stderr."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

import pytest

from fringe.running.following import follow, start


class Notes:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.ticks = 0

    def event(self, event: Mapping[str, Any]) -> None:
        self.told.append(dict(event))

    def text(self, line: str) -> None:
        self.told.append(line)

    def tick(self) -> None:
        self.ticks += 1


def followed(body: str) -> tuple[Notes, int]:
    """Return what was told of a process, and its status."""
    head = "import json, os, subprocess, sys, time\n"
    head += "events = open(int(os.environ['FRINGE_EVENTS']), 'w')\n"
    notes = Notes()
    one = start([sys.executable, "-c", head + body], os.environ)
    follow(one, notes)
    return notes, one.process.wait()


def test_what_a_job_prints_comes_before_what_snakemake_says_of_it() -> None:
    notes, status = followed(
        "for number in range(200):\n"
        "    print('error', number, file=sys.stderr, flush=True)\n"
        "    print(json.dumps({'event': number}), file=events, flush=True)\n"
        "sys.exit(3)"
    )
    assert status == 3
    assert [one for one in notes.told if isinstance(one, dict)] == [
        {"event": number} for number in range(200)
    ]
    for number in range(200):
        assert notes.told.index(f"error {number}") < notes.told.index({"event": number})


def test_lines_arrive_whole_whatever_the_pipe_cuts() -> None:
    notes, _ = followed(
        "for byte in 'gr\\u00fcn\\nrot'.encode():\n"
        "    os.write(2, bytes([byte])); time.sleep(0.01)\n"
        "os.write(events.fileno(), b'{\"a\":'); time.sleep(0.1)\n"
        "os.write(events.fileno(), b' 1}\\n{\"b\": 2')"  # the second one is cut short
    )
    assert notes.told[0] == "grün"
    assert {"a": 1} in notes.told
    assert "rot" in notes.told
    assert len(notes.told) == 3


def test_time_passes_while_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fringe.running.following.MOVING", 0.05)
    notes, _ = followed("time.sleep(1)")
    assert notes.ticks > 5
    notes, _ = followed("events.close(); os.close(2); time.sleep(1)")
    assert 5 < notes.ticks < 100, "pipes that are closed need no attention"


def test_what_snakemake_leaves_behind_is_not_waited_for() -> None:
    begun = time.monotonic()
    notes, status = followed(
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)'])\n"
        "print('told', file=sys.stderr)"
    )
    assert (notes.told, status) == (["told"], 0)
    assert time.monotonic() - begun < 15
