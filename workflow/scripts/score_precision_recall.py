"""Measure improved precision and recall of random draws.

In: draws, candidate and real features. Out: tidy rows.
"""

from fringe.evaluation import load_draws, score_precision_recall
from fringe.features import open_features
from fringe.running.script import ScriptJob, run
from fringe.scores.rows import write_scores


def main(job: ScriptJob) -> None:
    """Measure the configured number of repeats."""
    about = job.params.scoring
    draws, _ = load_draws(job.input.draws)
    candidates = open_features(job.input.candidates)
    labels = {
        "dataset": job.wildcards.dataset,
        "scheme": "random",
        "network": candidates.attributes["network"],
        "space": "features",
    }
    rows = score_precision_recall(
        draws[: about["repeats"]],
        candidates,
        open_features(job.input.real).read(stop=about["n_real"]),
        about["k"],
        dtype=about["dtype"],
    )
    write_scores(job.output[0], rows, labels, about["seed"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
