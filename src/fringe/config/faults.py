"""Faults of a configuration that show only in files, sources and networks."""

import os
from collections.abc import Iterable
from pathlib import Path

from fringe.config.choices import (
    Sources,
    _named_networks,
    asked_metrics,
    asked_networks,
    class_network,
    explained_datasets,
    explained_images,
    explaining_networks,
    given_weight_file,
    networks_of_run,
    noise_images,
    resolve_sizes,
    schemes,
    shown_classes,
    shown_images,
    used_sources,
)
from fringe.config.compared_classes import compared_sources, needs_classifier
from fringe.config.datasets import Dataset
from fringe.config.model import Config
from fringe.config.sources import FileSource, FilesSource, origin_of
from fringe.errors import FringeError
from fringe.features import warned_shards
from fringe.files.reasons import unwritable
from fringe.files.regular import LARGEST_CHECKPOINT, fault_at
from fringe.files.sharing import open_to_all
from fringe.files.stand_ins import stand_in_at
from fringe.networks import (
    file_name,
    network_info,
    network_names,
    network_weight_files,
)
from fringe.networks.weight_files import find, mismatch
from fringe.scores.asked_metrics import ASKED, fewest_images
from fringe.scores.named_protocols import named_protocol
from fringe.sources import (
    as_path,
    is_there,
)
from fringe.sources.digests import file_digests, remembered

__all__ = ["digest_fault", "given_weight_file_fault", "statistics_fault", "with_protocol"]

FEWEST_HELD_OUT = 100
"""Real images besides those that are compared, below which a metric of both says nothing."""

ONE_SIZE = (
    "bring both to one size, or set `resolution` of a source of files (--resolution of "
    "`fringe compare`)"
)


def _strict_faults(config: Config, sources: Sources, features: Path) -> Iterable[str]:
    """Yield the strict sources of which damaged images were used before they were strict.

    ``features`` is the folder of the run's features.
    """
    for name, about in sources.items():
        source = config.sources[name]
        if isinstance(source, FilesSource) and source.strict:
            told = warned_shards(features / name, about["shards"])
            if told is not None:
                yield (
                    f"sources/{name}/strict: of its images that have features already, {told}; "
                    "replace or remove the damaged ones, or drop `strict`"
                )


def _network_faults(config: Config) -> Iterable[str]:
    files: dict[str, str] = {}
    for network in networks_of_run(config):
        before = files.setdefault(file_name(network).casefold(), network)
        if before != network:
            yield f"network: {network} and {before} would be one file; rename a function or module"
    for network, key in _named_networks(config):
        try:
            classes = network_info(network).n_classes
        except FringeError as error:
            yield f"{key}: {error}"
            continue
        if classes is not None:
            continue
        if key == "classifier":
            yield (
                f"classifier: {network} is not a classifier; name a network with logits, such as "
                "inception"
            )
        elif key == "network" and config.classifier is None and needs_classifier(config):
            yield (
                f"network: {network} is not a classifier, and histograms can be matched only in "
                "classes; name the network that counts them by `classifier`, such as inception; "
                "or, if nothing is resampled, leave out `labels: false` of each comparison"
            )


def _asked_metric_faults(config: Config, sources: Sources) -> Iterable[str]:
    """Yield the metrics of `evaluation/metrics` that no network, or no data set, gives a value."""
    metrics = config.evaluation.metrics
    for scheme in config.evaluation.metric_schemes:
        if metrics and scheme not in schemes(config):
            yield (
                f"evaluation/metric_schemes: the run has no scheme {scheme!r}; it has "
                f"{', '.join(schemes(config))}"
            )
    classifier = config.classifier or "inception"
    for metric in metrics:
        if not any(metric in asked_metrics(config, one) for one in asked_networks(config)):
            yield (
                f"evaluation/metrics: {metric} needs {ASKED[metric].needs}, and no network of the "
                f"run has any ({', '.join([config.network, *config.controls])}); name a classifier "
                f"in `controls`, such as {classifier}, or leave the metric out"
            )
    for name, dataset in config.datasets.items():
        yield from _few_images_faults(config, name, dataset)
        for metric in metrics:
            needs = ASKED[metric].needs
            generated, have = sources[dataset.generated], sources[dataset.real]["count"]
            if needs == "logits" and not generated.get("logits", True):
                yield (
                    f"evaluation/metrics: {metric} needs logits, and sources/{dataset.generated} "
                    "holds features without any; add them to its file (docs/formats.md), or leave "
                    "the metric out"
                )
            if needs == "held-out images" and have < dataset.n_real + FEWEST_HELD_OUT:
                yield (
                    f"evaluation/metrics: {metric} needs other real images than the "
                    f"{dataset.n_real} that are compared, and sources/{dataset.real} has {have} "
                    f"in all; lower datasets/{name}/n_real (or evaluation/n_real, --count-real of "
                    f"a command) by {dataset.n_real + FEWEST_HELD_OUT - have} or more, or leave "
                    "the metric out"
                )


