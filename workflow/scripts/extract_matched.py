"""Extract the features of the images beyond the candidates that Top-1 matching drew.

In: which images these are. Out: ``features`` (k, D) and, of a classifier, ``logits`` (k, C), both
float32.
"""

from fringe.devices import choose_device
from fringe.evaluation import extract_extension, load_extension
from fringe.networks import load_network
from fringe.plan import open_configured, weights_path
from fringe.stage import Job, run


def main(job: Job) -> None:
    """Extract them in one network."""
    config, about = job.config, job.params.made_from
    extension = load_extension(job.input.extension)
    generated = config["datasets"][job.wildcards.dataset]["generated"]
    extract_extension(
        open_configured(config, generated, extension.seen),
        load_network(
            about["network"],
            weights_path(config, about["network"]),
            choose_device(config["device"]),
            precision=about["precision"],
        ),
        extension,
        job.output[0],
        batch_size=about["batch_size"],
        workers=config["extraction"]["workers"],
        provenance=about,
    )


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
