"""Draw Figures 5 and 17: images with the lowest and with the highest weights.

In: Fringe's weights, and weights of the released algorithm if they exist. Out: PNG and PDF.
"""

from fringe.evaluation import draw_extremes, load_reduced_costs, load_weights
from fringe.figures import Extremes, save, weight_grids
from fringe.plan.planned import planned_images
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Draw one data set."""
    about = job.params.figure
    rows, columns = about["rows"], about["columns"]
    dataset = job.config.datasets[job.wildcards.dataset]
    extremes = []
    with planned_images(job.config, dataset.generated) as source:
        for path in job.input:
            weights = load_weights(path)
            costs = load_reduced_costs(path)
            low, high = draw_extremes(weights, costs, rows * columns, about["seed"])
            zeros = float((weights == 0).mean())
            extremes.append(Extremes(source.read(low), source.read(high), zeros))
    figure = weight_grids(
        *extremes,
        title=about["title"],
        rows=rows,
        columns=columns,
        simulated=about["simulated"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
