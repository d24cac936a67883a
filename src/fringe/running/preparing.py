"""What is set right before the jobs of a run start, and what the run writes down first."""

from pathlib import Path

from fringe.costs.remembered_sizes import remember_sizes
from fringe.plan.planned import note_plan
from fringe.plan.run import Run
from fringe.running.damage import set_damaged_aside
from fringe.running.locks import clear_stale_locks, hold
from fringe.running.slurm_jobs import refuse_left_over
from fringe.running.snakemake_records import remove_damaged_records
from fringe.running.times import bring_back

__all__ = ["prepare"]


def prepare(run: Run, *, dry: bool = False) -> list[str]:
    """Set right what an earlier run left in the current folder, and write down what this run keeps.

    With ``dry`` it only says what it would do.

    Returns
    -------
    list of str
        Files that are to be made again: damaged ones, and those whose records cannot be read.

    Raises
    ------
    FringeError
        If another run works in the folder, jobs of an earlier run are still at work, or a file
        cannot be written.
    """
    snakemake, folder = Path(".snakemake"), Path(run.folder)
    if not dry:
        hold(folder)
        clear_stale_locks(snakemake)
        refuse_left_over(Path.cwd())
        remember_sizes(run.config, run.sources)
        note_plan(folder, run.config.planned)
    bring_back(folder, dry=dry)
    aside = map(str, set_damaged_aside(folder, dry=dry))
    unknown = remove_damaged_records(snakemake / "metadata", dry=dry)
    # Records are those of all runs in this folder.
    return [*aside, *(path for path in unknown if path.startswith(f"{run.folder}/"))]
