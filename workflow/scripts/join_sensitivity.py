"""Join the sensitivity maps of all shards.

In: maps of each shard. Out: one file with all of them.
"""

from fringe.running.script import ScriptJob, run
from fringe.sensitivity import join_shards, write_sensitivity


def main(job: ScriptJob) -> None:
    """Join one data set's maps in one network."""
    write_sensitivity(job.output[0], join_shards(job.input))


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
