"""What planned jobs will take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from fringe.costs.jobs import Device, Job
from fringe.costs.rates import MACHINES, START
from fringe.costs.records import Record
from fringe.costs.work import Work

__all__ = ["Estimate", "estimate"]


@dataclass(frozen=True)
class Estimate:
    """The seconds that a planned job is thought to take, and what that rests on."""

    job: Job
    work: Work
    seconds: float
    basis: str
    device: Device


def estimate(
    job: Job, task: Work, records: Sequence[Record], run: str, device: Device = "cpu"
) -> Estimate:
    """Return what a job of the run ``run`` is thought to take.

    ``device`` is where a job computes that asks for a GPU; times measured elsewhere do not count.
    """
    place = job.place(device)
    alike = [
        record
        for record in records
        if (record.rule, record.group, record.device) == (job.rule, task.group, place)
    ]
    own = [record for record in alike if (record.run, record.benchmark) == (run, job.benchmark)]
    here = [record for record in alike if record.run == run]
    if own and own[0].units == task.units:
        return Estimate(job, task, own[0].seconds, "measured here", place)
    chosen = own or here or alike
    if not chosen:
        return Estimate(job, task, START + task.default, f"default ({MACHINES[place]})", place)
    # Of a short job at least half is work, lest a long one cost nothing.
    rate = median(max(r.seconds - START, r.seconds / 2) / r.units for r in chosen)
    runs = sorted({record.run for record in chosen})
    basis = "measured here" if runs == [run] else f"measured in {', '.join(runs)}"
    return Estimate(job, task, START + rate * task.units, basis, place)
