"""Optimize sampling weights for all requested Top-N and Middle-N class indicators in one job.

In: real and candidate logits, real statistics in the features of FID.
Out: for each scheme ``probabilities`` (N,), the objective, its proven lower bound, the path and the
checks.
"""

import sys
from pathlib import Path

from fringe.devices.choice import choose_device, describe_device
from fringe.evaluation import load_gaussian, sampled_fid, save_weights
from fringe.features import open_features
from fringe.plan.provenance import sweep_provenance
from fringe.resampling import optimize_weights
from fringe.resampling.indicators import mark_classes, rank_classes
from fringe.running.script import ScriptJob, run
from fringe.scores.cells import sweep_size


def main(job: ScriptJob) -> None:
    """Rank the classes once, optimize for each scheme, and write all files at the very end.

    A file that exists before the end of the job would look finished. So finished schemes are kept
    in their checkpoints, from which a killed or failed job continues.
    """
    about = job.params.made_from
    settings = about["optimization"]
    candidates = open_features(job.input.candidates)
    real_order = rank_classes(
        open_features(job.input.real).read("logits", stop=about["n_real"]), "real logits"
    )
    # The network of classes may differ from FID's network.
    classified = job.input.get("classified")
    ranked = open_features(classified) if classified else candidates
    candidate_order = rank_classes(ranked.read("logits"), "candidate logits")
    device = choose_device(job.config.device)
    judge = sampled_fid(
        load_gaussian(job.input.judged)[0], candidates, about["n"], about["seed"], device=device
    )
    paths = [Path(path) for path in job.output]  # weights/<dataset>/<scheme>.h5
    results = []
    for number, path in enumerate(paths, start=1):
        found = sweep_size(path.stem)
        assert found is not None, path
        mode, n = found
        title = f"{path.parent.name}, {mode} {n} ({number} of {len(paths)})"
        weights = optimize_weights(
            *mark_classes(real_order, candidate_order, n, mode),
            settings["method"],
            max_evaluations=settings["evaluations"],
            tolerance=settings["tolerance"],
            learning_rate=5,  # as in the paper, Appendix D
            judge=judge,
            device=device,
            checkpoint=_checkpoint(path),
            title=title,
        )
        text = f"objective {weights.objective:.6g}, lower bound {weights.lower_bound:.6g}"
        print(f"{title}: {text}", file=sys.stderr, flush=True)
        results.append(weights)
    name, threads = describe_device(device)
    provenance = {
        **candidates.attributes,
        **sweep_provenance(about),
        "device": name,
        "threads": threads,
    }
    for path, weights in zip(paths, results, strict=True):
        save_weights(path, weights, provenance)
    for path in paths:
        _checkpoint(path).unlink(missing_ok=True)


def _checkpoint(path: Path) -> Path:
    """Return the path of the saved state of the optimization that makes ``path``."""
    return path.with_suffix(".checkpoint")


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
