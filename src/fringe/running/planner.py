"""Jobs that Snakemake would run, read from the output of its dry run."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fringe.config.file import read_config
from fringe.config.model import RunConfig
from fringe.costs.jobs import Device, Job, demanded_device
from fringe.costs.remembered_sizes import remember_sizes
from fringe.devices.claims import gpu_is_here
from fringe.errors import FringeError
from fringe.plan import layout
from fringe.running.places import submits

__all__ = ["Planner", "done", "read_jobs"]


def read_jobs(text: str, folder: str) -> list[Job]:
    """Return the jobs that make files, from the output of ``snakemake --dry-run``.

    ``folder`` is ``results/<run>`` as written in the paths of the jobs.
    """
    found: list[tuple[str, dict[str, str]]] = []
    inside = False
    for line in text.splitlines():
        if head := re.match(r"\s*(?:local)?(?:rule|checkpoint) (\S+):$", line):
            found.append((head[1], {}))
            inside = True
        elif inside and (item := re.match(r"\s+(\w+): (.*)$", line)):
            found[-1][1][item[1]] = item[2]
        else:
            inside = False
    return [_job(rule, entry, folder) for rule, entry in found if "output" in entry]


def _job(rule: str, entry: Mapping[str, str], folder: str) -> Job:
    def pairs(key: str) -> dict[str, str]:
        return dict(item.split("=", 1) for item in entry.get(key, "").split(", ") if "=" in item)

    def paths(key: str) -> tuple[str, ...]:
        listed = entry.get(key, "").split(", ")
        return tuple(path.removeprefix(f"{folder}/") for path in listed if path)

    resources, wildcards = pairs("resources"), pairs("wildcards")
    if rule.startswith("optimize_sweep_"):  # each data set has its own rule
        wildcards["dataset"] = rule.removeprefix("optimize_sweep_")
        rule = "optimize_sweep"
    return Job(
        rule,
        paths("input"),
        paths("output"),
        wildcards,
        int(entry.get("threads", 1)),
        int(resources.get("gpu", 0)),
        next(iter(paths("benchmark")), None),
    )


def done(whole: Iterable[Job], planned: Iterable[Job]) -> list[Job]:
    """Return the jobs of the ``whole`` plan that are done: none of their outputs is planned."""
    to_make = {path for job in planned for path in job.outputs}
    return [job for job in whole if to_make.isdisjoint(job.outputs)]


@dataclass(frozen=True)
class Planner:
    """Options of Snakemake for a run. The paths of the configuration are relative to the folder
    in which Snakemake is called."""

    configfile: Path
    snakefile: Path
    profile: Path
    cores: int
    allow_missing: bool = False
    targets: tuple[str, ...] = ()  # files to make; by default all

    def read(self) -> dict[str, Any]:
        """Return the configuration as written in its file, with changes by the command line."""
        return {**read_config(self.configfile), **self._changes()}

    def _changes(self) -> dict[str, str]:
        return {"missing": "skip"} if self.allow_missing else {}

    def plan(self, results: str | None = None) -> str:
        """Return the output of ``snakemake --dry-run``; ``results`` replaces the results folder.

        Raises
        ------
        FringeError
            If Snakemake cannot plan the run. The message is Snakemake's output.
        """
        changes = {**self._changes(), **({"results": results} if results else {})}
        command = [
            *(sys.executable, "-m", "snakemake", "--dry-run", "--nocolor"),
            *("--snakefile", str(self.snakefile), "--configfile", str(self.configfile)),
            *("--workflow-profile", str(self.profile), "--cores", str(self.cores)),
            *(["--config", *map("=".join, changes.items())] if changes else []),
            *(["--", *self.targets] if self.targets else []),
        ]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if run.returncode:
            raise FringeError(f"Snakemake cannot plan this run:\n{run.stdout.strip()}")
        return run.stdout

    def plan_afresh(self, config: RunConfig, sources: Mapping[str, Any]) -> list[Job]:
        """Return all jobs of the run, as if none were done.

        ``config`` and ``sources`` are the results of `fringe.running.opening.check`. The remembered
        hashes of data sets are kept, because reading the data sets again would take hours. The
        sizes of shards are kept too.
        """
        with tempfile.TemporaryDirectory() as empty:
            elsewhere = config.model_copy(update={"results": empty})
            known = layout.hash_cache(config)
            if known.is_dir():
                layout.hash_cache(elsewhere).symlink_to(known.absolute())
            remember_sizes(elsewhere, sources)
            return read_jobs(self.plan(empty), layout.run_folder(elsewhere))

    @property
    def shared_cores(self) -> int:
        """Number of cores that jobs may use together; 1 if the profile submits jobs elsewhere."""
        return 1 if submits(self.profile) else self.cores

    def place(self, config: RunConfig) -> Device:
        """Return the device of jobs that request a GPU.

        With ``device: auto``, the device is a GPU if this machine has one, or if the profile
        submits jobs to a scheduler, which provides the requested GPU.
        """
        if demanded := demanded_device(config):
            return demanded
        return "cuda" if submits(self.profile) or gpu_is_here() else "cpu"
