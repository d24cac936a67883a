"""Draw Figure 4a: the Top-1 classes of real and generated images.

In: logits of both. Out: PNG and PDF.
"""

from fringe.evaluation import top1_classes
from fringe.features import open_features
from fringe.figures import save, top1_histogram
from fringe.networks import load_network
from fringe.stage import Job, run


def main(job: Job) -> None:
    """Draw one data set."""
    about = job.params.figure
    network = about["network"]
    figure = top1_histogram(
        top1_classes(open_features(job.input.real), stop=about["n_real"]),
        top1_classes(open_features(job.input.generated), stop=about["n_generated"]),
        load_network(network, job.config["weights"].get(network)).class_names,
        title=about["title"],
        network=network,
        simulated=about["simulated"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
