"""Measure the kernel distances (KID, RBF-KID) of the draws of one scheme (Table 3).

In: draws, candidate and real features of FID's network. Out: tidy rows.
"""

from fringe.evaluation import join_extension, load_draws, score_kernels
from fringe.features import open_features
from fringe.running.script import ScriptJob, run
from fringe.scores.rows import write_scores


def main(job: ScriptJob) -> None:
    """Measure the number of repeats that Table 3 averages."""
    scoring = job.params.scoring
    draws, _ = load_draws(job.input.draws)
    candidates = open_features(job.input.candidates)
    features, rows = join_extension(
        candidates, draws, job.input.get("extension"), job.input.get("further")
    )
    scores = score_kernels(
        rows[: scoring["repeats"]],
        features,
        open_features(job.input.real).read("features", stop=scoring["n_real"]),
        seed=scoring["seed"],
        subsets=scoring["subsets"],
        subset_size=scoring["subset_size"],
        exact=scoring["exact"],
        gamma_factors=scoring["gamma_factors"],
    )
    labels = {
        "dataset": job.wildcards.dataset,
        "scheme": job.wildcards.scheme,
        "network": candidates.attributes["network"],
        "space": "features",
    }
    write_scores(job.output[0], scores, labels, scoring["seed"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
