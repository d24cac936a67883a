"""How Snakemake asks SLURM about its jobs: two patches of the executor plugin.

This replaces names inside another package, so it is a stopgap. It was written for `VERSION` of the
plugin and patches no other: there, a warning says that the plugin is used as it is.

1. SLURM does not answer. Pull request 232 made the plugin ask several times
   (``status_attempts``), within one check. After the last attempt the check returns no job, which
   Snakemake takes as "all have ended": the jobs are forgotten and the run waits forever
   (issue 207). The patch says instead that nothing is known, and the jobs stay.
   A job that ended and that SLURM has forgotten meanwhile also makes a run wait forever. The
   patch says that such a job has ended.
2. The plugin waits 10 s longer after each check in which no job ended, up to 180 s, and no
   option limits this wait (issue 319). Each step of a run may so wait three minutes for the step
   before. The patch limits the wait to `LONGEST`.

The first patch can go when the plugin keeps its jobs after a failed check and gives up jobs that
SLURM does not list any more; the second, when an option limits the wait (profiles/slurm then sets
it). The threads are https://github.com/snakemake/snakemake-executor-plugin-slurm/issues/207,
/pull/232 and /issues/319.
"""

from __future__ import annotations

import logging
import sys
from importlib.metadata import version
from types import ModuleType
from typing import Any

__all__ = ["LONGEST", "MISSED", "PLUGIN", "VERSION", "patch"]

PLUGIN = "snakemake_executor_plugin_slurm"
VERSION = "2.8.0"  # of the plugin, for which the patches were written
LONGEST = 30.0  # seconds between two checks
MISSED = 5  # answers without a job that SLURM knew, until the job is taken to have ended

logger = logging.getLogger(__name__)


def patch(plugin: ModuleType | None = None) -> None:
    """Let the plugin keep its jobs while SLURM is away, and ask every `LONGEST` seconds at least.

    Parameters
    ----------
    plugin : module, optional
        The plugin; by default the one that Snakemake has loaded. Nothing is done where Snakemake
        has loaded none, or where the plugin is patched already. A plugin of another version than
        `VERSION` stays as it is, and a warning says so.
    """
    plugin = plugin or sys.modules.get(PLUGIN)
    if plugin is None or hasattr(plugin, "patched_by_fringe"):
        return
    plugin.patched_by_fringe = True  # type: ignore[attr-defined]
    if (found := version(PLUGIN)) != VERSION:
        logger.warning(
            f"warning: {PLUGIN} has version {found}; Fringe patches version {VERSION} only. If "
            "SLURM does not answer for a while, this run may wait forever (docs/cluster.md): "
            f"install {PLUGIN.replace('_', '-')}=={VERSION}, or watch the run."
        )
        return
    _keep_jobs(plugin)
    _limit_wait(plugin)


def _keep_jobs(plugin: ModuleType) -> None:
    """Patch 1: a failed check ends no job, and a job that SLURM has forgotten has ended."""
    ask = plugin.query_job_status
    silent = False
    missed: dict[str, int] = {}  # by the number of each job that SLURM has known

    async def ask_patiently(command: str, log: Any) -> tuple[dict[str, str], float]:
        nonlocal silent
        states, seconds = await ask(command, log)
        if states is None and not silent:
            log.warning("SLURM does not answer; its jobs are kept, and it is asked again.")
        silent = states is None
        if states is None:
            return {}, 0.0  # a job of which nothing is known is taken to run still
        missed.update(dict.fromkeys(states, 0))
        for job in missed.keys() - states.keys():
            missed[job] += 1
            if missed[job] >= MISSED:
                states[job] = "UNKNOWN"  # taken to have ended: its files say how
        return states, seconds

    plugin.query_job_status = ask_patiently  # type: ignore[attr-defined]


def _limit_wait(plugin: ModuleType) -> None:
    """Patch 2: no wait between two checks is longer than `LONGEST`."""
    base = plugin.Executor.next_seconds_between_status_checks

    def wait(executor: Any, seconds: float) -> None:
        base.fset(executor, min(seconds, LONGEST))

    plugin.Executor.next_seconds_between_status_checks = property(base.fget, wait)
