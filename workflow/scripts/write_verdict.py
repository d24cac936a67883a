"""Write the verdict: how much of FID lies in its perceptual null space.

In: scores. Out: Markdown and HTML.
"""

from fringe.evaluation import read_scores
from fringe.report import verdict, write_verdicts
from fringe.stage import Job, run


def main(job: Job) -> None:
    """Judge every data set."""
    about = job.params.verdict
    found = verdict(
        read_scores(job.input),
        about["network"],
        about["controls"],
        about["titles"],
        dims=about["dims"],
    )
    write_verdicts(found, job.output.markdown, job.output.html)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
