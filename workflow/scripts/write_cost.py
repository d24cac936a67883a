"""Write the cost of the run: planned and actual hours of each rule, and the longest path.

In: all results of the run, which are not read. Times, logs and the estimate are read from
the run's folder. Out: Markdown and HTML.
"""

from pathlib import Path

from fringe.costs.actual import read_actual
from fringe.plan import layout
from fringe.report import write_cost
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Write the pages of one run."""
    actual = read_actual(Path(layout.run_folder(job.config)))
    write_cost(actual, job.output.markdown, job.output.html)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
