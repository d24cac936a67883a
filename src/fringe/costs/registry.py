"""Formulas for the cost of jobs, by the name of the rule.

A rule of Snakemake that is not registered here is an error. Otherwise the jobs of a forgotten rule
would silently get one second of work and the default memory.
"""

from __future__ import annotations

from fringe.config import choices
from fringe.config.model import RunConfig
from fringe.costs.context import JobContext
from fringe.costs.jobs import Device, Job
from fringe.costs.measured_rates import MeasuredRates
from fringe.costs.rule_cost import RuleCost
from fringe.costs.rules import (
    comparison,
    evaluation,
    exhibits,
    features,
    images,
    page,
    resampling,
    sensitivity,
)
from fringe.costs.work import Work
from fringe.errors import FringeError

__all__ = ["RULES", "cost_of", "work"]

RULES: dict[str, RuleCost] = {
    **images.RULES,
    **features.RULES,
    **resampling.RULES,
    **evaluation.RULES,
    **comparison.RULES,
    **sensitivity.RULES,
    **exhibits.RULES,
    **page.RULES,
}


def cost_of(rule: str) -> RuleCost:
    """Return the formulas for the cost of a rule's jobs.

    Raises
    ------
    FringeError
        If the rule is not registered.
    """
    if rule not in RULES:
        raise FringeError(
            f"rule {rule}: the cost of its jobs is not defined; add the rule to a table `RULES` in "
            "src/fringe/costs/rules/ (`RuleCost()` for jobs of a few seconds)"
        )
    return RULES[rule]


def work(
    job: Job,
    config: RunConfig,
    sources: choices.Sources,
    device: Device,
    rates: MeasuredRates | None = None,
) -> Work:
    """Return the work of a job.

    Parameters
    ----------
    job : Job
        The job. Its device depends on whether it requests a GPU.
    config, sources : mapping
        As returned by `fringe.running.opening.check`.
    device : {"cpu", "cuda"}
        The device of jobs that request a GPU.
    rates : MeasuredRates, optional
        Measured speeds, which replace the defaults.

    Raises
    ------
    FringeError
        If the job's rule is not registered.
    """
    formula = cost_of(job.rule).work
    if formula is None:
        return Work()
    return formula(JobContext(job, config, sources, {}, job.place(device), rates))
