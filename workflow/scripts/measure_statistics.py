"""Measure mean and covariance of the first images of a source, or use published statistics.

In: a feature file. Out: ``mean`` (D,) and ``covariance`` (D, D), float64.
"""

from fringe.evaluation import gaussian_of, save_gaussian
from fringe.exchange import read_statistics
from fringe.features import open_features
from fringe.metrics import describe_rank
from fringe.networks import network_info
from fringe.plan.planned import planned_file
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Measure in the space and for the number of images in the name of the output."""
    space, n = job.wildcards.space, int(job.wildcards.n)
    if published := job.params.published:
        network = published["network"]
        path = job.config.sources[job.wildcards.source].statistics[network].path
        with planned_file(job.config, path):
            gaussian = read_statistics(path, network_info(network).feature_dim)
        save_gaussian(job.output[0], gaussian, published["count"], published)
        return
    file = open_features(job.input.features)
    if note := describe_rank(n, file.dim(space), space):
        print(note)
    save_gaussian(job.output[0], gaussian_of(file, space, stop=n), n, file.attributes)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
