"""Draw Figures 5 and 17: images of the lowest and of the highest weights.

In: weights. Out: PNG and PDF.
"""

from fringe.evaluation import draw_extremes, load_weights
from fringe.figures import save, weight_grids
from fringe.plan import open_images
from fringe.stage import Job, run


def main(job: Job) -> None:
    """Draw one data set."""
    about = job.params.figure
    rows, columns = about["rows"], about["columns"]
    dataset = job.config["datasets"][job.wildcards.dataset]
    source = open_images(job.config, dataset["generated"])
    low, high = draw_extremes(load_weights(job.input[0]), rows * columns, about["seed"])
    figure = weight_grids(
        source.read(low),
        source.read(high),
        title=about["title"],
        rows=rows,
        columns=columns,
        simulated=about["simulated"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
