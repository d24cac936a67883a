"""Params of jobs: all that a result depends on and that makes the result stale in Snakemake.

Other properties, such as paths of files and the speed of reading, do not make a result stale.
Snakemake compares the ``repr`` of each param. So values, their types and the order of keys must
stay the same from version to version; otherwise the results of all users are made again. The params
of tables, figures and pages are in `fringe.plan.exhibit_params`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fringe import revisions
from fringe.config import choices
from fringe.config.compared_classes import compared_sources
from fringe.files import seals
from fringe.files.hdf5 import attributes, is_made_from, open_h5
from fringe.networks import network_info, network_titles
from fringe.plan import digests, layout
from fringe.plan.exhibits import GRID_SCHEMES
from fringe.plan.explorers import View, view_of
from fringe.plan.run import Run
from fringe.sources import REVISION as IMAGES_REVISION
from fringe.sources.distortions import REVISION as DISTORTIONS_REVISION

__all__ = [
    "Params",
    "average_sensitivity",
    "classifier_of",
    "compare",
    "compared",
    "draw_matched",
    "draw_random",
    "draw_weighted",
    "drawn_and_real",
    "explain_examples",
    "explore_comparison",
    "explore_dataset",
    "extend_matched",
    "extract_features",
    "extract_matched",
    "features_by",
    "images_of",
    "import_features",
    "is_made",
    "join_sensitivity",
    "link_features",
    "measure_checks",
    "measure_convergence",
    "measure_noise",
    "measure_power",
    "measure_region",
    "measure_sensitivity",
    "network_of_space",
    "optimize_sweep",
    "optimize_weights",
    "published_statistics",
    "render_images",
    "score_asked",
    "score_floor",
    "score_kernels",
    "score_precision_recall",
    "score_scheme",
    "score_sizes",
    "score_snapshots",
    "settled_limit",
    "snapshot_statistics",
    "snapshots_with_images",
    "sweep_provenance",
    "sweep_to_make",
    "unpack_images",
]

Params = dict[str, Any]


def is_made(run: Run, place: str, made_from: Mapping[str, str | int | float]) -> bool:
    """Return whether a file exists, matches its seal, and was made from exactly ``made_from``.

    Parameters
    ----------
    place : str
        Place of the file in the run (`fringe.plan.layout`).
    made_from : mapping
        Expected attributes of the file.
    """
    path = run.path(place)
    if not run.in_job and seals.fault(Path(run.folder), path):
        return False
    return is_made_from(path, made_from)


def sweep_provenance(made_from: Mapping[str, Any]) -> dict[str, str]:
    """Return ``made_from`` as a single text attribute, because HDF5 attributes cannot be nested.

    ``made_from`` contains plain values, lists and mappings. Equal values give equal texts.
    """
    return {"made_from": json.dumps(made_from, sort_keys=True)}


# Images and features.


def images_of(run: Run, source: str) -> str:
    """Return the fingerprint of all images of a source."""
    return str(run.sources[source]["fingerprint"])


def _shard_of(run: Run, source: str, shard: str) -> str:
    """Return the fingerprint of a shard's images, which does not depend on other shards."""
    return str(run.sources[source]["shards"][shard])


def compared(run: Run, dataset: str) -> Params:
    """Return the names of a data set's sources.

    The names are params because the files of another source may be older than the result, and then
    their times would not make the result stale. For the same reason, params contain the network and
    the counts that are in the paths of inputs.
    """
    return {"real": run.real(dataset), "generated": run.generated(dataset)}


def render_images(run: Run, source: str, shard: str) -> Params:
    """Return the params of a shard of rendered images."""
    return {"images": _shard_of(run, source, shard), "revision": IMAGES_REVISION}


def unpack_images(run: Run, source: str) -> Params:
    """Return the params of the unpacked images of a compressed array."""
    return {"images": run.sources[source]["packed"].identity}


def features_by(run: Run, network: str) -> Params:
    """Return the params of features in a network, except the images."""
    name = run.networks[network]
    return {
        "network": name,
        "network_revision": network_info(name)[2],
        **({"weights": run.weight_files[name]["identity"]} if name in run.weight_files else {}),
        "batch_size": run.config.extraction.batch_size,
        "precision": run.config.extraction.precision,
        "revision": revisions.FEATURES,
    }


def network_of_space(run: Run, space: str) -> str:
    """Return the network of features or logits, by its name in file names."""
    return run.class_network if space == "logits" else run.fid_network


