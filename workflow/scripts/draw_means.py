"""Draw Figures 4b, 12 and 15: mean images and mean maps, for all images and by class.

In: the means. Out: PNG and PDF.
"""

from fringe.figures import mean_sensitivity, save
from fringe.running.script import ScriptJob, run
from fringe.sensitivity import read_groups


def main(job: ScriptJob) -> None:
    """Draw one data set."""
    about = job.params.figure
    figure = mean_sensitivity(
        read_groups(job.input[0])[: about["groups"]],
        activation=about["activation"],
        title=about["title"],
        network=about["network"],
        classifier=about.get("classifier", ""),
        simulated=about["simulated"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
