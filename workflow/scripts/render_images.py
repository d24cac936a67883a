"""Render one shard of a generator's images to HDF5.

In: nothing but the configuration of the source. Out: ``images`` (n, H, W, 3) uint8.
"""

from fringe.devices import choose_device
from fringe.plan import parse_shard, source_spec
from fringe.sources import render_shard, source_from_spec
from fringe.stage import Job, run


def main(job: Job) -> None:
    """Render the images that the shard's name says."""
    spec = source_spec(job.config, job.wildcards.source)
    device = choose_device(job.config["device"]) if spec["kind"] == "generator" else "cpu"
    source = source_from_spec(spec, device=device)
    first, last = parse_shard(job.wildcards.shard)
    render_shard(source, first, last, job.output[0], job.params.made_from)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