def classifier_of(run: Run) -> Params:
    """Return the network that counts classes, or {} if it is FID's network, as in earlier runs."""
    name = choices.own_classifier(run.config)
    return {} if name is None else {"classifier": name}


def extract_features(run: Run, source: str, network: str, shard: str) -> Params:
    """Return the params of a shard of features."""
    return {"images": _shard_of(run, source, shard), **features_by(run, network)}


def link_features(run: Run, source: str, network: str) -> Params:
    """Return the params of all features of a source."""
    return {
        "images": images_of(run, source),
        "count": run.sources[source]["count"],
        **features_by(run, network),
    }


def import_features(run: Run, source: str, network: str) -> Params:
    """Return the params of a file of the run with features of another tool."""
    name = run.networks[network]
    return {
        "images": run.sources[source]["features"][name],
        "count": run.sources[source]["count"],
        "network": name,
        "revision": revisions.FEATURES,
    }


def published_statistics(run: Run, source: str, network: str, space: str) -> Params:
    """Return the identity of published statistics that replace measured ones, or {}."""
    return digests.published_statistics(run.config, source, run.networks[network], space)


# Weights and draws.


def _matched_sets(run: Run, dataset: str, network: str | None = None) -> Params:
    """Return the compared sources and the network of the comparison, by default FID's."""
    return {
        **compared(run, dataset),
        "n_real": run.datasets[dataset].n_real,
        "network": network or run.config.network,
    }


def _judged(run: Run, dataset: str) -> Params:
    """Return the params of the choice among the weights on the path of an optimization."""
    return {"n": run.datasets[dataset].n_generated, "seed": run.config.seed}


def optimize_weights(run: Run, dataset: str, scheme: str) -> Params:
    """Return the params of weights that are optimized in pre-logits or logits."""
    return {
        **_matched_sets(run, dataset, choices.scheme_network(run.config, scheme)),
        **_judged(run, dataset),
        "optimization": choices.optimization_settings(run.config, scheme),
        "revision": revisions.RESAMPLING,
        "metrics_revision": revisions.METRICS,
        **(classifier_of(run) if scheme == "logits" else {}),
    }


def optimize_sweep(run: Run, dataset: str) -> Params:
    """Return the params of a data set's Top-N and Middle-N weights, except N."""
    real = run.real(dataset)
    return {
        "real": images_of(run, real),
        "generated": images_of(run, run.generated(dataset)),
        "n_real": run.datasets[dataset].n_real,
        **_judged(run, dataset),
        "judged": published_statistics(run, real, run.fid_network, "features"),
        "features": features_by(run, run.fid_network),
        "optimization": choices.optimization_settings(run.config, "top"),
        "revision": revisions.RESAMPLING,
        "metrics_revision": revisions.METRICS,
        **({"classified": features_by(run, run.class_network)} if classifier_of(run) else {}),
    }


def measure_convergence(run: Run, dataset: str) -> Params:
    """Return the params of the comparison of the released optimization with Fringe's."""
    released = choices.released_schemes(run.config)
    return {
        **_matched_sets(run, dataset),
        **(
            choices.optimization_settings(run.config, released[0])
            if released
            else {"steps": run.config.convergence.steps}
        ),
        "revision": revisions.RESAMPLING,
        "metrics_revision": revisions.METRICS,
    }


def sweep_to_make(run: Run, dataset: str) -> list[str]:
    """Return the paths of Top-N and Middle-N weights that are missing or out of date."""
    made_from = sweep_provenance(optimize_sweep(run, dataset))
    places = [layout.weights(dataset, scheme) for scheme in choices.sweep_schemes(run.config)]
    return [run.path(place) for place in places if not is_made(run, place, made_from)]


def extend_matched(run: Run, dataset: str) -> dict[str, str]:
    """Return the params of the list of images beyond the candidates, except `settled_limit`."""
    generated = run.generated(dataset)
    return sweep_provenance(
        {
            "real": images_of(run, run.real(dataset)),
            "generated": images_of(run, generated),
            "count": run.sources[generated]["count"],
            "n_real": run.datasets[dataset].n_real,
            "n": run.datasets[dataset].n_generated,
            "features": features_by(run, run.class_network),
            "revision": revisions.RESAMPLING,
        }
    )


def settled_limit(run: Run, dataset: str) -> int:
    """Return the largest number of images that Top-1 matching may use.

    This is the configured limit. But if an up-to-date list of images beyond the candidates exists,
    in which every bin was full within the configured limit, the result is the limit of that list,
    because the same images would be drawn again.
    """
    limit = choices.matching_limit(run.config, dataset, run.candidates(dataset))
    path = run.path(layout.matched(dataset))
    if not is_made_from(path, extend_matched(run, dataset)):
        return limit
    with open_h5(path) as file:
        about = attributes(file)
    full = about["places_missing"] == 0 and about["seen"] <= limit
    return int(about["limit"]) if full else limit


