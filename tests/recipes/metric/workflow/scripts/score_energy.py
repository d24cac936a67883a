"""Measure the energy distance of the draws of one scheme (Table 3).

In: draws, candidate and real features of FID's network. Out: tidy rows.
"""

from fringe.evaluation import join_extension, load_draws
from fringe.evaluation.energy import score_energy
from fringe.features import open_features
from fringe.running.script import ScriptJob, run
from fringe.scores.rows import write_scores


def main(job: ScriptJob) -> None:
    """Measure as many repeats as Table 3 averages."""
    scoring = job.params.scoring
    draws, _ = load_draws(job.input.draws)
    candidates = open_features(job.input.candidates)
    features, rows = join_extension(
        candidates, draws, job.input.get("extension"), job.input.get("further")
    )
    real = open_features(job.input.real).read("features", stop=scoring["n_real"])
    labels = {
        "dataset": job.wildcards.dataset,
        "scheme": job.wildcards.scheme,
        "network": candidates.attributes["network"],
        "space": "features",
    }
    scores = score_energy(rows[: scoring["repeats"]], features, real)
    write_scores(job.output[0], scores, labels, scoring["seed"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
