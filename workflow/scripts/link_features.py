"""Link the shards of one source and network to one feature file.

In: the shards in order. Out: an HDF5 file of virtual datasets over them.
"""

from fringe.features import link_shards
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Link all shards."""
    link_shards(list(job.input), job.output[0], job.params.made_from)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
