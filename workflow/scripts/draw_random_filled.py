"""Draw as many random candidates without replacement as Top-1 matching could draw.

In: matched draws. Out: ``indices`` (repeats, n), a part of each random draw.
"""

from fringe.evaluation import draw_random, load_draws, save_draws
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Draw for every repeat."""
    drawing = job.params.drawing
    matched, _ = load_draws(job.input.matched)
    draws = draw_random(
        drawing["candidates"],
        drawing["n"],
        drawing["repeats"],
        drawing["seed"],
        keep=matched.shape[1],
    )
    save_draws(job.output[0], draws, drawing)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
