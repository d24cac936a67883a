"""Measure distances in units of the floor, the distance between two sets of real images.

In: draws of the schemes in Figure 16, candidate features (and features of images
beyond the candidates, if there are any), real features. Out: tidy rows.
"""

from fringe.evaluation import join_extension, load_draws, score_floor
from fringe.features import open_features
from fringe.running.script import ScriptJob, run
from fringe.scores.rows import write_scores


def main(job: ScriptJob) -> None:
    """Measure the first draw of each scheme."""
    about, given = job.params.scoring, job.input
    candidates = open_features(given.candidates)
    drawn = {}
    for scheme, path in zip(about["schemes"], given.draws, strict=True):
        draws, _ = load_draws(path)
        features, images = join_extension(
            candidates, draws[:1], given.get("extension"), given.get("further")
        )
        drawn[scheme] = features, images[0]
    labels = {
        "dataset": job.wildcards.dataset,
        "network": candidates.attributes["network"],
        "space": "features",
    }
    rows = score_floor(open_features(given.real), about["n_real"], drawn, seed=about["seed"])
    write_scores(job.output[0], list(rows), labels, about["seed"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