def _few_images_faults(config: Config, name: str, dataset: Dataset) -> Iterable[str]:
    """Yield the sides of a data set that have fewer images than a metric needs, and which one."""
    asked = {"real": dataset.n_real, "generated": dataset.n_generated}
    needed = {
        metric: fewest_images(metric, config.evaluation.precision_recall.k)
        for metric in config.evaluation.metrics
    }
    for side, (kind, count) in enumerate(asked.items()):
        short = [metric for metric, fewest in needed.items() if count < fewest[side]]
        if short:
            most = max(needed[metric][side] for metric in short)
            yield (
                f"datasets/{name}/n_{kind}: {count} {kind} images are too few for "
                f"{', '.join(short)}; give {most} or more, or leave the "
                f"metric{'s' if len(short) > 1 else ''} out"
            )


def _count_faults(name: str, dataset: Dataset, sources: Sources) -> Iterable[str]:
    real, generated = (sources[one]["count"] for one in (dataset.real, dataset.generated))
    asked = {"real": (dataset.n_real, real), "generated": (dataset.n_generated, generated)}
    for side, (wanted, have) in asked.items():
        if wanted > have:
            yield (
                f"datasets/{name}/n_{side}: {wanted} images are asked for (by evaluation/n_{side} "
                f"where the data set does not say), but its source has {have}"
            )
    imaged = [
        source
        for source in (dataset.real, dataset.generated, *dataset.snapshots)
        if "features" not in sources[source]
    ]
    height, width = sources[dataset.real]["resolution"]
    for source in imaged if dataset.real in imaged else ():
        if sources[source]["resolution"] != (height, width):
            h, w = sources[source]["resolution"]
            yield (
                f"datasets/{name}: images of {source} are {w} x {h} pixels, real ones {width} x "
                f"{height}, and FID would see the difference; {ONE_SIZE}"
            )
    for n_real, n_generated in resolve_sizes(dataset.sizes, real, generated):
        if n_real > real or n_generated > generated:
            yield (
                f"datasets/{name}/sizes: {n_real}+{n_generated} images are asked for (by "
                f"evaluation/sizes where the data set does not say), but it has {real}+{generated}"
            )


def with_protocol(config: Config, fault: str) -> str:
    """Return a fault of counts that names the protocol, if these are the protocol's."""
    if config.protocol is None:
        return fault
    side = fault.partition(": ")[0].rpartition("/")[2]
    asked = named_protocol(config.protocol).defaults["evaluation"].get(side)
    if asked is None or f": {asked} images are asked for" not in fault:
        return fault
    return (
        f"{fault}; protocol {config.protocol} takes {asked:,}: give as many, or write a smaller "
        f"evaluation/{side}, which tables then state as a deviation"
    )


def _held_out_faults(config: Config, sources: Sources) -> Iterable[str]:
    """Yield the comparisons whose held-out images have another size than their real images."""
    for name, comparison in config.comparisons.items():
        known = [config.datasets[one].real for one in comparison.datasets if one in config.datasets]
        pair = [sources.get(one or "") for one in (comparison.held_out, *known[:1])]
        if len(pair) < 2 or any(one is None or "features" in one for one in pair):
            continue
        (h, w), (height, width) = (one["resolution"] for one in pair if one is not None)
        if (h, w) != (height, width):
            yield (
                f"comparisons/{name}/held_out: images of {comparison.held_out} are {w} x {h} "
                f"pixels, real ones {width} x {height}, and FID would see the difference; "
                f"{ONE_SIZE}"
            )


def _same_images_faults(config: Config, sources: Sources) -> Iterable[str]:
    """Yield the sources of a comparison that are the same images under two names."""
    for name, comparison in config.comparisons.items():
        seen: dict[str, str] = {}
        for source in (*compared_sources(config, comparison), comparison.held_out):
            if source not in sources:
                continue
            before = seen.setdefault(str(sources[source]["fingerprint"]), source)
            if before != source:
                yield (
                    f"comparisons/{name}: {before} and {source} are the same images, so their "
                    "comparison says nothing; name other images"
                )


