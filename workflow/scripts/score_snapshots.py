"""Measure the FID of training snapshots in one space (Figure 9).

In: statistics of real images and of each snapshot; features of both, unless statistics are
published. Out: tidy rows.
"""

from fringe.config.choices import class_network
from fringe.evaluation import load_gaussian, score_snapshots
from fringe.features import open_features
from fringe.running.script import ScriptJob, run
from fringe.scores.rows import write_scores


def main(job: ScriptJob) -> None:
    """Measure every snapshot."""
    scoring = job.params.scoring
    pairs = zip(scoring["snapshots"], job.input.snapshots, strict=True)
    features = zip(scoring["with_images"], job.input.features, strict=True)
    known = job.input.get("real_features")
    space = job.wildcards.space
    rows = score_snapshots(
        {name: load_gaussian(path) for name, path in pairs},
        *load_gaussian(job.input.real),
        features={name: open_features(path) for name, path in features},
        real_features=open_features(known) if known else None,
        space=space,
    )
    network = class_network(job.config) if space == "logits" else job.config.network
    labels = {"dataset": job.wildcards.dataset, "network": network, "space": space}
    write_scores(job.output[0], list(rows), labels, scoring["seed"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
