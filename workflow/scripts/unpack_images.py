"""Unpack the images of a compressed array.

In: nothing but the configuration of the source. Out: ``images`` (N, H, W, C) uint8, as they are
stored, all of the array.
"""

from fringe.plan.planned import planned_source
from fringe.running.script import ScriptJob, run
from fringe.sources.unpacked import unpack


def main(job: ScriptJob) -> None:
    """Unpack the source that the output's folder is named after."""
    with planned_source(job.config, job.wildcards.source) as source:
        unpack(source, job.output[0])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
