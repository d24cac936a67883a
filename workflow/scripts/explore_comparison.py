"""Choose images of compared generators, with numbers for each image, for the explorer.

In: features of real and generated images, and logits or labels. Out: one file with thumbnails, maps
and numbers.
"""

from contextlib import ExitStack

from fringe.comparison import stored_classes, stored_gaussian
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
)
from fringe.features import open_features
from fringe.networks import network_classes
from fringe.plan.planned import planned_images, planned_labels, planned_network
from fringe.running.script import ScriptJob, run
from fringe.scores.explorer import write_explorer


def main(job: ScriptJob) -> None:
    """Explore the first training of each generator."""
    about, batch_size = job.params.exploring, job.config.extraction.batch_size
    n_real, n, images = about["n_real"], about["n_generated"], about["images"]
    labels = planned_labels(job.config, about.get("labels", ()))
    classes = stored_classes(job.input, about, labels)
    # The network of classes may differ from FID's network.
    asks_logits = bool(about["classes"]) and "classifier" in about
    of_real = stored_gaussian(job.input.real[0], n_real)
    real = RealSet(
        open_features(job.input.real[0]),
        n_real,
        of_real,
        n_real,
        classes.real,
        shown=about["real"] in images,
        classified=open_features(job.input.real_logits[0]) if asks_logits else None,
    )
    sources = {name: source for name, (source,) in about["generators"].items()}
    logits = job.input.logits if asks_logits else [None for _ in sources]
    sets = [
        GeneratedSet(
            name,
            open_features(path),
            n,
            classes.models[name][0] if classes.models else None,
            shown=source in images,
            classified=open_features(classified) if classified else None,
        )
        for (name, source), path, classified in zip(
            sources.items(), job.input.models, logits, strict=True
        )
    ]
    models = [measure_model(one.title, place, one, of_real, n) for place, one in enumerate(sets)]
    numbers = measure_images(
        real,
        sets,
        models,
        about["shown"],
        seed=about["seed"],
        names=classes.names if labels else network_classes(about["classes"] or about["network"]),
        labelled=bool(labels),
    )
    network, sentence = None, ""
    if about["maps"]:
        network = planned_network(job.config, about["network"], about["precision"])
        sentence = f"Sensitivity maps: each generated image as one of the {n:,} of its generator."
    with ExitStack() as stack:
        opened = {
            source: stack.enter_context(planned_images(job.config, source)) for source in images
        }
        size = thumbnail_size(opened.values(), about["thumbnail"])
        seen = []
        makers = [None, *models]
        for source, model, one in zip(
            [about["real"], *sources.values()], makers, numbers.sets, strict=True
        ):
            maps = None
            if network is not None and model is not None and len(one.index):
                maps = map_maker(
                    network,
                    source,
                    of_real,
                    model.gaussian,
                    n,
                    included=True,
                    batch_size=batch_size,
                )
            seen.append(
                look_at(opened[source], one.index, size, batch_size=batch_size, maps=maps)
                if len(one.index)
                else None
            )
    explorer = assemble(
        numbers,
        seen,
        groups=["Real images", *sources],
        models=list(sources),
        network=about["title"],
        counts=count_sentences(
            real,
            sets,
            models,
            numbers,
            maps=sentence,
            classifier=about.get("classifier_title", "") if about["classes"] else "",
        ),
        seed=about["seed"],
        sprite_bytes=about["sprite_bytes"],
    )
    write_explorer(job.output[0], explorer)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
