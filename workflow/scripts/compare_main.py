"""Compare generators in FID's network: distances, class histogram, classes, price of a gain.

In: features of real and generated images, and logits or labels. Out: JSON, and the weights behind
each price.
"""

from collections.abc import Mapping
from typing import Any

from fringe.comparison import measure_main_network, save_weights, stored_sets
from fringe.devices.choice import choose_device
from fringe.networks import network_classes
from fringe.plan.planned import planned_labels
from fringe.running.script import ScriptJob, run
from fringe.scores.comparison import write_result


def main(job: ScriptJob) -> None:
    """Measure all generators of a comparison."""
    about = job.params.comparing
    labels = planned_labels(job.config, about.get("labels", ()))
    sets = stored_sets(job.input, about, labels)
    found = measure_main_network(
        about["network"],
        about["title"],
        sets.real,
        sets.models,
        real_classes=sets.real_classes,
        held_out=sets.held_out,
        class_names=sets.class_names if labels else _names(about),
        classified_by=about.get("classified_by", ""),
        given=bool(labels),
        device=choose_device(job.config.device),
        seed=about["seed"],
        threads=job.threads,
    )
    save_weights(job.output.weights, found.weights)
    write_result(job.output.result, found.result)


def _names(about: Mapping[str, Any]) -> tuple[str, ...] | None:
    return network_classes(about["classes"] or about["network"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