def extract_matched(run: Run, dataset: str, network: str) -> Params:
    """Return the params of features of images beyond the candidates, except their list."""
    return {
        "images": images_of(run, run.generated(dataset)),
        **features_by(run, network),
    }


def _drawing(run: Run, dataset: str, scheme: str) -> Params:
    """Return the params of the draws of every scheme."""
    return {
        "n": run.datasets[dataset].n_generated,
        "repeats": choices.repeats(run.config, scheme),
        "seed": run.config.seed,
        "revision": revisions.RESAMPLING,
    }


def draw_random(run: Run, dataset: str, scheme: str) -> Params:
    """Return the params of random draws: of the scheme "random" or "random-filled"."""
    return {"candidates": run.candidates(dataset), **_drawing(run, dataset, scheme)}


def draw_matched(run: Run, dataset: str) -> Params:
    """Return the params of draws with the classes of real images."""
    network = choices.class_network(run.config)
    return {**_matched_sets(run, dataset, network), **_drawing(run, dataset, "matched")}


def draw_weighted(run: Run, dataset: str, scheme: str) -> Params:
    """Return the params of draws with optimized weights, except the weights."""
    return {
        **_drawing(run, dataset, scheme),
        "sampling": run.config.evaluation.sampling,
    }


# Scores.


def _scoring(run: Run, **others: Any) -> Params:
    """Return the params of every score, and ``others``."""
    return {"seed": run.config.seed, "revision": revisions.METRICS, **others}


def score_scheme(run: Run, dataset: str, scheme: str) -> Params:
    """Return the params of the distances of a scheme in one network."""
    has_error = choices.has_error(scheme)
    return _scoring(
        run,
        n_real=run.datasets[dataset].n_real,
        **compared(run, dataset),
        **({"errors_revision": revisions.ERRORS} if has_error else {}),
    )


def score_floor(run: Run, dataset: str) -> Params:
    """Return the params of distances in units of the floor."""
    return _scoring(
        run,
        **compared(run, dataset),
        n_real=run.datasets[dataset].n_real,
        schemes=list(GRID_SCHEMES),
        errors_revision=revisions.ERRORS,
    )


def score_asked(run: Run, dataset: str, network: str) -> Params:
    """Return the params of the metrics of `evaluation/metrics` in one network."""
    evaluation, name = run.config.evaluation, run.networks[network]
    settings = evaluation.precision_recall
    made = choices.asks_classifier(run.config, dataset, name)
    return _scoring(
        run,
        **compared(run, dataset),
        n_real=run.datasets[dataset].n_real,
        metrics=choices.asked_of_draws(run.config, name),
        repeats=evaluation.repeats.metrics,
        kid=[evaluation.kid_subsets, evaluation.kid_subset_size],
        manifolds=[settings.k, settings.dtype],
        network=name,
        classifier=features_by(run, network) if made else {},
        asked_revision=revisions.ASKED_METRICS,
    )


def score_precision_recall(run: Run, dataset: str) -> Params:
    """Return the params of precision and recall."""
    return _scoring(
        run,
        **compared(run, dataset),
        n_real=run.datasets[dataset].n_real,
        repeats=run.config.evaluation.repeats.recall,
        **run.config.evaluation.precision_recall.plain(),
    )


def drawn_and_real(run: Run, dataset: str) -> Params:
    """Return the params of a metric of drawn and real images, except the metric's own settings."""
    repeats = run.config.evaluation.repeats.table3
    return _scoring(run, **_matched_sets(run, dataset), repeats=repeats)


def score_kernels(run: Run, dataset: str) -> Params:
    """Return the params of kernel distances."""
    evaluation = run.config.evaluation
    return {
        **drawn_and_real(run, dataset),
        "subsets": evaluation.kid_subsets,
        "subset_size": evaluation.kid_subset_size,
        "exact": evaluation.kid_exact,
        "gamma_factors": evaluation.gamma_factors,
    }


def score_sizes(run: Run, dataset: str) -> Params:
    """Return the params of FIDs of samples of several sizes."""
    return _scoring(
        run,
        sizes=run.datasets[dataset].sizes,
        network=run.config.network,
        **compared(run, dataset),
        repeats=run.config.evaluation.repeats.sizes,
        fid_infinity=run.config.evaluation.fid_infinity,
        errors_revision=revisions.ERRORS,
    )


