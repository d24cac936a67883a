"""Measure distances of real images that are blurred, noised, compressed and warped.

In: features of the real images. Out: a row for each distortion and dose.
"""

from pathlib import Path

from fringe.comparison import measure_power
from fringe.features import open_features
from fringe.plan.planned import planned_nearby, planned_network
from fringe.running.script import ScriptJob, run
from fringe.scores.power import write_power


def main(job: ScriptJob) -> None:
    """Measure one network on one source."""
    config, about = job.config, job.params.measured
    source, checkpoint = job.wildcards.source, Path(job.params.checkpoint)
    with planned_nearby(config, source, about["count"]) as images:
        rows = measure_power(
            images,
            planned_network(config, about["network"], about["precision"]),
            open_features(job.input.features),
            n=about["n"],
            seed=about["seed"],
            batch_size=about["batch_size"],
            workers=config.extraction.workers,
            checkpoint=checkpoint,
            key=repr(about),
        )
    write_power(job.output[0], rows, source)
    checkpoint.unlink(missing_ok=True)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
