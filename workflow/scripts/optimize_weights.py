"""Optimize sampling weights of the candidates (Equation 3).

In: real statistics, or real logits for indicators; candidate features. Out: ``probabilities``
(N,), the objective, its proven lower bound and the path of the optimization.
"""

from pathlib import Path

from fringe.evaluation import load_gaussian, save_weights
from fringe.features import open_features
from fringe.plan import parse_sweep_scheme
from fringe.resampling import class_indicators, optimize_weights
from fringe.stage import Job, run


def main(job: Job) -> None:
    """Optimize in the space that the scheme names."""
    scheme, settings = job.wildcards.scheme, job.params.optimization
    candidates = open_features(job.input.candidates)
    if scheme in ("prelogits", "logits"):
        space = "features" if scheme == "prelogits" else "logits"
        real, generated = load_gaussian(job.input.real)[0], candidates.read(space)
    else:
        mode, n = parse_sweep_scheme(scheme)
        reals = open_features(job.input.real)
        real, generated = class_indicators(
            reals.read("logits", stop=job.params.made_from["n_real"]),
            candidates.read("logits"),
            n,
            mode,
        )
    checkpoint = Path(job.params.checkpoint)
    weights = optimize_weights(
        real,
        generated,
        settings["method"],
        max_evaluations=settings["evaluations"],
        tolerance=settings["tolerance"],
        learning_rate=10 if scheme == "prelogits" else 5,  # the paper's, Appendix D
        checkpoint=checkpoint,
    )
    save_weights(job.output[0], weights, candidates.attributes)
    checkpoint.unlink(missing_ok=True)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