def snapshot_statistics(run: Run, dataset: str, space: str) -> list[str]:
    """Return the files with the mean and covariance of every snapshot of a data set."""
    n = run.datasets[dataset].n_generated
    return [
        run.path(
            layout.statistics(
                source,
                network_of_space(run, space),
                space,
                min(n, run.sources[source]["count"]),
            )
        )
        for source in run.datasets[dataset].snapshots
    ]


def snapshots_with_images(run: Run, dataset: str, space: str) -> list[str]:
    """Return the snapshots without published statistics."""
    return [
        source
        for source in run.datasets[dataset].snapshots
        if not published_statistics(run, source, network_of_space(run, space), space)
    ]


def score_snapshots(run: Run, dataset: str, space: str) -> Params:
    """Return the params of FIDs of a training's snapshots, with the paths of the inputs."""
    about = run.datasets[dataset]
    real = layout.statistics(about.real, network_of_space(run, space), space, about.n_real)
    return _scoring(
        run,
        snapshots=about.snapshots,
        statistics=snapshot_statistics(run, dataset, space),
        real=run.path(real),
        with_images=snapshots_with_images(run, dataset, space),
        errors_revision=revisions.ERRORS,
    )


def compare(run: Run, comparison: str, network: str) -> Params:
    """Return the params of the distances of a comparison in one network."""
    about = run.config.comparisons[comparison]
    first = about.datasets[0]
    dataset = run.datasets[first]
    name = run.networks[network]
    return {
        "network": name,
        "title": network_titles([name]).get(name, name),
        "classes": choices.class_network(run.config) if run.has_top1(comparison) else None,
        **(_classified_by(run, comparison) if network == run.fid_network else {}),
        **_labels(run, comparison),
        "generators": {
            generator: [run.generated(one) for one in trainings]
            for generator, trainings in about.trainings.items()
        },
        "real": run.real(first),
        "held_out": about.held_out,
        "n_real": dataset.n_real,
        "n_generated": dataset.n_generated,
        "seed": run.config.seed,
        "metrics_revision": revisions.METRICS,
        "revision": revisions.COMPARISON,
    }


def _classified_by(run: Run, comparison: str) -> Params:
    """Return the title of the network that counts classes, or {} if it is FID's network."""
    found = _titled_classifier(run) if run.has_top1(comparison) else {}
    return {"classified_by": found["classifier_title"]} if found else {}


def _labels(run: Run, comparison: str) -> Params:
    """Return the identity of the labels of each source, if a comparison uses labels as classes."""
    if not run.is_labelled(comparison):
        return {}
    compared = compared_sources(run.config, run.config.comparisons[comparison])
    return {"labels": {source: run.sources[source]["labels"].identity for source in compared}}


def measure_checks(run: Run, dataset: str) -> Params:
    """Return the params of numbers that are compared with numbers of the released code."""
    about = run.datasets[dataset]
    return _scoring(
        run,
        networks=choices.checked_networks(run.config, dataset),
        loss=about.checks.loss if about.checks is not None else None,
        distances=(about.checks.distances if about.checks is not None else None) or {},
        n_real=about.n_real,
        n_drawn=about.n_generated,
        **compared(run, dataset),
    )


def measure_power(run: Run, source: str, network: str) -> Params:
    """Return the params of measurements of distorted images of a source in a network."""
    made_from = link_features(run, source, network)
    return {
        **made_from,
        "n": min(run.config.evaluation.power_images, made_from["count"]),
        "seed": run.config.seed,
        "distortions_revision": DISTORTIONS_REVISION,
        "metrics_revision": revisions.METRICS,
        "power_revision": revisions.POWER,
    }


# What FID looks at.


def join_sensitivity(run: Run, dataset: str, network: str) -> Params:
    """Return the params of all maps of a data set in one network, except the images."""
    return {
        **compared(run, dataset),
        **features_by(run, network),
        "n": choices.explained_images(run.config, dataset),
        "n_real": run.datasets[dataset].n_real,
        "metrics_revision": revisions.METRICS,
        "sensitivity_revision": revisions.SENSITIVITY,
        **(_explained_by(run) if network == run.fid_network else {}),
    }


def _explained_by(run: Run) -> dict[str, str | int]:
    """Return the params of classes and Grad-CAM next to FID's maps, or {} if FID's network is used.

    The values are plain, because they are attributes of a file.
    """
    name = choices.own_classifier(run.config)
    if name is None:
        return {}
    found = features_by(run, run.class_network)
    keys = {"network_revision": "classifier_revision", "weights": "classifier_weights"}
    return {"classifier": name, **{keys[key]: found[key] for key in keys if key in found}}


