"""Draw Figure 8b: FID of the same random draws under several networks.

In: scores. Out: PNG and PDF.
"""

from fringe.figures import network_comparison, save
from fringe.running.script import ScriptJob, run
from fringe.scores.differences import read_protocols
from fringe.scores.rows import read_scores


def main(job: ScriptJob) -> None:
    """Draw all data sets with alternative networks."""
    about = job.params.figure
    figure = network_comparison(
        read_scores(job.input),
        about["titles"],
        about["networks"],
        protocols=read_protocols(about["protocols"]),
        choices=about["choices"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
