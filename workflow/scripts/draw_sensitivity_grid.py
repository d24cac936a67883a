"""Draw Figure 11: the first images with what FID looks at, and their Top-1 class.

In: sensitivity maps. Out: PNG and PDF.
"""

from fringe.figures import save, sensitivity_grid
from fringe.plan import open_images
from fringe.sensitivity import read_sensitivity
from fringe.stage import Job, run

ROWS, COLUMNS = 5, 8


def main(job: Job) -> None:
    """Draw one data set."""
    about = job.params.figure
    found = read_sensitivity(job.input[0])
    source = open_images(job.config, job.config["datasets"][job.wildcards.dataset]["generated"])
    count = min(ROWS * COLUMNS, len(found))
    figure = sensitivity_grid(
        source.read(range(count)),
        found.maps[:count],
        [found.predictions(index)[0][0] for index in range(count)],
        rows=ROWS,
        columns=COLUMNS,
        title=about["title"],
        network=about["network"],
        simulated=about["simulated"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
