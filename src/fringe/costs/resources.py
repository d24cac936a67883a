"""What jobs ask a scheduler for: memory, minutes and GPUs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol

from fringe.costs.context import JobContext
from fringe.costs.jobs import Device, Job, demanded_device
from fringe.costs.registry import cost_of
from fringe.plan import layout
from fringe.plan.run import Run

__all__ = ["Ask", "asker", "gpu", "mem_mb", "runtime"]

_NONE: Mapping[str, str] = MappingProxyType({})


def mem_mb(about: JobContext, attempt: int = 1) -> int:
    """Return the megabytes (2^20 bytes) that a job asks for, more at each attempt.

    ``about.job`` must be of a rule that is registered with a formula of its memory.
    """
    formula = cost_of(about.job.rule).memory
    assert formula is not None, about.job.rule
    return attempt * formula(about)


def gpu(about: JobContext) -> int:
    """Return how many GPUs a job asks for, 0 or 1."""
    asks = cost_of(about.job.rule).gpu
    return int(asks is not None and about.config.device != "cpu" and asks(about))


def runtime(about: JobContext, attempt: int = 1) -> int:
    """Return the minutes that a job asks for, more at each attempt.

    Ten, and four times what its work takes on common machines (`fringe.costs.rates`): on a CPU
    unless the configuration demands a GPU, or the job's shard was sized for one. If shards are
    sized in minutes, a job's work counts as its share of these at least, because the machines may
    be slower than common ones.
    """
    formula = cost_of(about.job.rule).work
    assert formula is not None, about.job.rule
    device: Device = demanded_device(about.config) or "cpu"
    share = 0.0
    wildcards = about.job.wildcards
    if "shard" in wildcards:
        source = about.sources[wildcards.get("source") or about.generated]
        first, last = layout.parse_shard(wildcards["shard"])
        device, share = source["device"], (last - first) / source["shard_size"]
    sized = float(share * (about.config.extraction.minutes_per_job or 0))
    job = replace(about.job, gpus=gpu(about))
    seconds = formula(replace(about, job=job, place=job.place(device))).default
    return attempt * math.ceil(10 + 4 * max(seconds / 60, sized))


# Of a rule: a function of a job's wildcards for each resource, and of the attempt if it grows.
Resources = dict[str, Callable[..., int]]


class Ask(Protocol):
    """Returns the resources of a rule, as Snakemake takes them.

    What the rule is registered without is missing: its jobs get what the profile gives by default.
    """

    def __call__(
        self, rule: str, wildcards: Mapping[str, str] = ..., outputs: Sequence[str] = ...
    ) -> Resources:
        """Raise a `FringeError` if the rule is not registered.

        ``wildcards`` and ``outputs`` are those of the rule's only job, if it has just one.
        """


def asker(run: Run) -> Ask:
    """Return a function that returns the resources of a rule's jobs in a run."""

    def ask(
        rule: str, wildcards: Mapping[str, str] = _NONE, outputs: Sequence[str] = ()
    ) -> Resources:
        cost = cost_of(rule)

        def about(found: Any) -> JobContext:
            job = Job(rule, (), tuple(outputs), {**dict(found.items()), **wildcards})
            return JobContext(job, run.config, run.sources, run.weight_files)

        resources: Resources = {}
        if cost.memory:
            resources["mem_mb"] = lambda wildcards, attempt: mem_mb(about(wildcards), attempt)
        if cost.work:
            resources["runtime"] = lambda wildcards, attempt: runtime(about(wildcards), attempt)
        if cost.gpu:
            resources["gpu"] = lambda wildcards: gpu(about(wildcards))
        return resources

    return ask
