"""Extract the features of the images beyond the candidates that Top-1 matching drew.

In: the list of these images. Out: ``features`` (k, D) and, for a classifier, ``logits`` (k, C),
both float32.
"""

from fringe.evaluation import extract_extension, load_extension
from fringe.plan.planned import planned_network, planned_source
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Extract the features in one network."""
    config, about = job.config, job.params.made_from
    extension = load_extension(job.input.extension)
    generated = config.datasets[job.wildcards.dataset].generated
    with planned_source(config, generated, extension.seen) as source:
        extract_extension(
            source,
            planned_network(config, about["network"], about["precision"]),
            extension,
            job.output[0],
            batch_size=about["batch_size"],
            workers=config.extraction.workers,
            provenance=about,
        )


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
