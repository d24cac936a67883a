"""Measure the FID of training snapshots in one space (Figure 9).

In: real statistics, and each snapshot's. Out: tidy rows.
"""

from fringe.evaluation import load_gaussian, score_snapshots
from fringe.running.script import ScriptJob, run
from fringe.scores.rows import write_scores


def main(job: ScriptJob) -> None:
    """Measure every snapshot."""
    scoring = job.params.scoring
    pairs = zip(scoring["snapshots"], job.input.snapshots, strict=True)
    rows = score_snapshots(
        {name: load_gaussian(path) for name, path in pairs}, *load_gaussian(job.input.real)
    )
    labels = {
        "dataset": job.wildcards.dataset,
        "network": job.config.network,
        "space": job.wildcards.space,
    }
    write_scores(job.output[0], list(rows), labels, scoring["seed"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
