"""Jobs as Snakemake describes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fringe.plan import layout

__all__ = ["Device", "Job", "demanded_device", "parse_shard_file", "part"]

Device = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Job:
    """A job as Snakemake describes it; paths below the results are relative to them."""

    rule: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    wildcards: Mapping[str, str] = field(default_factory=dict)
    threads: int = 1
    gpus: int = 0
    benchmark: str | None = None

    @property
    def name(self) -> str:
        """What tells the job from all others, in every plan of the same run."""
        return self.benchmark or self.outputs[0]

    def place(self, device: Device) -> Device:
        """Where it computes, if ``device`` is where jobs do that ask for a GPU."""
        return device if self.gpus else "cpu"


def demanded_device(config: Mapping[str, Any]) -> Device | None:
    """Return where the configuration says that jobs compute; None if it leaves that open."""
    if config["device"] == "auto":
        return None
    return "cpu" if config["device"] == "cpu" else "cuda"


def part(path: str, index: int) -> str:
    """Return a part of a path, "" if it has too few."""
    parts = Path(path).parts
    return parts[index] if index < len(parts) else ""


def parse_shard_file(path: str) -> tuple[int, int] | None:
    """Return the bounds of the shard that a file is of; None if it is of none."""
    stem = Path(path).stem
    return layout.parse_shard(stem) if re.fullmatch("[0-9]+-[0-9]+", stem) else None
