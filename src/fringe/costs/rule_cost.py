"""Formulas for the cost of a rule's jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fringe.costs.context import JobContext
from fringe.costs.work import Work

__all__ = ["RuleCost"]


@dataclass(frozen=True)
class RuleCost:
    """Formulas for the cost of a rule's jobs.

    Parameters
    ----------
    work : callable, optional
        Returns the `Work` of a job. None for a short rule, whose jobs take seconds, have no
        benchmark and get the default minutes of the profile.
    memory : callable, optional
        Returns the megabytes (2^20 bytes) of a job at its first attempt. None for a rule whose jobs
        get the default memory of the profile.
    gpu : callable, optional
        Returns whether a job requests a GPU if the configuration allows one. None if no job of the
        rule requests a GPU.
    """

    work: Callable[[JobContext], Work] | None = None
    memory: Callable[[JobContext], int] | None = None
    gpu: Callable[[JobContext], bool] | None = None
