"""Draw Figure 10a: FID with noise in three regions of the images, against the scale of the noise.

In: a row for each scale and region. Out: PNG and PDF.
"""

from fringe.figures import region_noise, save
from fringe.running.script import ScriptJob, run
from fringe.scores.region_noise import read_region_noise


def main(job: ScriptJob) -> None:
    """Draw one data set."""
    about = job.params.figure
    figure = region_noise(
        read_region_noise(job.input),
        title=about["title"],
        network=about["network"],
        simulated=about["simulated"],
        choices=about["choices"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
