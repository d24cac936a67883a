"""Measure the FID of every draw of one scheme in one network.

In: draws, candidate features (and features of images beyond the candidates, if the scheme draws
any), real statistics; and for a standard error, real features unless the statistics are published.
Out: tidy rows.
"""

from fringe.evaluation import join_extension, load_draws, load_gaussian, score_draws
from fringe.features import open_features
from fringe.running.script import ScriptJob, run
from fringe.scores.rows import write_scores


def main(job: ScriptJob) -> None:
    """Measure every repeat."""
    draws, _ = load_draws(job.input.draws)
    candidates = open_features(job.input.candidates)
    features, rows = join_extension(
        candidates, draws, job.input.get("extension"), job.input.get("further")
    )
    real, n_real = load_gaussian(job.input.real)
    labels = {
        "dataset": job.wildcards.dataset,
        "scheme": job.wildcards.scheme,
        "network": candidates.attributes["network"],
        "space": "features",
    }
    about, known = job.params.scoring, job.input.get("real_features")
    scores = score_draws(
        rows,
        features,
        real,
        n_real,
        open_features(known) if known else None,
        with_error="errors_revision" in about,
    )
    write_scores(job.output[0], scores, labels, about["seed"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
