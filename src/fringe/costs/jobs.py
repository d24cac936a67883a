"""Jobs as Snakemake describes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fringe.config.model import Config
from fringe.plan import layout

__all__ = ["Device", "Job", "demanded_device", "parse_shard_file", "part"]

Device = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Job:
    """A job as Snakemake describes it. Paths in the run's folder are relative to this folder."""

    rule: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    wildcards: Mapping[str, str] = field(default_factory=dict)
    threads: int = 1
    gpus: int = 0
    benchmark: str | None = None

    @property
    def name(self) -> str:
        """A unique name of the job, which is the same in every plan of the run."""
        return self.benchmark or self.outputs[0]

    def place(self, device: Device) -> Device:
        """Return the device of the job, given the ``device`` of jobs that request a GPU."""
        return device if self.gpus else "cpu"


def demanded_device(config: Config) -> Device | None:
    """Return the device that the configuration sets for jobs, or None if it sets no device."""
    if config.device == "auto":
        return None
    return "cpu" if config.device == "cpu" else "cuda"


def part(path: str, index: int) -> str:
    """Return a part of a path, or "" if the path has too few parts."""
    parts = Path(path).parts
    return parts[index] if index < len(parts) else ""


def parse_shard_file(path: str) -> tuple[int, int] | None:
    """Return the bounds of a shard from the name of a file, or None for another file."""
    stem = Path(path).stem
    return layout.parse_shard(stem) if re.fullmatch("[0-9]+-[0-9]+", stem) else None
