"""What the logs and benchmarks of jobs say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fringe.costs.jobs import Device
from fringe.errors import FringeError
from fringe.files.parsing import parse_json
from fringe.files.regular import read_text

__all__ = ["device_of", "read_description", "read_seconds"]


def read_seconds(path: Path) -> float | None:
    """Return the wall time in a benchmark file of Snakemake's, its mean if it was repeated."""
    try:
        head, *rows = [line.split("\t") for line in read_text(path).splitlines()]
        values = [float(row[head.index("s")]) for row in rows]
        return sum(values) / len(values)
    except (OSError, ValueError, ZeroDivisionError):
        return None  # cut short, or being written


def device_of(folder: Path, benchmark: str) -> Device:
    """Return where a job computed: its log names a GPU."""
    return "cuda" if "computing on " in _log(folder, benchmark) else "cpu"


def _log(folder: Path, benchmark: str) -> str:
    """Return the log of a job, which lies as its benchmark file does; "" if it is not there."""
    return _text((folder / "logs" / Path(benchmark).relative_to("benchmarks")).with_suffix(".log"))


def _text(path: Path) -> str:
    """Return a log; "" if there is none that can be read."""
    try:
        return read_text(path, errors="replace")
    except (OSError, FringeError):
        return ""


_DESCRIPTION = "job: "


def read_description(log: str) -> dict[str, Any] | None:
    """Return a job's ``threads``, ``inputs`` and ``outputs`` from its log.

    None if it did not come to its end, or an earlier version of Fringe wrote the log.
    """
    lines = [line for line in log.splitlines() if line.startswith(_DESCRIPTION)]
    try:
        told = dict(parse_json(lines[-1].removeprefix(_DESCRIPTION)))
    except (IndexError, TypeError, ValueError):
        return None
    right = all(isinstance(told.get(key), list) for key in ("inputs", "outputs"))
    return told if right and isinstance(told.get("threads"), int) else None
