"""Dependencies between jobs, and the longest chain of jobs that wait for each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter

from fringe.costs.jobs import Job

__all__ = ["depths", "longest_path", "waits"]


def depths(jobs: Sequence[Job]) -> dict[str, int]:
    """Return the depth of each job by its name: the length of the longest chain before the job."""
    before = waits(jobs)
    depth: dict[str, int] = {}
    for name in TopologicalSorter(before).static_order():
        depth[name] = max((depth[other] + 1 for other in before[name]), default=0)
    return depth


def longest_path(jobs: Sequence[Job], seconds: Mapping[str, float]) -> tuple[float, list[Job]]:
    """Return the chain of jobs that takes longest, and its time in seconds.

    Each job of the chain waits for the previous job, so the run takes at least this time with any
    number of machines. ``seconds`` contains times by `Job.name`. A job without a time counts as 0.
    """
    before = waits(jobs)
    by_name = {job.name: job for job in jobs}
    ending: dict[str, tuple[float, list[str]]] = {}  # the longest chain that ends with each job
    for name in TopologicalSorter(before).static_order():
        waited, chain = max((ending[other] for other in before[name]), default=(0.0, []))
        ending[name] = waited + seconds.get(name, 0.0), [*chain, name]
    total, chain = max(ending.values(), default=(0.0, []))
    return total, [by_name[name] for name in chain]


def waits(jobs: Sequence[Job]) -> dict[str, list[str]]:
    """Return the names of the jobs that each job waits for, by the name of the job."""
    maker = {path: job.name for job in jobs for path in job.outputs}
    return {
        job.name: sorted({maker[path] for path in job.inputs if path in maker} - {job.name})
        for job in jobs
    }
