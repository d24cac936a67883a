"""Draw Figure S1: loss against time of the released optimization and of Fringe's.

In: rows of loss against time. Out: PNG and PDF.
"""

from fringe.figures import loss_over_time, save
from fringe.running.script import ScriptJob, run
from fringe.scores.rows import read_scores


def main(job: ScriptJob) -> None:
    """Draw one data set."""
    about = job.params.figure
    figure = loss_over_time(
        read_scores(job.input),
        title=about["title"],
        simulated=about["simulated"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
