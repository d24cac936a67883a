"""Draw Figure 9: FID of pre-logits against FID of logits over training snapshots.

In: scores. Out: PNG and PDF.
"""

from fringe.figures import save, snapshot_correlation
from fringe.running.script import ScriptJob, run
from fringe.scores.differences import read_protocols
from fringe.scores.rows import read_scores


def main(job: ScriptJob) -> None:
    """Draw all data sets with snapshots."""
    about = job.params.figure
    figure = snapshot_correlation(
        read_scores(job.input),
        about["titles"],
        about["network"],
        protocols={name: read_protocols(every) for name, every in about["protocols"].items()},
        choices=about["choices"],
        classifier=about.get("classifier", ""),
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
