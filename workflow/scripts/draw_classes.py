"""Draw Figure 4a: the Top-1 classes of real and generated images.

In: logits of both. Out: PNG and PDF.
"""

from fringe.features import open_features, top1_classes
from fringe.figures import save, top1_histogram
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Draw one data set."""
    about = job.params.figure
    real, generated = open_features(job.input.real), open_features(job.input.generated)
    figure = top1_histogram(
        top1_classes(real, stop=about["n_real"]),
        top1_classes(generated, stop=about["n_generated"]),
        real.class_names,
        title=about["title"],
        network=about["network"],
        simulated=about["simulated"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
