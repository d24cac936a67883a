"""Make one of Tables 1, 2 and 3.

In: scores. Out: the table as CSV, Markdown, LaTeX and HTML.
"""

from fringe import tables
from fringe.evaluation import read_scores
from fringe.stage import Job, run


def main(job: Job) -> None:
    """Pivot the scores to the table that the output's name says."""
    about = job.params.table
    make = {"1": tables.table1, "2": tables.table2, "3": tables.table3}[job.wildcards.table]
    table = make(
        read_scores(job.input),
        about["titles"],
        about["network"],
        about["controls"],
        repeats=about["repeats"],
    )
    tables.write_table(
        table,
        csv=job.output.csv,
        markdown=job.output.markdown,
        latex=job.output.latex,
        html=job.output.html,
    )


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
