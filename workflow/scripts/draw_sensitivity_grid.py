"""Draw Figure 11: a grid of images with their sensitivity maps and Top-1 classes.

In: the images and their maps. Out: PNG and PDF.
"""

from fringe.config.datasets import GRID
from fringe.figures import save, sensitivity_grid
from fringe.running.script import ScriptJob, run
from fringe.sensitivity import read_examples
from fringe.sensitivity.examples import no_grad_cam


def main(job: ScriptJob) -> None:
    """Draw one data set."""
    about = job.params.figure
    found = read_examples(job.input[0])
    if found.predictions is None:
        raise no_grad_cam(about["network"])
    rows, columns = GRID
    figure = sensitivity_grid(
        found.images,
        found.maps,
        [classes[0][0] for classes in found.predictions],
        seeds=about["shown"].get("seeds"),
        rows=rows,
        columns=columns,
        title=about["title"],
        network=about["network"],
        classifier=about.get("classifier", ""),
        simulated=about["simulated"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