def measure_sensitivity(run: Run, dataset: str, network: str, shard: str) -> Params:
    """Return the params of a shard of maps, including the params of its statistics.

    Otherwise, changed statistics would make the job run again without the inputs that are declared
    only as long as the shard has to be made (`fringe.plan.inputs`).
    """
    real, generated = run.real(dataset), run.generated(dataset)
    published = published_statistics(run, real, network, "features")
    return {
        **join_sensitivity(run, dataset, network),
        "images": _shard_of(run, generated, shard),
        "generated_images": images_of(run, generated),
        "real_images": images_of(run, real),
        "published_statistics": published.get("sha256", ""),
    }


def average_sensitivity(run: Run, dataset: str) -> Params:
    """Return the params of mean maps by class."""
    return {
        "images": images_of(run, run.generated(dataset)),
        "network": run.config.network,
        "classes": choices.shown_classes(run.config, dataset),
        "example": "typical map",
        "revision": revisions.SENSITIVITY,
    }


def explain_examples(run: Run, dataset: str, network: str, shown: str) -> Params:
    """Return the params of the maps of a few images that are shown in detail."""
    return {
        **join_sensitivity(run, dataset, network),
        "examples": choices.shown_images(run.config, dataset, shown),
        # Figure 2 shows one image step by step.
        "closeup": shown == "examples" and network == run.fid_network,
    }


def measure_noise(run: Run, dataset: str) -> Params:
    """Return the params of FIDs of images with noise, except the scale of the noise."""
    return {
        **join_sensitivity(run, dataset, run.fid_network),
        "images": images_of(run, run.generated(dataset)),
        "count": choices.noise_images(run.config, dataset),
        "seed": run.config.seed,
    }


def measure_region(run: Run, dataset: str) -> Params:
    """Return the params of the shares of a region: a box, or the digest of a mask's file."""
    region = run.datasets[dataset].region
    return {
        "region": digests.digest(region, run.config) if isinstance(region, str) else region,
        "network": run.config.network,
        "revision": revisions.SENSITIVITY,
    }


# The explorers of the page.


def explore_dataset(run: Run, dataset: str) -> Params:
    """Return the params of the explorer of a data set."""
    about = run.datasets[dataset]
    mapped = dataset in choices.explained_datasets(run.config)
    return {
        **_exploring(run, view_of(run.config, "dataset", dataset)),
        **compared(run, dataset),
        "images": [images_of(run, about.real), images_of(run, about.generated)],
        "n_real": about.n_real,
        "n_generated": about.n_generated,
        "maps": choices.explained_images(run.config, dataset) if mapped else 0,
    }


def explore_comparison(run: Run, comparison: str) -> Params:
    """Return the params of the explorer of a comparison."""
    about = run.config.comparisons[comparison]
    firsts = {name: run.generated(made[0]) for name, made in about.trainings.items()}
    dataset = run.datasets[about.datasets[0]]
    real = run.real(about.datasets[0])
    return {
        **_exploring(run, view_of(run.config, "comparison", comparison)),
        "real": real,
        "generators": {name: [source] for name, source in firsts.items()},
        "images": {
            source: images_of(run, source)
            for source in (real, *firsts.values())
            if run.config.sources[source].has_images
        },
        "classes": choices.class_network(run.config) if run.has_top1(comparison) else None,
        **_labels(run, comparison),
        "n_real": dataset.n_real,
        "n_generated": dataset.n_generated,
        "maps": network_info(run.config.network).maps,
    }


def _exploring(run: Run, view: View) -> Params:
    """Return the params of every explorer."""
    name = run.config.network
    return {
        "shown": view.images,
        "sprite_bytes": view.sprite_bytes,
        "thumbnail": run.config.page.thumbnail,
        **features_by(run, run.fid_network),
        "title": network_titles([name]).get(name, name),
        "seed": run.config.seed,
        "metrics_revision": revisions.METRICS,
        "sensitivity_revision": revisions.SENSITIVITY,
        "explorer_revision": revisions.EXPLORER,
        **_titled_classifier(run),
    }


def _titled_classifier(run: Run) -> Params:
    """Return the network that counts classes and its title, or {} if it is FID's network."""
    name = choices.own_classifier(run.config)
    if name is None:
        return {}
    return {"classifier": name, "classifier_title": network_titles([name]).get(name, name)}
