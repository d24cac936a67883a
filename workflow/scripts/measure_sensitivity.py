"""Measure what FID looks at in the images of one shard.

In: images, and mean and covariance of real and of generated features. Out: maps and, of a
classifier, classes and Grad-CAM.
"""

from fringe.devices import choose_device
from fringe.evaluation import load_gaussian
from fringe.networks import load_network
from fringe.plan import open_configured, parse_shard
from fringe.sensitivity import measure_sensitivity, write_sensitivity
from fringe.sources import RenderedShard
from fringe.stage import Job, run


def main(job: Job) -> None:
    """Measure those of the shard's images that FID is measured on."""
    config, about, n = job.config, job.params.made_from, job.params.n
    first, last = parse_shard(job.wildcards.shard)
    rendered = job.input.get("images")
    generated = config["datasets"][job.wildcards.dataset]["generated"]
    network = load_network(
        about["network"],
        job.input.get("weights") or None,
        choose_device(config["device"]),
        precision=about["precision"],
    )
    found = measure_sensitivity(
        RenderedShard(rendered) if rendered else open_configured(config, generated),
        network,
        first,
        min(last, n),
        load_gaussian(job.input.real)[0],
        load_gaussian(job.input.generated)[0],
        n,
        batch_size=about["batch_size"],
        workers=config["extraction"]["workers"],
        provenance=about,
    )
    write_sensitivity(job.output[0], found)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