def _explanation_faults(config: Config, sources: Sources) -> Iterable[str]:
    """Yield what is wrong with the sensitivity that is asked for, once sources are open."""
    for network in explaining_networks(config) if explained_datasets(config) else []:
        if not network_info(network).maps:
            yield (
                f"sensitivity: {network} cannot tell what it looks at in an image (it has no maps; "
                "`maps` of its `info` says so); choose another, or ask for none: `datasets: []`"
            )
    classifier = class_network(config)
    classes = network_info(classifier).n_classes
    if explained_datasets(config) and classes is not None and classes < 3:
        yield (
            f"sensitivity: {classifier} has {classes} classes, and figures show the three "
            "most probable; ask for no maps: `datasets: []`"
        )
    yield from _class_faults(config)
    for name in explained_datasets(config):
        dataset = config.datasets[name]
        have, n = sources[dataset.generated]["count"], explained_images(config, name)
        # Where n is that of n_generated, more than there are is a fault of its own.
        if n > have and config.sensitivity.images is not None:
            yield f"sensitivity/images: {n} are asked for, but {dataset.generated} has {have}"
        if n < 3:
            yield (
                f"datasets/{name}/n_generated: maps are of images that make up an FID, at least 3 "
                f"and here {n}; say how many by `sensitivity/images`, or ask for no maps: "
                "`datasets: []`"
            )
        for network in explaining_networks(config):
            if network in config.sources[dataset.generated].statistics:
                yield (
                    f"sources/{dataset.generated}/statistics/{network}: published statistics "
                    f"stand in for real images alone, but data set {name} asks how FID depends on "
                    "each of these; drop them, or leave the data set out of `sensitivity/datasets`"
                )
        if config.sensitivity.noise.scales and noise_images(config, name) > n:
            yield (
                f"sensitivity/noise/images: {noise_images(config, name)} are asked for, but "
                f"only {n} images of data set {name} have maps (`sensitivity/images`)"
            )
        for shown in ("examples", "grid"):
            named = shown_images(config, name, shown).get("images", [])
            wrong = [index for index in named if index >= n]
            if wrong:
                yield (
                    f"datasets/{name}/{shown}/images: {wrong[0]} is not among the first {n} "
                    "images, which have maps (`sensitivity/images`, from 0)"
                )
        if dataset.region is not None:
            from fringe.sensitivity.region import open_region  # takes a while to import

            try:
                open_region(dataset.region, sources[dataset.generated]["resolution"])
            except FringeError as error:
                yield f"datasets/{name}/region: {error}"


def _class_faults(config: Config) -> Iterable[str]:
    """Yield what is wrong with the classes that are named, once for each key."""
    found = set()
    for name in explained_datasets(config):
        try:
            shown_classes(config, name)
        except FringeError as error:
            found.add(str(error))
    yield from sorted(found)


def _scheme_faults(config: Config) -> Iterable[str]:
    """Yield the sweeps with too many classes; a run that resamples nothing has no sweeps."""
    if not config.resamples:
        return
    try:
        classes = network_info(class_network(config)).n_classes
    except FringeError:
        return  # an unknown network is a fault of its own
    for mode, numbers in (("top", config.schemes.top), ("middle", config.schemes.middle)):
        for n in numbers:
            if classes is not None and 2 * n > classes:
                yield (
                    f"schemes/{mode}: {n} is more than half of the {classes} classes, where the "
                    "roles of 0 and 1 flip (footnote 5 of the paper)"
                )


def _weight_file_faults(config: Config, cache: Path | None) -> Iterable[str]:
    used = networks_of_run(config)
    for network in config.weights:
        if network not in used:
            yield f"weights/{network}: no key names that network; correct or drop it"
        elif fault := given_weight_file_fault(config, network, cache):
            yield fault
    for network in used:
        if network in config.weights or _is_unknown(network):
            continue
        found_there = find(network_weight_files(network), Path(config.weights_dir))
        if found_there is not None:
            _, there = found_there
            (found,) = file_digests([there], cache)
            if wrong := mismatch(there, found, network_weight_files(network)):
                yield (
                    f"weights_dir: {there} has SHA-256 {found}, expected {' or '.join(wrong)}; "
                    "delete it, and it is fetched again"
                )


