"""Events and stderr of a process that replaces Snakemake."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

import pytest

from fringe.running.following import follow, start


class Notes:
    """A follower that records its calls."""

    def __init__(self) -> None:
        self.received: list[Any] = []
        self.ticks = 0

    def event(self, event: Mapping[str, Any]) -> None:
        self.received.append(dict(event))

    def text(self, line: str) -> None:
        self.received.append(line)

    def tick(self) -> None:
        self.ticks += 1


def followed(body: str) -> tuple[Notes, int]:
    """Return the recorded calls for a process, and its exit status."""
    head = "import json, os, subprocess, sys, time\n"
    head += "events = open(int(os.environ['FRINGE_EVENTS']), 'w')\n"
    notes = Notes()
    one = start([sys.executable, "-c", head + body], os.environ)
    follow(one, notes)
    return notes, one.process.wait()


def test_lines_of_a_job_come_before_its_event() -> None:
    notes, status = followed(
        "for number in range(200):\n"
        "    print('error', number, file=sys.stderr, flush=True)\n"
        "    print(json.dumps({'event': number}), file=events, flush=True)\n"
        "sys.exit(3)"
    )
    assert status == 3
    assert [one for one in notes.received if isinstance(one, dict)] == [
        {"event": number} for number in range(200)
    ]
    for number in range(200):
        assert notes.received.index(f"error {number}") < notes.received.index({"event": number})


def test_split_lines_arrive_whole() -> None:
    notes, _ = followed(
        "for byte in 'gr\\u00fcn\\nrot'.encode():\n"
        "    os.write(2, bytes([byte])); time.sleep(0.01)\n"
        "os.write(events.fileno(), b'{\"a\":'); time.sleep(0.1)\n"
        "os.write(events.fileno(), b' 1}\\n{\"b\": 2')"  # the second event is truncated
    )
    assert notes.received[0] == "grün"
    assert {"a": 1} in notes.received
    assert "rot" in notes.received
    assert len(notes.received) == 3


def test_the_follower_is_called_while_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fringe.running.following.MOVING", 0.05)
    notes, _ = followed("time.sleep(1)")
    assert notes.ticks > 5
    notes, _ = followed("events.close(); os.close(2); time.sleep(1)")
    assert 5 < notes.ticks < 100, "closed pipes are not polled"


def test_processes_left_by_snakemake_are_not_waited_for() -> None:
    begun = time.monotonic()
    notes, status = followed(
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)'])\n"
        "print('said', file=sys.stderr)"
    )
    assert (notes.received, status) == (["said"], 0)
    assert time.monotonic() - begun < 15
