"""What a rule is registered with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fringe.costs.context import JobContext
from fringe.costs.work import Work

__all__ = ["RuleCost"]


@dataclass(frozen=True)
class RuleCost:
    """What jobs of a rule cost.

    Parameters
    ----------
    work : callable, optional
        Returns the `Work` of a job. None for a short rule: its jobs take seconds, have no benchmark
        and get the minutes that the profile gives by default.
    memory : callable, optional
        Returns the megabytes (2^20 bytes) of a job at its first attempt. None for a rule that gets
        the memory that the profile gives by default.
    gpu : callable, optional
        Returns whether a job asks for a GPU where the configuration allows one. None if no job of
        the rule does.
    """

    work: Callable[[JobContext], Work] | None = None
    memory: Callable[[JobContext], int] | None = None
    gpu: Callable[[JobContext], bool] | None = None
