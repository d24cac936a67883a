"""Draw Figure 8a: FID against sample size.

In: scores. Out: PNG and PDF.
"""

from fringe.figures import sample_sizes, save
from fringe.running.script import ScriptJob, run
from fringe.scores.differences import read_protocols
from fringe.scores.rows import read_scores


def main(job: ScriptJob) -> None:
    """Draw all data sets."""
    about = job.params.figure
    figure = sample_sizes(
        read_scores(job.input),
        about["titles"],
        about["network"],
        all_real=about["all_real"],
        protocols=read_protocols(about["protocols"]),
        choices=about["choices"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
