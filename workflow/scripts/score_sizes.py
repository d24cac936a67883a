"""Measure FID at several sample sizes, and extrapolate FID to infinitely many images (Figure 8a).

In: real and generated features. Out: tidy rows.
"""

from fringe.config.choices import resolve_sizes
from fringe.evaluation import score_sizes
from fringe.features import open_features
from fringe.running.script import ScriptJob, run
from fringe.scores.rows import write_scores


def main(job: ScriptJob) -> None:
    """Measure every pair of counts."""
    scoring = job.params.scoring
    real, generated = open_features(job.input.real), open_features(job.input.generated)
    sizes = resolve_sizes(scoring["sizes"], len(real), len(generated))
    rows = score_sizes(
        real,
        generated,
        sizes,
        scoring["repeats"],
        scoring["seed"],
        method=scoring["fid_infinity"],
    )
    labels = {
        "dataset": job.wildcards.dataset,
        "scheme": "random",
        "network": real.attributes["network"],
        "space": "features",
    }
    write_scores(job.output[0], rows, labels, scoring["seed"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
