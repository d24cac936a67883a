"""Draw Figure 7 or 19: two generators of the same real images side by side.

In: scores, and the random draws of both. Out: PNG and PDF.
"""

from fringe.evaluation import load_draws
from fringe.figures import generator_comparison, save
from fringe.plan.planned import planned_images
from fringe.running.script import ScriptJob, run
from fringe.scores.differences import read_protocols
from fringe.scores.rows import read_scores
from fringe.seeds import random_stream


def main(job: ScriptJob) -> None:
    """Draw one comparison, with images of the first random draw of each generator."""
    about = job.params.figure
    rows, columns = about["grid"]
    generators = about["comparison"]["generators"]
    grids = {}
    for dataset, path in zip(generators.values(), job.input.draws, strict=True):
        indices, _ = load_draws(path)
        stream = random_stream(about["seed"], "comparison", dataset)
        chosen = stream.permutation(indices[0])[: rows * columns]
        with planned_images(job.config, job.config.datasets[dataset].generated) as source:
            grids[dataset] = source.read(chosen)
    figure = generator_comparison(
        grids,
        read_scores(job.input.scores),
        title=about["comparison"]["title"],
        generators=generators,
        titles=about["titles"],
        network=about["network"],
        control=about["control"],
        recall_network=about["recall"],
        rows=rows,
        columns=columns,
        protocols=read_protocols(about["protocols"]),
        choices=about["choices"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
