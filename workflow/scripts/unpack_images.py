"""Unpack the images of a compressed array.

In: only the configuration of the source. Out: all ``images`` (N, H, W, C) of the array, uint8, as
stored.
"""

from fringe.plan.planned import planned_source
from fringe.running.script import ScriptJob, run
from fringe.sources.unpacked import unpack


def main(job: ScriptJob) -> None:
    """Unpack the source, whose name is the output's folder."""
    with planned_source(job.config, job.wildcards.source) as source:
        unpack(source, job.output[0])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
