"""Measure FID with noise in the important half of each image, in the other half, and in both.

In: sensitivity maps, real statistics. Out: a row for each region.
"""

from fringe.evaluation import load_gaussian, measure_region_noise
from fringe.plan.planned import planned_nearby, planned_network
from fringe.running.script import ScriptJob, run
from fringe.scores.region_noise import write_region_noise
from fringe.sensitivity import read_sensitivity


def main(job: ScriptJob) -> None:
    """Measure one data set at one scale of the noise."""
    config, about = job.config, job.params.measured
    network = planned_network(config, about["network"], about["precision"])
    real, n_real = load_gaussian(job.input.real)
    with planned_nearby(config, about["generated"], about["count"]) as source:
        rows = measure_region_noise(
            source,
            read_sensitivity(job.input.maps).maps,
            network,
            real,
            scale=float(job.wildcards.scale),
            n=about["count"],
            n_real=n_real,
            seed=about["seed"],
            batch_size=about["batch_size"],
            workers=config.extraction.workers,
        )
    write_region_noise(job.output[0], rows, job.wildcards.dataset)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
