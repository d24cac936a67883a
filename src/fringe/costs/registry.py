"""What the jobs of every rule cost, by the rule's name.

A rule of Snakemake's that is not registered here is an error, so that no job gets one second of
work and the default memory because somebody forgot it.
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
    """Return what jobs of a rule cost.

    Raises
    ------
    FringeError
        If the rule is not registered.
    """
    if rule not in RULES:
        raise FringeError(
            f"rule {rule}: nobody has said what its jobs cost; add it to a table `RULES` in "
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
    """Return what a job has to do.

    Parameters
    ----------
    job : Job
        Where it computes depends on whether it asks for a GPU.
    config, sources : mapping
        As returned by `fringe.running.opening.check`.
    device : {"cpu", "cuda"}
        Where jobs compute that ask for a GPU.
    rates : MeasuredRates, optional
        Speeds in place of the defaults.

    Raises
    ------
    FringeError
        If the job's rule is not registered.
    """
    formula = cost_of(job.rule).work
    if formula is None:
        return Work()
    return formula(JobContext(job, config, sources, {}, job.place(device), rates))
