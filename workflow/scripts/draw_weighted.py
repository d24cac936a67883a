"""Draw candidates with optimized weights.

In: weights. Out: ``indices`` (repeats, n).
"""

from fringe.evaluation import draw_weighted, load_weights, save_draws
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Draw for every repeat."""
    drawing = job.params.drawing
    draws = draw_weighted(
        load_weights(job.input[0]),
        drawing["n"],
        drawing["repeats"],
        drawing["seed"],
        job.wildcards.scheme,
        drawing["sampling"],
    )
    save_draws(job.output[0], draws, drawing)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
