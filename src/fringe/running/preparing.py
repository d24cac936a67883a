"""Preparation of a run before its jobs start."""

from pathlib import Path

from fringe.costs.remembered_sizes import remember_sizes
from fringe.plan.planned import note_plan
from fringe.plan.run import Run
from fringe.running.damage import rename_damaged
from fringe.running.locks import clear_stale_locks, hold
from fringe.running.slurm_jobs import refuse_left_over
from fringe.running.snakemake_records import remove_damaged_records
from fringe.running.times import reset_future_times

__all__ = ["prepare"]


def prepare(run: Run, *, dry: bool = False) -> list[str]:
    """Clean up after earlier runs in the current folder, and write the plan of this run.

    With ``dry``, the function only reports what it would do.

    Returns
    -------
    list of str
        Files that must be made again: damaged files, and files whose records cannot be read.

    Raises
    ------
    FringeError
        If another run works in the folder, jobs of an earlier run are still active, or a file
        cannot be written.
    """
    snakemake, folder = Path(".snakemake"), Path(run.folder)
    if not dry:
        hold(folder)
        clear_stale_locks(snakemake)
        refuse_left_over(Path.cwd())
        remember_sizes(run.config, run.sources)
        note_plan(folder, run.config.planned)
    reset_future_times(folder, dry=dry)
    damaged = map(str, rename_damaged(folder, dry=dry))
    unknown = remove_damaged_records(snakemake / "metadata", dry=dry)
    # The records are of all runs in the current folder.
    return [*damaged, *(path for path in unknown if path.startswith(f"{run.folder}/"))]
