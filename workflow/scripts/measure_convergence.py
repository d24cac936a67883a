"""Measure the released weight optimization next to Fringe's, in pre-logits (Figure S1).

In: real statistics, candidate features, optimized weights, and released weights if they exist.
Out: rows of loss against time.
"""

from pathlib import Path

from fringe.devices.choice import choose_device
from fringe.evaluation import load_gaussian, optimized_rows, released_rows
from fringe.features import open_features
from fringe.running.script import ScriptJob, run
from fringe.scores.convergence import write_convergence


def main(job: ScriptJob) -> None:
    """Write the path of the released algorithm (from its weights or first steps) and Fringe's."""
    candidates = open_features(job.input.candidates)
    ours = optimized_rows(job.input.weights)
    checkpoint = Path(job.params.checkpoint)
    released = released_rows(
        load_gaussian(job.input.real)[0],
        candidates.read("features"),
        job.params.measured["steps"],
        weights=next(iter(getattr(job.input, "released", ())), None),
        device=choose_device(job.config.device),
        checkpoint=checkpoint,
    )
    labels = {"dataset": job.wildcards.dataset, "network": candidates.attributes["network"]}
    write_convergence(job.output[0], [*released, *ours], labels)
    checkpoint.unlink(missing_ok=True)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
