"""Write the differences between the run and the paper, and choices that the paper leaves open.

In: only params. Out: Markdown and HTML.
"""

from fringe.report import write_deviations
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Write the page of one run."""
    write_deviations(job.params.about["deviations"], job.output.markdown, job.output.html)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
