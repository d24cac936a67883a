"""Remaining time of a running run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from graphlib import TopologicalSorter

from fringe.costs.longest_path import longest_path, waits
from fringe.costs.prediction import Estimate

__all__ = ["TimeLeft"]

KNOWN = 30.0  # total seconds of finished jobs from which the time left is shown
AGAIN = 5.0  # seconds after which the time left is computed again
OVERDUE = 0.1  # an overdue job is assumed to need this fraction of its time so far in addition


class TimeLeft:
    """Prediction of the remaining time of a run, corrected by the actual times of finished jobs.

    The predicted time of a job is multiplied by the ratio of actual to predicted time of the
    finished jobs of its rule, or of all finished jobs if none of the rule has finished. The run
    takes at least the time of its longest chain of jobs that wait for each other, and the time of
    its work on all cores, on all GPUs, or with the largest number of simultaneous jobs.

    Parameters
    ----------
    planned : sequence of Estimate
        The jobs of the run.
    cores, gpus, jobs : int, optional
        Largest numbers in use at a time; None if a number is unknown or does not matter.
    """

    def __init__(
        self,
        planned: Sequence[Estimate],
        *,
        cores: int | None = None,
        gpus: int | None = None,
        jobs: int | None = None,
    ) -> None:
        self._planned = {item.job.name: item for item in planned}
        self._cores, self._gpus, self._places = cores, gpus, jobs
        self._before = waits([item.job for item in planned])
        self._order = [*TopologicalSorter(self._before).static_order()]
        self._ended: set[str] = set()
        self._failed: set[str] = set()
        self._since: dict[str, float] = {}
        self._taken: defaultdict[str, float] = defaultdict(float)  # by rule
        self._predicted: defaultdict[str, float] = defaultdict(float)  # by rule
        self._last: tuple[float, float] | None = None  # time of the last computation, and result

    def __len__(self) -> int:
        """Return the number of planned jobs."""
        return len(self._planned)

    def begin(self, name: str, now: float) -> None:
        """Note that a job has started, perhaps again."""
        self._failed.discard(name)
        self._since[name] = now

    def end(self, name: str, now: float, *, in_group: bool = False) -> None:
        """Note that a job has ended. The time of a job in a group is unknown."""
        self._ended.add(name)
        since = self._since.pop(name, None)
        if since is not None and not in_group and name in self._planned:
            rule = self._planned[name].job.rule
            self._taken[rule] += now - since
            self._predicted[rule] += self._planned[name].seconds

    def fail(self, name: str) -> None:
        """Note that a job has failed. The job and all jobs that wait for it will not run."""
        self._since.pop(name, None)
        self._failed.add(name)

    def left(self, now: float) -> float | None:
        """Return the remaining seconds, or None as long as too few jobs have finished."""
        if sum(self._taken.values()) < KNOWN:
            return None
        if self._last is None or now - self._last[0] >= AGAIN:
            self._last = now, self._compute(now)
        at, seconds = self._last
        return max(0.0, seconds - (now - at))

    def _compute(self, now: float) -> float:
        lost = set(self._failed)
        for name in self._order:
            if not lost.isdisjoint(self._before[name]):
                lost.add(name)
        left = [item for name, item in self._planned.items() if name not in self._ended | lost]
        rest = {item.job.name: self._rest(item.job.name, now) for item in left}
        path, _ = longest_path([item.job for item in left], rest)
        cpu = gpu = places = 0.0
        for item in left:
            seconds = rest[item.job.name]
            cpu += seconds * min(item.job.threads, self._cores or item.job.threads)
            gpu += seconds * item.job.gpus * (item.device == "cuda")
            places += seconds
        sums = ((cpu, self._cores), (gpu, self._gpus), (places, self._places))
        return max([path, *(seconds / count for seconds, count in sums if count)])

    def _rest(self, name: str, now: float) -> float:
        item = self._planned[name]
        rule = item.job.rule
        if rule in self._predicted:
            ratio = self._taken[rule] / self._predicted[rule]
        else:
            ratio = sum(self._taken.values()) / sum(self._predicted.values())
        seconds = item.seconds * ratio
        if name not in self._since:
            return seconds
        so_far = now - self._since[name]
        return max(seconds - so_far, OVERDUE * so_far)
