"""Measure the metrics in the configuration for the draws of one scheme in one network.

In: draws, candidate features (and features of images beyond the candidates, if there are any), real
features. Out: tidy rows.
"""

import numpy as np

from fringe.evaluation import join_extension, load_draws
from fringe.evaluation.asked_metrics import Compared, score_asked
from fringe.features import open_features
from fringe.metrics.arrays import Floats
from fringe.plan.planned import planned_network
from fringe.running.script import ScriptJob, run
from fringe.scores.rows import write_scores


def main(job: ScriptJob) -> None:
    """Measure the configured number of repeats."""
    about, given = job.params.scoring, job.input
    draws, _ = load_draws(given.draws)
    candidates, real = open_features(given.candidates), open_features(given.real)
    features, rows = join_extension(
        candidates, draws[: about["repeats"]], given.get("extension"), given.get("further")
    )
    n_real = about["n_real"]
    others = np.arange(n_real, min(2 * n_real, len(real)))
    compared = Compared(
        rows,
        features,
        real.read(stop=n_real),
        held_out=real.read("features", others) if len(others) else None,
        classifier=_classifier(job),
        seed=about["seed"],
        subsets=about["kid"][0],
        subset_size=about["kid"][1],
        k=about["manifolds"][0],
        dtype=about["manifolds"][1],
    )
    labels = {
        "dataset": job.wildcards.dataset,
        "scheme": job.wildcards.scheme,
        "network": candidates.attributes["network"],
        "space": "features",
    }
    found = list(score_asked(about["metrics"], compared))
    write_scores(job.output[0], found, labels, about["seed"])


def _classifier(job: ScriptJob) -> Floats | None:
    """Return the weights (C, D) that turn features into logits, if the job needs them."""
    network = job.params.scoring["classifier"]
    if not network:
        return None
    loaded = planned_network(job.config, network["network"], network["precision"])
    assert loaded.classifier is not None
    weights: Floats = loaded.classifier.detach().double().cpu().numpy()
    return weights


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
