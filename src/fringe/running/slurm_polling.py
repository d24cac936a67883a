"""Two patches of Snakemake's executor plugin for SLURM, for its checks of the status of jobs.

The patches replace names inside another package, so they are a temporary solution. They were
written for `VERSION` of the plugin. Other versions are not patched; then a warning says so.

1. SLURM does not answer. Pull request 232 made the plugin ask several times
   (``status_attempts``) within one check. After the last attempt, the check returns no job.
   Snakemake then assumes that all jobs have ended, forgets the jobs, and the run waits forever
   (issue 207). The patch returns "nothing is known" instead, so the jobs are kept.
   A job that has ended and that SLURM no longer lists also makes a run wait forever. The patch
   reports that such a job has ended.
2. After each check in which no job has ended, the plugin increases its wait by 10 s, up to 180 s.
   No option limits this wait (issue 319). So each job may start up to three minutes late. The
   patch limits the wait to `LONGEST`.

The first patch can be removed when the plugin keeps its jobs after a failed check and gives up jobs
that SLURM no longer lists. The second patch can be removed when an option limits the wait
(profiles/slurm then sets the option). The threads are
https://github.com/snakemake/snakemake-executor-plugin-slurm/issues/207, /pull/232 and /issues/319.
"""

from __future__ import annotations

import logging
import sys
from importlib.metadata import version
from types import ModuleType
from typing import Any

__all__ = ["LONGEST", "MISSED", "PLUGIN", "VERSION", "patch"]

PLUGIN = "snakemake_executor_plugin_slurm"
VERSION = "2.8.0"  # version of the plugin for which the patches were written
LONGEST = 30.0  # seconds between two checks
MISSED = 5  # a job that is missing from this number of answers is assumed to have ended

logger = logging.getLogger(__name__)


def patch(plugin: ModuleType | None = None) -> None:
    """Make the plugin keep its jobs while SLURM does not answer, and limit its waits to `LONGEST`.

    Parameters
    ----------
    plugin : module, optional
        The plugin; by default the plugin that Snakemake has loaded. Nothing is changed if Snakemake
        has not loaded the plugin, or if the plugin is already patched. If the plugin has another
        version than `VERSION`, a warning is logged and nothing is changed.
    """
    plugin = plugin or sys.modules.get(PLUGIN)
    if plugin is None or hasattr(plugin, "patched_by_fringe"):
        return
    plugin.patched_by_fringe = True  # type: ignore[attr-defined]
    if (found := version(PLUGIN)) != VERSION:
        logger.warning(
            f"warning: {PLUGIN} has version {found}, but Fringe patches only version {VERSION}. If "
            "SLURM does not answer for a while, this run may wait forever (docs/cluster.md). "
            f"Install {PLUGIN.replace('_', '-')}=={VERSION}, or watch the run."
        )
        return
    _keep_jobs(plugin)
    _limit_wait(plugin)


def _keep_jobs(plugin: ModuleType) -> None:
    """Patch 1: a failed check ends no job, and a job that SLURM no longer lists has ended."""
    ask = plugin.query_job_status
    silent = False
    missed: dict[str, int] = {}  # by the number of each job that SLURM has known

    async def ask_patiently(command: str, log: Any) -> tuple[dict[str, str], float]:
        nonlocal silent
        states, seconds = await ask(command, log)
        if states is None and not silent:
            log.warning("SLURM does not answer. Its jobs are kept, and Snakemake will ask again.")
        silent = states is None
        if states is None:
            return {}, 0.0  # a job without a status is assumed to be running
        missed.update(dict.fromkeys(states, 0))
        for job in missed.keys() - states.keys():
            missed[job] += 1
            if missed[job] >= MISSED:
                states[job] = "UNKNOWN"  # assumed to have ended; its files show how
        return states, seconds

    plugin.query_job_status = ask_patiently  # type: ignore[attr-defined]


def _limit_wait(plugin: ModuleType) -> None:
    """Patch 2: no wait between two checks is longer than `LONGEST`."""
    base = plugin.Executor.next_seconds_between_status_checks

    def wait(executor: Any, seconds: float) -> None:
        base.fset(executor, min(seconds, LONGEST))

    plugin.Executor.next_seconds_between_status_checks = property(base.fget, wait)
