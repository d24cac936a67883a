"""Draw Figures 6 and 18: FID against the number of classes that are matched.

In: scores. Out: PNG and PDF.
"""

from fringe.figures import class_sweep, save
from fringe.running.script import ScriptJob, run
from fringe.scores.differences import read_protocols
from fringe.scores.rows import read_scores


def main(job: ScriptJob) -> None:
    """Draw the data sets of the figure."""
    about = job.params.figure
    figure = class_sweep(
        read_scores(job.input),
        about["titles"],
        about["network"],
        about["control"],
        datasets=about["datasets"],
        released=about["released"],
        protocols=read_protocols(about["protocols"]),
        choices=about["choices"],
        classifier=about.get("classifier", ""),
        certified=about["certified"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
