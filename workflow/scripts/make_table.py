"""Make one of Tables 1, 2 and 3.

In: scores. Out: the table as Markdown, LaTeX and HTML, and as CSV with all available metrics.
"""

from pathlib import Path

from fringe import tables
from fringe.features import warned_sources
from fringe.plan import layout
from fringe.plan.exhibits import TABLES
from fringe.running.script import ScriptJob, run
from fringe.scores.adherence import read_following
from fringe.scores.differences import read_protocols
from fringe.scores.null_space import released_remarks
from fringe.scores.rows import read_scores
from fringe.scores.titles import title_of


def main(job: ScriptJob) -> None:
    """Pivot the scores into the table, whose number is in the name of the output."""
    about = job.params.table
    scores = read_scores(job.input)
    names = (about["titles"], about["network"], about["controls"])
    number, output = job.wildcards.table, job.output
    released = bool(about["released"])
    options = {
        "repeats": about["repeats"],
        "protocols": read_protocols(about["protocols"]),
    }
    notes = []
    if number == "1":
        full = table = tables.table1(scores, *names, **options)
    elif number == "2":
        full = table = tables.table2(scores, *names, released=released, **options)
        notes = tables.null_space_remarks(table)
    else:
        metrics = TABLES[number].metrics
        table = tables.table3(scores, *names, released=released, metrics=metrics, **options)
        # All available metrics, including the exact KID and all gammas.
        measured = list(dict.fromkeys(scores["metric"]))
        full = tables.table3(scores, *names, released=released, metrics=measured, **options)
        schemes = ["prelogits-released"] if released else []
        notes = tables.gamma_remarks(
            scores, *names[:2], schemes=[*schemes, "prelogits"], repeats=about["repeats"]
        )
    if number != "1" and released:
        notes += released_remarks(about["released"], about["titles"])
    if read := about.get("read"):
        folder = Path(layout.run_folder(job.config), layout.FEATURES)
        notes += warned_sources(
            folder, dict.fromkeys(file for some in read.values() for file in some)
        )
    seeds = ", ".join(map(str, sorted(set(scores["seed"]))))
    notes.append(f"Seed of all random choices: {seeds}.")
    notes += [
        f"{title_of(about['titles'], name)}: {sentence}"
        for name, sentence in about.get("chosen", {}).items()
    ]
    notes += tables.table_protocol_notes(table, read_following(about.get("follows")))
    if about["choices"]:
        notes.append(about["choices"])
    classifier = about.get("classifier")
    tables.write_table(
        table,
        markdown=output.markdown,
        latex=output.latex,
        html=output.html,
        notes=notes,
        classifier=title_of(about["titles"], classifier) if classifier else "",
    )
    tables.write_table(full, csv=output.csv)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
