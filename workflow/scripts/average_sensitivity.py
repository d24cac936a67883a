"""Average images and sensitivity maps, over all images and by class.

In: maps. Out: mean images, mean maps and mean Grad-CAM, with names and counts.
"""

from fringe.plan.planned import planned_nearby
from fringe.running.script import ScriptJob, run
from fringe.sensitivity import frequent_classes, mean_groups, read_sensitivity, write_groups


def main(job: ScriptJob) -> None:
    """Average one data set."""
    about = job.params.averaged
    found = read_sensitivity(job.input[0])
    generated = job.config.datasets[job.wildcards.dataset].generated
    with planned_nearby(job.config, generated, len(found.maps)) as source:
        asked = about["classes"]
        classes = frequent_classes(found, asked) if isinstance(asked, int) else asked
        groups = mean_groups(found, source, classes)
    write_groups(job.output[0], groups, about)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
