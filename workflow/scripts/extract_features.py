"""Extract one shard of features.

In: the source's images, or a shard of rendered images of a generator. Out: ``features``
(n, D) and, for a classifier, ``logits`` (n, C), both float32.
"""

from fringe.features import extract_shard
from fringe.plan.layout import parse_shard
from fringe.plan.planned import planned_network, planned_shard
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Extract the features of the images in the shard, whose bounds are in its name."""
    config, shard = job.config, job.wildcards.shard
    first, last = parse_shard(shard)
    about = job.params.made_from
    with planned_shard(config, job.wildcards.source, shard, job.input.get("images")) as source:
        extract_shard(
            source,
            planned_network(config, about["network"], about["precision"]),
            first,
            last,
            job.output[0],
            batch_size=about["batch_size"],
            workers=config.extraction.workers,
            provenance=about,
        )


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
