"""How Snakemake asks SLURM about its jobs: two mends for the executor plugin (version 2.8.0).

Where SLURM does not answer, the plugin forgets the jobs that it asked for, and the run waits for
ever; so it does for a job that ended and was forgotten by SLURM meanwhile. And it asks ever more
seldom, every three minutes in the end, so that each step of a run may wait that long for the one
before.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

__all__ = ["LONGEST", "MISSED", "PLUGIN", "mend"]

PLUGIN = "snakemake_executor_plugin_slurm"
LONGEST = 30.0  # seconds between two questions
MISSED = 5  # answers without a job that SLURM knew, until it is taken to have ended


def mend(plugin: ModuleType | None = None) -> None:
    """Let the plugin keep its jobs while SLURM is away, and ask every `LONGEST` seconds at least.

    ``plugin`` is its module, by default the one that Snakemake has loaded; nothing is done where it
    has not, or where this was done before.
    """
    plugin = plugin or sys.modules.get(PLUGIN)
    if plugin is None or hasattr(plugin, "mended_by_fringe"):
        return
    plugin.mended_by_fringe = True  # type: ignore[attr-defined]
    ask = plugin.query_job_status
    silent = False
    missed: dict[str, int] = {}  # by the number of each job that SLURM has told of

    async def ask_patiently(command: str, logger: Any) -> tuple[dict[str, str], float]:
        nonlocal silent
        states, seconds = await ask(command, logger)
        if states is None and not silent:
            logger.warning("SLURM does not answer; its jobs are kept, and it is asked again.")
        silent = states is None
        if states is None:
            return {}, 0.0  # a job of which nothing is known is taken to go on
        missed.update(dict.fromkeys(states, 0))
        for job in missed.keys() - states.keys():
            missed[job] += 1
            if missed[job] >= MISSED:
                states[job] = "UNKNOWN"  # taken to have ended: its files tell how
        return states, seconds

    plugin.query_job_status = ask_patiently  # type: ignore[attr-defined]

    base = plugin.Executor.next_seconds_between_status_checks

    def wait(executor: Any, seconds: float) -> None:
        base.fset(executor, min(seconds, LONGEST))

    plugin.Executor.next_seconds_between_status_checks = property(base.fget, wait)
