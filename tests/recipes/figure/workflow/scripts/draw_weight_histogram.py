"""Draw Figure S3: how optimized weights are distributed.

In: our weights in pre-logits. Out: PNG and PDF.
"""

from fringe.evaluation import load_weights
from fringe.figures.style import save
from fringe.figures.weight_histogram import weight_histogram
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Draw one data set."""
    about = job.params.figure
    figure = weight_histogram(
        load_weights(job.input[0]),
        title=about["title"],
        simulated=about["simulated"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
