"""Choose images of a data set, with numbers for each image, for the explorer of the page.

In: features of real and generated images, statistics of the real images, weights, Top-1 matched
draws, and maps if the data set has them. Out: one file with thumbnails, maps and numbers.
"""

import numpy as np

from fringe.evaluation import (
    gaussian_of,
    join_extension,
    load_draws,
    load_gaussian,
    load_weights,
)
from fringe.explorer import (
    GeneratedSet,
    RealSet,
    assemble,
    count_sentences,
    look_at,
    map_maker,
    measure_images,
    measure_model,
    thumbnail_size,
    with_stored,
)
from fringe.features import open_features, top1_classes
from fringe.networks import network_classes
from fringe.plan.planned import planned_images, planned_network
from fringe.running.script import ScriptJob, run
from fringe.scores.explorer import write_explorer
from fringe.sensitivity import read_sensitivity


def main(job: ScriptJob) -> None:
    """Explore one data set: drawn at random, Top-1 matched, and with optimized weights."""
    about, batch_size = job.params.exploring, job.config.extraction.batch_size
    of_real, behind = load_gaussian(job.input.measured)
    # The network of classes may differ from FID's network.
    classified = {
        name: job.input.get(f"classified_{name}") for name in ("real", "candidates", "further")
    }
    real_features = open_features(job.input.real)
    real_logits = open_features(classified["real"]) if classified["real"] else real_features
    real_classes = top1_classes(real_logits, stop=about["n_real"])
    real = RealSet(
        real_features, about["n_real"], of_real, behind, real_classes, classified=real_logits
    )
    candidates = open_features(job.input.candidates)
    draws, _ = load_draws(job.input.draws)
    extension = job.input.get("extension")
    features, rows = join_extension(candidates, draws, extension, job.input.get("further"))
    logits = features
    if classified["candidates"]:
        own = open_features(classified["candidates"])
        logits, _ = join_extension(own, draws, extension, classified["further"])
    weights, count = load_weights(job.input.optimized), len(candidates)
    made = GeneratedSet(
        "Generated images",
        features,
        count,
        top1_classes(logits),
        weight=weights * count,
        classified=logits,
    )
    drawn, n = np.bincount(rows.ravel(), minlength=len(features)), about["n_generated"]
    models = [
        measure_model("drawn at random", 0, made, of_real, n),
        measure_model("Top-1 matched", 0, made, of_real, draws.shape[1], drawn),
        measure_model("optimized weights", 0, made, of_real, n, weights),
    ]
    names = network_classes(about.get("classifier", about["network"]))
    numbers = measure_images(real, [made], models, about["shown"], seed=about["seed"], names=names)
    of_reals, of_made = numbers.sets
    maps, sentence = None, ""
    if mapped := about["maps"]:
        stored, make = read_sensitivity(job.input.maps).maps, None
        sentence = f"Sensitivity maps: each generated image as one of {mapped:,}."
        if (of_made.index >= mapped).any():
            make = map_maker(
                planned_network(job.config, about["network"], about["precision"]),
                about["generated"],
                of_real,
                gaussian_of(candidates, stop=mapped - 1),
                mapped,
                included=False,
                batch_size=batch_size,
            )
        maps = with_stored(stored, make)
    with (
        planned_images(job.config, about["real"]) as reals,
        planned_images(job.config, about["generated"]) as generated,
    ):
        size = thumbnail_size([reals, generated], about["thumbnail"])
        seen = [
            look_at(reals, of_reals.index, size, batch_size=batch_size),
            look_at(generated, of_made.index, size, batch_size=batch_size, maps=maps),
        ]
    explorer = assemble(
        numbers,
        seen,
        groups=["Real images", made.title],
        models=[model.title for model in models],
        network=about["title"],
        counts=count_sentences(
            real,
            [made],
            models,
            numbers,
            maps=sentence,
            classifier=about.get("classifier_title", ""),
        ),
        seed=about["seed"],
        sprite_bytes=about["sprite_bytes"],
    )
    write_explorer(job.output[0], explorer)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
