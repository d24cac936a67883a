"""Records of the times of earlier jobs, from benchmark files and estimates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fringe.costs.jobs import Device, parse_shard_file, part
from fringe.costs.logs import device_of, read_seconds
from fringe.files.parsing import parse_json
from fringe.files.regular import read_text
from fringe.plan import layout

__all__ = ["JobRecord", "Task", "has_run", "read_kept", "read_records", "stamp_of", "tasks_of"]

# The work of a job: group and units of its `Work`.
Task = tuple[str, float]


@dataclass(frozen=True)
class JobRecord:
    """The time of a job, and its work: ``group`` and ``units`` of its `Work`."""

    run: str
    benchmark: str
    rule: str
    device: Device
    seconds: float
    group: str
    units: float


def read_records(folder: Path, known: Mapping[str, Task]) -> list[JobRecord]:
    """Return the records of the jobs of a run.

    ``known`` contains the work of the jobs by benchmark file: group and units of the `Work`. The
    work of other shards is derived from the network and the number of images in the path of the
    benchmark file.
    """
    found = []
    for path in sorted((folder / layout.BENCHMARKS).rglob("*.tsv")):
        benchmark = path.relative_to(folder).as_posix()
        task, seconds = known.get(benchmark) or _task_from_path(benchmark), read_seconds(path)
        if task and seconds is not None:
            device = device_of(folder, benchmark)
            found.append(
                JobRecord(folder.name, benchmark, part(benchmark, 1), device, seconds, *task)
            )
    return found


def _task_from_path(benchmark: str) -> Task | None:
    shard = parse_shard_file(benchmark)
    if shard is None or part(benchmark, 1) not in ("extract_features", "measure_sensitivity"):
        return None
    return Path(benchmark).parts[-2], shard[1] - shard[0]


def tasks_of(folder: Path) -> dict[str, Task]:
    """Return the work of a run's jobs by benchmark file, as far as an estimate recorded it."""
    tasks = {}
    for entry in read_kept(folder).values():
        if has_run(folder, entry):
            tasks[entry["benchmark"]] = entry["group"], entry["units"]
        elif entry["earlier"]:
            tasks[entry["benchmark"]] = entry["earlier"][1], entry["earlier"][2]
    return tasks


def read_kept(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the entries of a run's last estimate by `Job.name`, or {} if it cannot be read."""
    try:
        content = parse_json(read_text(folder / layout.ESTIMATE))
    except (OSError, ValueError):
        return {}
    right = isinstance(content, dict) and all(map(_is_kept, content.values()))
    return content if right else {}


def _is_kept(entry: Any) -> bool:
    """Return whether an entry of ``estimate.json`` has all keys, with values of the right types."""
    number = (int, float)
    try:
        earlier = entry["earlier"] or [0, "", 0]
        stamp, group, units = earlier
        return (
            isinstance(entry["benchmark"], (str, type(None)))
            and isinstance(entry["seconds"], (*number, type(None)))
            and isinstance(entry["group"], (str, type(None)))
            and isinstance(group, (str, type(None)))
            and all(isinstance(one, number) for one in (entry["units"], units, stamp))
        )
    except (KeyError, TypeError, ValueError):
        return False


def stamp_of(folder: Path, file: str | None) -> int | None:
    """Return a number that changes when a job rewrites its benchmark file, or None without file."""
    path = folder / (file or "")
    return path.stat().st_mtime_ns if file and path.is_file() else None


def has_run(folder: Path, entry: Mapping[str, Any]) -> bool:
    """Return whether a job has run since the last estimate, or was already done then.

    ``entry`` is the job's entry of the estimate (`read_kept`).
    """
    stamp = stamp_of(folder, entry["benchmark"])
    return stamp is not None and (entry["earlier"] is None or entry["earlier"][0] != stamp)
