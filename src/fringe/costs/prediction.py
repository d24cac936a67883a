"""Estimated times of planned jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from fringe.costs.jobs import Device, Job
from fringe.costs.measured_rates import MeasuredRates
from fringe.costs.rates import MACHINES, START
from fringe.costs.records import JobRecord
from fringe.costs.work import Work

__all__ = ["Estimate", "estimate"]


@dataclass(frozen=True)
class Estimate:
    """Estimated seconds of a planned job, and the basis of the estimate."""

    job: Job
    work: Work
    seconds: float
    basis: str
    device: Device


def estimate(
    job: Job,
    task: Work,
    records: Sequence[JobRecord],
    run: str,
    device: Device = "cpu",
    rates: MeasuredRates | None = None,
) -> Estimate:
    """Return the estimate of a job of the run ``run``.

    The estimate uses the job's own time if the job has run. Otherwise it uses times of the same
    rule and group in this run, or in other runs. Otherwise it uses the default of the job's work,
    to which ``rates`` apply if they are given (`fringe.costs.registry.work`). Jobs that request a
    GPU run on ``device``. Times measured on another device are not used.
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
        assumed = f"; assumed: {task.assumed}" if task.assumed else ""
        if rates is not None and rates.device == place:
            basis = f"rates measured on {rates.machine}{assumed}"
        else:
            basis = f"default ({MACHINES[place]}{assumed})"
        return Estimate(job, task, START + task.default, basis, place)
    # At least half of a short job's time counts as work; otherwise its rate, and the estimate of a
    # long job, could be zero.
    rate = median(max(r.seconds - START, r.seconds / 2) / r.units for r in chosen)
    runs = sorted({record.run for record in chosen})
    basis = "measured here" if runs == [run] else f"measured in {', '.join(runs)}"
    return Estimate(job, task, START + rate * task.units, basis, place)