def given_weight_file_fault(config: Config, network: str, cache: Path | None) -> str | None:
    """Return what is wrong with the file that the config's ``weights`` name for a network."""
    path, sha256 = given_weight_file(config.weights[network])
    if fault := fault_at(path, LARGEST_CHECKPOINT):
        return f"weights/{network}: {fault}"
    (found,) = file_digests([path], cache)
    files = network_weight_files(network)
    wrong = mismatch(path, found, files) if sha256 is None else found != sha256 and [sha256]
    if not wrong:
        return None
    if instead := stand_in_at(path):
        return f"weights/{network}: {path} {instead}"
    others = [
        name
        for name in network_names()
        if any(found == file.sha256 for file in network_weight_files(name))
    ]
    if others:
        return (
            f"weights/{network}: {path} holds the weights of {' and '.join(others)}; name that "
            f"network, or fetch {network}'s own"
        )
    return (
        f"weights/{network}: {path} has SHA-256 {found}, expected {' or '.join(wrong)}; fetch it "
        "again, or state `sha256` beside `path` if these are weights of your own"
    )


def _is_unknown(network: str) -> bool:
    try:
        network_info(network)
    except FringeError:
        return True  # a fault of its own
    return False


def digest_fault(config: Config, name: str, cache: Path | None) -> str | None:
    """Return what is wrong if a source's file is another one than its ``sha256`` states."""
    source = config.sources[name]
    # Of an unpacked archive the digest was checked when it arrived.
    if not isinstance(source, FileSource) or source.sha256 is None or source.unpack is not None:
        return None
    path, stated = as_path(source.path), source.sha256.lower()
    if os.path.isdir(path):  # noqa: PTH112 - as `open_source` asks
        return (
            f"sources/{name}/sha256: {path} is a folder, which has no digest; drop `sha256`, or "
            "say with `unpack` which folder of an archive it was"
        )
    if fault_at(path):
        return None  # a fault of its own, or left out
    limit = LARGEST_CHECKPOINT if source.is_trained else None
    (found,) = file_digests([path], cache, limit=limit)
    if found == stated:
        return None
    if instead := stand_in_at(path):
        return f"sources/{name}: {path} {instead}"
    return (
        f"sources/{name}/sha256: {path} has SHA-256 {found}, not {stated}; fetch the file again, "
        "or correct or drop `sha256`"
    )


def _digest_faults(config: Config, cache: Path | None) -> Iterable[str]:
    for name in used_sources(config):
        if fault := digest_fault(config, name, cache):
            yield fault


def _statistics_faults(config: Config, cache: Path | None) -> Iterable[str]:
    for source in used_sources(config):
        for network in config.sources[source].statistics:
            if fault := statistics_fault(config, source, network, cache):
                yield fault


def statistics_fault(config: Config, source: str, network: str, cache: Path | None) -> str | None:
    """Return what is wrong with the published statistics that a source names for a network.

    They are read whole, since only that tells whether they are a covariance; a file that is right
    is remembered.
    """
    # Imported here: most runs have no published statistics.
    from fringe.exchange import read_statistics

    key = f"sources/{source}/statistics/{network}"
    if network not in networks_of_run(config):
        return f"{key}: no key names that network; correct or drop it"
    if _is_unknown(network):
        return None  # a fault of its own
    given = config.sources[source].statistics[network]
    path, dim = given.path, network_info(network).feature_dim
    if given.url is not None and not is_there(path):
        return f"{key}: {path}: is not there; `fringe stage` fetches it. {origin_of(given)}"
    if given.sha256 is not None and not fault_at(path):
        (found,) = file_digests([Path(path)], cache)
        if found != given.sha256.lower():
            return (
                f"{key}/sha256: {path} has SHA-256 {found}, not {given.sha256.lower()}; fetch the "
                "file again, or correct or drop `sha256`"
            )

    def check(path: Path) -> str:
        read_statistics(path, dim)
        return "right"

    try:
        remembered([path], cache, f"statistics of {dim} features", check, doing="checking")
    except FringeError as error:
        return f"{key}: {error}"
    return None


def _results_faults(config: Config) -> Iterable[str]:
    folder = Path(config.results, config.run).absolute()
    try:
        folder.stat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass  # it is to be made, or a fault that is told below
    except OSError as error:  # a name that is too long, a circle of links, a lost server
        told = unwritable(error) or (str(error), "name another folder")
        yield f"results: {folder} cannot be written to ({told[0]}); {told[1]}"
        return
    place = next(path for path in (folder, *folder.parents) if path.exists())
    fault = open_to_all(place)
    if fault is not None and not config.shared_results:
        yield (
            f"results: {fault}; name another folder, let its owner share it with a group of yours "
            "(chgrp, chmod g+w,o-w), or set `shared_results: true`"
        )
    if not place.is_dir():
        yield f"results: {folder} cannot be made, because {place} is no folder; name another"
    elif not os.access(place, os.W_OK | os.X_OK):
        yield (
            f"results: {folder} cannot be written to, because {place} is not yours to write to or "
            "read-only; name another folder, or give yourself the right (chmod u+wx)"
        )
