"""Write the verdict: how much of FID lies in its perceptual null space.

In: scores, and rows of the released optimization beside ours. Out: Markdown and HTML.
"""

from fringe.evaluation import read_scores
from fringe.report import verdict, write_verdicts
from fringe.stage import Job, run


def main(job: Job) -> None:
    """Judge every data set."""
    about = job.params.verdict
    found = verdict(
        read_scores(job.input.scores),
        about["network"],
        about["controls"],
        about["titles"],
        dims=about["dims"],
        convergence=read_scores(job.input.convergence) if job.input.convergence else None,
    )
    write_verdicts(found, job.output.markdown, job.output.html)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
