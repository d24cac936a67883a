"""Readers of the logs and benchmark files of jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fringe.costs.jobs import Device
from fringe.errors import FringeError
from fringe.files.parsing import parse_json
from fringe.files.regular import read_text
from fringe.plan import layout

__all__ = [
    "DESCRIPTION",
    "device_of",
    "read_description",
    "read_log",
    "read_seconds",
    "read_text_of",
]

# A line of a log with this prefix describes the job in JSON.
DESCRIPTION = "job: "


def read_seconds(path: Path) -> float | None:
    """Return the wall time in a benchmark file of Snakemake: the mean if the job was repeated."""
    try:
        head, *rows = [line.split("\t") for line in read_text(path).splitlines()]
        values = [float(row[head.index("s")]) for row in rows]
        return sum(values) / len(values)
    except (OSError, ValueError, ZeroDivisionError):
        return None  # truncated, or being written


def device_of(folder: Path, benchmark: str) -> Device:
    """Return the device of a job: a GPU if the job's log names one."""
    return "cuda" if "computing on " in read_log(folder, benchmark) else "cpu"


def read_log(folder: Path, benchmark: str) -> str:
    """Return the log of the job with a benchmark file, or "" if there is no log."""
    return read_text_of(folder / layout.log_of(benchmark))


def read_text_of(path: Path) -> str:
    """Return the text of a log, or "" if it cannot be read."""
    try:
        return read_text(path, errors="replace")
    except (OSError, FringeError):
        return ""


def read_description(log: str) -> dict[str, Any] | None:
    """Return a job's ``threads``, ``inputs`` and ``outputs`` from its log.

    The result is None if the job did not succeed, or an earlier version of Fringe wrote the log.
    """
    lines = [line for line in log.splitlines() if line.startswith(DESCRIPTION)]
    try:
        entry = dict(parse_json(lines[-1].removeprefix(DESCRIPTION)))
    except (IndexError, TypeError, ValueError):
        return None
    right = all(isinstance(entry.get(key), list) for key in ("inputs", "outputs"))
    return entry if right and isinstance(entry.get("threads"), int) else None
