"""Strikes: faults of the files and processes of a run."""

from __future__ import annotations

import os
import random
import shutil
import signal
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .project import Project, Start

__all__ = ["KINDS", "Strike", "artifacts", "cut", "flip", "plant", "shift", "swap"]

KINDS = ("kill", "cut", "flip", "swap", "replace", "fill", "clock", "delete")
DATA = ("real.zip", "generator.pt", "weights.pt", "late")
DAY = 86400


@dataclass
class Strike:
    """One strike, and its outcome."""

    number: int
    round: int
    kind: str
    during: bool  # or before a start
    how: str = ""
    targets: list[str] = field(default_factory=list)  # paths below the project
    late: bool = False  # the strike found no target at first
    start: int = 0  # number of earlier starts
    moment: str = ""
    said: list[str] = field(default_factory=list)  # lines of the run that name a target
    noticed: str = ""
    starts: int = 0
    again: int = 0
    wrong: str = ""


# Targets.


def artifacts(project: Project) -> dict[str, list[Path]]:
    """Return the files of a run by their kind: results and remembered data.

    Logs and times of jobs are left out: only `cost.md` depends on them, which differs anyway.
    """
    found: dict[str, list[Path]] = {}
    for path in _regular(project.results):
        about = path.relative_to(project.results)
        kind = about.parts[0] if len(about.parts) > 1 else "pages"
        if kind in ("logs", "benchmarks") or ".damaged" in path.suffixes or ".part" in path.name:
            continue
        if kind in ("features", "sensitivity") and path.parent.parent.parent.name == kind:
            kind += " shards"
        found.setdefault(kind, []).append(path)
    found["fingerprints"] = _regular(project.folder / "results/.fingerprints")
    found["records"] = _regular(project.folder / ".snakemake/metadata")
    return {kind: paths for kind, paths in found.items() if paths}


def _regular(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if _is_regular(path)]


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False  # removed in the meantime


def choose(rng: random.Random, found: Mapping[str, list[Path]], least: int = 1) -> list[Path]:
    """Return the files of a random kind of artifact with at least ``least`` files."""
    kinds = [kind for kind, paths in sorted(found.items()) if len(paths) >= least]
    return found[rng.choice(kinds)]


# Effects of strikes on files.


def cut(path: Path, rng: random.Random) -> str:
    """Truncate a file at a random byte."""
    size = path.stat().st_size
    left = rng.randrange(size) if size else 0
    os.truncate(path, left)
    return f"cut to {left} of {size} bytes"


def flip(path: Path, rng: random.Random) -> str:
    """Flip one bit of a file, without a trace in its times."""
    about = path.stat()
    place, bit = rng.randrange(max(1, about.st_size)), rng.randrange(8)
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)
        if byte:
            file.seek(place)
            file.write(bytes([byte[0] ^ 1 << bit]))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    return f"bit {bit} of byte {place} of {about.st_size}"


def swap(one: Path, other: Path) -> str:
    """Exchange two files, each with its times."""
    between = one.with_name(f"{one.name}.swapped")
    one.rename(between)
    other.rename(one)
    between.rename(other)
    return "exchanged"


def plant(path: Path, what: str, target: Path) -> str:
    """Replace a file by a FIFO or a symbolic link to ``target``."""
    path.unlink(missing_ok=True)
    if what == "FIFO":
        os.mkfifo(path)
        return "a FIFO in its place"
    path.symlink_to(target)
    return f"a link to {target.name} in its place"


def shift(paths: list[Path], rng: random.Random) -> str:
    """Set the times of files like wrong clocks, or like a copy that loses times."""
    way = rng.choice(("future", "past", "same", "shuffled"))
    days = rng.randint(1, 3000)
    times = [path.stat().st_mtime_ns for path in paths]
    if way == "future":
        times = [time + days * DAY * 10**9 for time in times]
    elif way == "past":
        times = [time - days * DAY * 10**9 for time in times]
    elif way == "same":
        times = [max(times)] * len(times)
    else:
        rng.shuffle(times)
    for path, time in zip(paths, times, strict=True):
        os.utime(path, ns=(time, time))
    return f"times of {len(paths)} files {way}" + (
        f" by {days} days" if way in ("future", "past") else ""
    )


def put_in_place(new: Path, path: Path, rng: random.Random) -> str:
    """Replace a file by a copy of another, renamed or written, with or without the old times."""
    about = path.stat()
    kept, renamed = rng.random() < 0.5, rng.random() < 0.5
    if renamed:
        between = path.with_name(f"{path.name}.new")
        shutil.copyfile(new, between)
        between.replace(path)
    else:
        path.write_bytes(new.read_bytes())
    if kept:
        os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    return ("renamed into its place" if renamed else "written over it") + (
        ", with its times" if kept else ""
    )


# Strikes. Each returns a function that undoes it, because strikes on data and disk must end in
# time.

Undo = Callable[[], None]


def nothing() -> None:
    """Undo nothing, because the run itself must handle the strike."""


