"""Make the table of the metrics in the configuration.

In: scores. Out: the table as Markdown, LaTeX and HTML, and as CSV.
"""

from fringe import tables
from fringe.running.script import ScriptJob, run
from fringe.scores.adherence import read_following
from fringe.scores.rows import read_scores


def main(job: ScriptJob) -> None:
    """Pivot the scores."""
    about, output = job.params.table, job.output
    scores = read_scores(job.input)
    table = tables.asked_table(scores, about["titles"], about["networks"], about["repeats"])
    seeds = ", ".join(map(str, sorted(set(scores["seed"]))))
    tables.write_asked_table(
        table,
        csv=output.csv,
        markdown=output.markdown,
        latex=output.latex,
        html=output.html,
        notes=[
            f"Seed of all random choices: {seeds}.",
            *tables.table_protocol_notes(table, read_following(about.get("follows"))),
        ],
    )


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
