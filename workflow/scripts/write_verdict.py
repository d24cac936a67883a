"""Write the verdict: how much of FID lies in its perceptual null space.

In: scores. Out: Markdown.
"""

from fringe.evaluation import read_scores
from fringe.files import atomic_path
from fringe.report import verdict
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
    text = "\n\n".join(f"## {one.title}\n\n" + "\n".join(one.sentences) for one in found)
    with atomic_path(job.output[0]) as partial:
        partial.write_text(f"# Verdict\n\n{text}\n", encoding="utf-8")


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
