"""Draw candidates at random without replacement.

Out: ``indices`` (repeats, n).
"""

from fringe.evaluation import draw_random, save_draws
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Draw for every repeat."""
    drawing = job.params.drawing
    draws = draw_random(drawing["candidates"], drawing["n"], drawing["repeats"], drawing["seed"])
    save_draws(job.output[0], draws, drawing)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
