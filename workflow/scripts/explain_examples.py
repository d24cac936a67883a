"""Explain a few images: sensitivity maps next to Grad-CAM, and all steps for one image.

In: maps of the data set; mean and covariance of real features, and of all generated features or of
all but one. Out: the images and their maps.
"""

import json
from dataclasses import replace

import numpy as np

from fringe.evaluation import load_gaussian
from fringe.plan.planned import planned_images, planned_network, planned_seed
from fringe.running.script import ScriptJob, run
from fringe.sensitivity import explain_examples, look_closely, write_examples


def main(job: ScriptJob) -> None:
    """Explain the images of one data set in one network."""
    config, about = job.config, job.params.made_from
    examples, generated = about["examples"], about["generated"]
    if "seeds" in examples:
        made = []
        for seed in examples["seeds"]:
            with planned_seed(config, generated, seed) as source:
                made.append(source.read([0]))
        images = np.concatenate(made)
        names = [f"{generated}: image 0 of seed {seed}" for seed in examples["seeds"]]
    else:
        with planned_images(config, generated) as source:
            images = source.read(examples["images"])
        names = [f"{generated}: image {index}" for index in examples["images"]]
    network = planned_network(config, about["network"], about["precision"])
    gaussians = (load_gaussian(path)[0] for path in (job.input.real, job.input.others))
    among = (network, *gaussians, about["n"])
    included = "images" in examples
    classifier = None
    if "classifier" in about:
        classifier = planned_network(config, about["classifier"], about["precision"])
    found = explain_examples(
        images, *among, included=included, classifier=classifier, called=names.__getitem__
    )
    if about["closeup"]:
        closeup = look_closely(images[0], *among, included=included)
        found = replace(found, closeup=closeup)
    write_examples(job.output[0], found, {**about, "examples": json.dumps(examples)})


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
