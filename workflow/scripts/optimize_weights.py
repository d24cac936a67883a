"""Optimize sampling weights of the candidates in pre-logits or logits (Equation 3).

In: real statistics in that space and in the features of FID, candidate features, and candidate
logits if another network counts classes.
Out: ``probabilities`` (N,), the objective, its proven lower bound, the path and the checks, reduced
costs; for released weights also the error of merging steps.
"""

import logging
from pathlib import Path

from fringe.devices.choice import choose_device, describe_device
from fringe.evaluation import load_gaussian, sampled_fid, save_weights
from fringe.features import open_features
from fringe.resampling import optimize_weights
from fringe.running.script import ScriptJob, run

LOGGER = logging.getLogger("fringe.optimize_weights")


def main(job: ScriptJob) -> None:
    """Optimize in the space of the scheme, and keep the weights with the best sampled FID."""
    scheme, about = job.wildcards.scheme, job.params.made_from
    settings = about["optimization"]
    candidates = open_features(job.input.candidates)
    device = choose_device(job.config.device)
    judge = sampled_fid(
        load_gaussian(job.input.judged)[0], candidates, about["n"], about["seed"], device=device
    )
    checkpoint = Path(job.params.checkpoint)
    features = scheme != "logits"
    # The network of classes may differ from FID's network.
    classified = job.input.get("classified")
    space = open_features(classified) if classified else candidates
    title = f"{job.wildcards.dataset}, {scheme}"
    if settings["method"] == "released":
        how = {"max_evaluations": settings["steps"], "merge": settings["merge"]}
    else:
        how = {"max_evaluations": settings["evaluations"], "tolerance": settings["tolerance"]}
    weights = optimize_weights(
        load_gaussian(job.input.real)[0],
        space.matrix("features" if features else "logits"),
        settings["method"],
        learning_rate=settings.get(
            "learning_rate", 10 if features else 5
        ),  # 10 and 5 as in the paper
        judge=judge,
        device=device,
        checkpoint=checkpoint,
        title=title,
        **how,
    )
    if weights.merging is not None:
        LOGGER.info("%s: %s", title, weights.merging)
    name, threads = describe_device(device)
    provenance = {**candidates.attributes, "device": name, "threads": threads}
    save_weights(job.output[0], weights, provenance)
    checkpoint.unlink(missing_ok=True)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
