"""Write what the run cost: planned and actual hours of each stage, and its longest path.

In: all that the run makes, as a sign that it is there; times, logs and the estimate are read from
the run's folder. Out: Markdown and HTML.
"""

from pathlib import Path

from fringe.costs.actual import read_actual
from fringe.plan import layout
from fringe.report import write_cost
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Sum up one run."""
    actual = read_actual(Path(layout.run_folder(job.config)))
    write_cost(actual, job.output.markdown, job.output.html)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