def kill(strike: Strike, project: Project, start: Start | None, rng: random.Random) -> Undo:
    """End the run, or a process of it."""
    assert start is not None
    if not start.running:
        raise ProcessLookupError
    hows = ["SIGKILL to all", "SIGKILL to all", "SIGTERM", "SIGINT to all", "SIGKILL to Snakemake"]
    hows += ["SIGKILL to a job", "SIGTERM to a job"] * bool(start.jobs())
    hows += ["SIGKILL to a worker"] * 3 * bool(start.workers())
    strike.how = rng.choice(hows)
    number = getattr(signal, strike.how.split()[0])
    whom = strike.how.rpartition(" to ")[2]
    try:
        if whom == "all":
            start.signal(number)
        elif whom in ("a job", "a worker"):
            os.kill(rng.choice(start.jobs() if whom == "a job" else start.workers()), number)
        else:
            os.kill(start.process.pid, number)
    except (ProcessLookupError, IndexError):
        strike.how += ", which had ended"
    return nothing


def _data(project: Project, rng: random.Random) -> Path:
    """Return a file of the data that the run reads."""
    path = project.folder / "data" / rng.choice(DATA)
    return rng.choice(sorted(path.iterdir())) if path.is_dir() else path


def _put_back(project: Project, path: Path) -> Undo:
    """Return a function that restores a file of the data, with its times."""
    kept = project.kept / path.relative_to(project.folder / "data")

    def undo() -> None:
        path.unlink(missing_ok=True)
        shutil.copy2(kept, path)

    return undo


def cut_file(strike: Strike, project: Project, start: Start | None, rng: random.Random) -> Undo:
    """Truncate an artifact, or one time in four a file of the data."""
    if rng.random() < 0.25:
        path = _data(project, rng)
        undo = _put_back(project, path)
    else:
        path, undo = rng.choice(choose(rng, artifacts(project))), nothing
    _aim(strike, project, path)
    strike.how = cut(path, rng)
    return undo


def flip_bit(strike: Strike, project: Project, start: Start | None, rng: random.Random) -> Undo:
    """Flip a bit of an artifact."""
    path = rng.choice(choose(rng, artifacts(project)))
    _aim(strike, project, path)
    strike.how = flip(path, rng)
    return nothing


def swap_files(strike: Strike, project: Project, start: Start | None, rng: random.Random) -> Undo:
    """Exchange two artifacts of one kind."""
    found = {}
    for kind, paths in artifacts(project).items():
        for suffix in {path.suffix for path in paths}:
            found[f"{kind}{suffix}"] = [path for path in paths if path.suffix == suffix]
    one, other = rng.sample(choose(rng, found, least=2), 2)
    _aim(strike, project, one, other)
    strike.how = swap(one, other)
    return nothing


def replace(strike: Strike, project: Project, start: Start | None, rng: random.Random) -> Undo:
    """Replace data by other data, or data or an artifact by a FIFO or a link."""
    if rng.random() < 0.4:
        path = rng.choice(choose(rng, artifacts(project)))
        other = rng.choice([project.folder / "data/real.zip", project.folder / "nowhere"])
        _aim(strike, project, path)
        strike.how = plant(path, rng.choice(("FIFO", "link")), other)
        return nothing
    path = _data(project, rng)
    _aim(strike, project, path)
    undo = _put_back(project, path)
    if rng.random() < 0.2:
        strike.how = plant(path, rng.choice(("FIFO", "link")), project.folder / "nowhere")
    else:
        new = project.folder / "others" / path.relative_to(project.folder / "data")
        strike.how = put_in_place(new, path, rng)
    return undo


def shift_clock(strike: Strike, project: Project, start: Start | None, rng: random.Random) -> Undo:
    """Set the times of all artifacts, of some artifacts, or of the data."""
    found = [path for paths in artifacts(project).values() for path in paths]
    which = rng.choice(("all", "some", "data"))
    if which == "data":
        found = [p for p in _regular(project.folder / "data") if p.is_file()]
    elif which == "some":
        found = rng.sample(found, rng.randint(1, len(found)))
    found = [path for path in found if path.exists()]
    strike.how = f"{which}: {shift(found, rng)}"
    return nothing


def delete(strike: Strike, project: Project, start: Start | None, rng: random.Random) -> Undo:
    """Remove an artifact, a folder of artifacts, or remembered data of Snakemake or Fringe."""
    way = rng.choice(("file", "file", "folder", "records", "memory"))
    if way == "file":
        path = rng.choice(choose(rng, artifacts(project)))
    elif way == "folder":
        path = rng.choice([p for p in sorted(project.results.rglob("*")) if p.is_dir()])
    elif way == "records":
        path = project.folder / rng.choice((".snakemake", ".snakemake/metadata"))
    else:
        path = project.folder / "results/.fingerprints"
    _aim(strike, project, path)
    strike.how = "removed"
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()
    return nothing


def _aim(strike: Strike, project: Project, *paths: Path) -> None:
    strike.targets = [str(path.relative_to(project.folder)) for path in paths]


STRIKES: dict[str, Callable[[Strike, Project, Start | None, random.Random], Undo]] = {
    "kill": kill,
    "cut": cut_file,
    "flip": flip_bit,
    "swap": swap_files,
    "replace": replace,
    "clock": shift_clock,
    "delete": delete,
}
