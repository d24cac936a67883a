"""Draw Figures 3 and 13: a few images, their sensitivity maps, and their classes.

In: the images and their maps. Out: PNG and PDF.
"""

from fringe.figures import activation_comparison, save, sensitivity_examples
from fringe.running.script import ScriptJob, run
from fringe.sensitivity import read_examples
from fringe.sensitivity.examples import no_grad_cam


def main(job: ScriptJob) -> None:
    """Draw one data set."""
    about = dict(job.params.figure)
    style = about.pop("style")
    del about["revision"]
    found = read_examples(job.input[0])
    if found.predictions is None or found.activations is None:
        raise no_grad_cam(about["network"])
    if job.wildcards.number == "3":
        figure = sensitivity_examples(
            found.images, found.maps, found.predictions, style=style, **about
        )
    else:
        figure = activation_comparison(
            found.images, found.maps, found.activations, found.predictions, style=style, **about
        )
    save(figure, job.output.png, job.output.pdf, style)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
