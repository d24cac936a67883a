"""What earlier jobs took, as their benchmarks and estimates record it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fringe.costs.jobs import Device, parse_shard_file, part
from fringe.costs.logs import device_of, read_seconds
from fringe.files.parsing import parse_json
from fringe.files.regular import read_text

__all__ = ["Record", "Task", "has_run", "read_kept", "read_records", "stamp_of", "tasks_of"]

# What a job had to do: `Work`'s group and units.
Task = tuple[str, float]


@dataclass(frozen=True)
class Record:
    """What a job took, and what it had to do then: `Work`'s ``group`` and ``units``."""

    run: str
    benchmark: str
    rule: str
    device: Device
    seconds: float
    group: str
    units: float


def read_records(folder: Path, known: Mapping[str, Task]) -> list[Record]:
    """Return what the jobs of a run took.

    ``known`` tells what they had to do: `Work`'s group and units by benchmark file. Where it does
    not, the file's own path may: it tells network and number of images.
    """
    found = []
    for path in sorted((folder / "benchmarks").rglob("*.tsv")):
        benchmark = path.relative_to(folder).as_posix()
        task, seconds = known.get(benchmark) or _told_by_path(benchmark), read_seconds(path)
        if task and seconds is not None:
            device = device_of(folder, benchmark)
            found.append(Record(folder.name, benchmark, part(benchmark, 1), device, seconds, *task))
    return found


def _told_by_path(benchmark: str) -> Task | None:
    shard = parse_shard_file(benchmark)
    if shard is None or part(benchmark, 1) not in ("extract_features", "measure_sensitivity"):
        return None
    return Path(benchmark).parts[-2], shard[1] - shard[0]


def tasks_of(folder: Path) -> dict[str, Task]:
    """Return what the jobs behind a run's benchmark files had to do, as far as it was kept."""
    tasks = {}
    for told in read_kept(folder).values():
        if has_run(folder, told):
            tasks[told["benchmark"]] = told["group"], told["units"]
        elif told["earlier"]:
            tasks[told["benchmark"]] = told["earlier"][1], told["earlier"][2]
    return tasks


def read_kept(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what was kept of a run's last estimate by `Job.name`, {} if it cannot be read."""
    try:
        content = parse_json(read_text(folder / "estimate.json"))
    except (OSError, ValueError):
        return {}
    right = isinstance(content, dict) and all(map(_is_kept, content.values()))
    return content if right else {}


def _is_kept(told: Any) -> bool:
    """Tell whether an entry of ``estimate.json`` has what is written there of a job."""
    number = (int, float)
    try:
        earlier = told["earlier"] or [0, "", 0]
        stamp, group, units = earlier
        return (
            isinstance(told["benchmark"], (str, type(None)))
            and isinstance(told["seconds"], (*number, type(None)))
            and isinstance(told["group"], (str, type(None)))
            and isinstance(group, (str, type(None)))
            and all(isinstance(one, number) for one in (told["units"], units, stamp))
        )
    except (KeyError, TypeError, ValueError):
        return False


def stamp_of(folder: Path, file: str | None) -> int | None:
    """Return what tells one benchmark file from the next of the same job; None if there is none."""
    path = folder / (file or "")
    return path.stat().st_mtime_ns if file and path.is_file() else None


def has_run(folder: Path, told: Mapping[str, Any]) -> bool:
    """Tell whether a job has run since it was estimated last, or was done then.

    ``told`` is what was kept of it (`read_kept`).
    """
    stamp = stamp_of(folder, told["benchmark"])
    return stamp is not None and (told["earlier"] is None or told["earlier"][0] != stamp)
