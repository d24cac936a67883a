"""Compare the first numbers that the released code prints with the numbers of this run.

In: checks of each data set. Out: Markdown and HTML.
"""

from fringe.report import write_self_check
from fringe.running.script import ScriptJob, run
from fringe.scores.self_check import read_checks


def main(job: ScriptJob) -> None:
    """Write the page of one run."""
    titles = job.params.about["titles"]
    checks = {
        title: read_checks(path)
        for title, path in zip(titles.values(), job.input.checks, strict=True)
    }
    write_self_check(checks, job.output.markdown, job.output.html)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
