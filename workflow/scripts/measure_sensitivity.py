"""Measure the sensitivity maps of FID for the images of one shard.

In: images, and mean and covariance of real and of generated features. Out: maps and, for a
classifier, classes and Grad-CAM.
"""

from fringe.evaluation import load_gaussian
from fringe.plan.layout import parse_shard
from fringe.plan.planned import planned_network, planned_shard
from fringe.running.script import ScriptJob, run
from fringe.sensitivity import measure_sensitivity, write_sensitivity
from fringe.sensitivity.examples import no_grad_cam


def main(job: ScriptJob) -> None:
    """Measure the images of the shard for which FID is measured."""
    config, about, n = job.config, job.params.made_from, job.params.n
    shard = job.wildcards.shard
    first, last = parse_shard(shard)
    generated = config.datasets[job.wildcards.dataset].generated
    network = planned_network(config, about["network"], about["precision"])
    classifier = None
    if "classifier" in about:
        classifier = planned_network(config, about["classifier"], about["precision"])
    # Otherwise, Figures 13 and 15 would fail after hours.
    seeing = classifier or network
    if about["network"] == config.network and getattr(seeing, "classifier", None) is None:
        raise no_grad_cam(seeing.name)
    with planned_shard(config, generated, shard, job.input.get("images")) as source:
        found = measure_sensitivity(
            source,
            network,
            first,
            min(last, n),
            load_gaussian(job.input.real)[0],
            load_gaussian(job.input.generated)[0],
            n,
            classifier=classifier,
            batch_size=about["batch_size"],
            workers=config.extraction.workers,
            provenance=about,
        )
    write_sensitivity(job.output[0], found)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
