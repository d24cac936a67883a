"""Measure the share of FID's sensitivity in the region that the user names.

In: sensitivity maps. Out: one row.
"""

from contextlib import nullcontext

from fringe.plan.planned import planned_file, planned_images
from fringe.running.script import ScriptJob, run
from fringe.scores.region_noise import write_region_shares
from fringe.sensitivity import open_region, read_sensitivity, region_share


def main(job: ScriptJob) -> None:
    """Measure one data set."""
    dataset = job.config.datasets[job.wildcards.dataset]
    region = dataset.region
    assert region is not None
    with planned_images(job.config, dataset.generated) as source:
        size = source.resolution
    with planned_file(job.config, region) if isinstance(region, str) else nullcontext():
        mask = open_region(region, size)
    share = region_share(read_sensitivity(job.input[0]).maps, mask)
    labels = {"dataset": job.wildcards.dataset, "network": job.params.region["network"]}
    write_region_shares(job.output[0], [{**labels, **share._asdict()}])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
