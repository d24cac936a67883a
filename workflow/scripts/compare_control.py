"""Compare generators in a control network.

In: features of real and generated images, and logits of FID's network or labels. Out: JSON.
"""

from fringe.comparison import measure_distances, stored_sets
from fringe.plan.planned import planned_labels
from fringe.running.script import ScriptJob, run
from fringe.scores.comparison import write_result


def main(job: ScriptJob) -> None:
    """Measure all generators of a comparison."""
    about = job.params.comparing
    labels = planned_labels(job.config, about.get("labels", ()))
    sets = stored_sets(job.input, about, labels)
    found = measure_distances(
        about["network"],
        about["title"],
        sets.real,
        {name: one.features for name, one in sets.models.items()},
        sets.held_out,
        real_classes=sets.real_classes,
        classes={name: one.classes[0] for name, one in sets.models.items() if one.classes},
        seed=about["seed"],
        threads=job.threads,
    )
    write_result(job.output[0], found.distances)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
