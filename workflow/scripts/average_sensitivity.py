"""Average images and sensitivity maps, over all and over the most frequent classes.

In: maps. Out: mean images, mean maps and mean Grad-CAM, with names and counts.
"""

from fringe.plan import open_images
from fringe.sensitivity import frequent_classes, mean_groups, read_sensitivity, write_groups
from fringe.stage import Job, run


def main(job: Job) -> None:
    """Average one data set."""
    about = job.params.averaged
    found = read_sensitivity(job.input[0])
    source = open_images(job.config, job.config["datasets"][job.wildcards.dataset]["generated"])
    groups = mean_groups(found, source, frequent_classes(found, about["classes"]))
    write_groups(job.output[0], groups, about)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
