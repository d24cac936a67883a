"""Render one shard of a generator's images to HDF5.

In: nothing but the configuration of the source. Out: ``images`` (n, H, W, 3) uint8.
"""

from fringe.plan.layout import parse_shard
from fringe.plan.planned import planned_shard
from fringe.running.script import ScriptJob, run
from fringe.sources import render_shard


def main(job: ScriptJob) -> None:
    """Render the images in the shard, whose bounds are in its name."""
    shard = job.wildcards.shard
    first, last = parse_shard(shard)
    scratch = job.config.extraction.scratch
    with planned_shard(job.config, job.wildcards.source, shard, None) as source:
        render_shard(source, first, last, job.output[0], job.params.made_from, scratch=scratch)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
