"""Extract one shard of features.

In: the source's images, or a shard of them where a generator rendered it. Out: ``features``
(n, D) and, of a classifier, ``logits`` (n, C), both float32.
"""

from fringe.devices import choose_device
from fringe.features import extract_shard
from fringe.networks import load_network
from fringe.plan import open_shard, parse_shard
from fringe.stage import Job, run


def main(job: Job) -> None:
    """Extract the features of the images that the shard's name says."""
    config = job.config
    first, last = parse_shard(job.wildcards.shard)
    about = job.params.made_from
    with open_shard(config, job.wildcards.source, job.input.get("images")) as source:
        network = load_network(
            about["network"],
            job.input.get("weights") or None,
            choose_device(config["device"]),
            precision=about["precision"],
        )
        extract_shard(
            source,
            network,
            first,
            last,
            job.output[0],
            batch_size=about["batch_size"],
            workers=config["extraction"]["workers"],
            provenance=about,
        )


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
