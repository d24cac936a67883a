"""Write the results that the run left out because files are missing.

In: only params. Out: Markdown and HTML.
"""

from fringe.report import write_left_out
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Write the page of one run."""
    write_left_out(job.params.about["left_out"], job.output.markdown, job.output.html)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
