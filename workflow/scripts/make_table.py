"""Make one of Tables 1, 2 and 3.

In: scores. Out: the table as Markdown, LaTeX and HTML, and as CSV with every metric there is.
"""

from fringe import tables
from fringe.evaluation import read_scores
from fringe.stage import Job, run


def main(job: Job) -> None:
    """Pivot the scores to the table that the output's name says."""
    about = job.params.table
    scores = read_scores(job.input)
    names = (about["titles"], about["network"], about["controls"])
    output = job.output
    if job.wildcards.table == "3":
        table = tables.table3(scores, *names, repeats=about["repeats"])
        # Every metric there is, the exact KID and all gammas among them.
        metrics = list(dict.fromkeys(scores["metric"]))
        full = tables.table3(scores, *names, repeats=about["repeats"], metrics=metrics)
    else:
        make = {"1": tables.table1, "2": tables.table2}[job.wildcards.table]
        full = table = make(scores, *names, repeats=about["repeats"])
    tables.write_table(table, markdown=output.markdown, latex=output.latex, html=output.html)
    tables.write_table(full, csv=output.csv)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
