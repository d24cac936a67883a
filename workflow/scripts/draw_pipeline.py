"""Draw Figure 2: the steps from one image to FID, and back to the sensitivity map.

In: an image, its map and the steps between the two. Out: PNG and PDF.
"""

from fringe.errors import FringeError
from fringe.figures import save, sensitivity_pipeline
from fringe.running.script import ScriptJob, run
from fringe.sensitivity import read_examples


def main(job: ScriptJob) -> None:
    """Draw one data set."""
    about = dict(job.params.figure)
    style = about.pop("style")
    del about["revision"]
    about.pop("classifier", None)  # the figure has no classes
    found = read_examples(job.input[0])
    if found.closeup is None:
        raise FringeError(
            f"{job.input[0]}: does not contain the steps between an image and its map; delete the "
            "file and run again"
        )
    figure = sensitivity_pipeline(
        found.images[0], found.maps[0], found.closeup, style=style, **about
    )
    save(figure, job.output.png, job.output.pdf, style)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
