"""Resources that jobs request from a scheduler: memory, minutes and GPUs."""

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
    """Return the megabytes (2^20 bytes) that a job requests, more at each attempt.

    The rule of ``about.job`` must be registered with a formula for memory.
    """
    formula = cost_of(about.job.rule).memory
    assert formula is not None, about.job.rule
    return attempt * formula(about)


def gpu(about: JobContext) -> int:
    """Return the number of GPUs that a job requests, 0 or 1."""
    asks = cost_of(about.job.rule).gpu
    return int(asks is not None and about.config.device != "cpu" and asks(about))


def runtime(about: JobContext, attempt: int = 1) -> int:
    """Return the minutes that a job requests, more at each attempt.

    The result is ten minutes plus four times the time of the job's work on common machines
    (`fringe.costs.rates`). The time is for a CPU, unless the configuration sets a GPU or the job's
    shard was sized for a GPU. If shards are sized in minutes, the time of the work is at least the
    job's share of these minutes, because machines may be slower than common ones.
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


# The resources of a rule. Each is a function of a job's wildcards, and of the attempt if it grows.
Resources = dict[str, Callable[..., int]]


class Ask(Protocol):
    """A function that returns the resources of a rule in the form that Snakemake expects.

    A resource without a registered formula is omitted. The jobs then get the profile's default.
    """

    def __call__(
        self, rule: str, wildcards: Mapping[str, str] = ..., outputs: Sequence[str] = ...
    ) -> Resources:
        """Return the resources, or raise `FringeError` if the rule is not registered.

        For a rule with a single job, ``wildcards`` and ``outputs`` are those of that job.
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
