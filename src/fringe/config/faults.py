"""Faults of a configuration that can be found only in files, sources and networks."""

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
"""Minimum number of real images, besides the compared ones, for metrics with held-out images."""

ONE_SIZE = (
    "give images of the same size, or set `resolution` of a source of files (--resolution of "
    "`fringe compare`)"
)


def _strict_faults(config: Config, sources: Sources, features: Path) -> Iterable[str]:
    """Yield the sources whose damaged images were used before `strict` was set.

    ``features`` is the folder of the run's features.
    """
    for name, about in sources.items():
        source = config.sources[name]
        if isinstance(source, FilesSource) and source.strict:
            warned = warned_shards(features / name, about["shards"])
            if warned is not None:
                yield (
                    f"sources/{name}/strict: of its images that already have features, {warned}; "
                    "replace or remove the damaged images, or drop `strict`"
                )


def _network_faults(config: Config) -> Iterable[str]:
    files: dict[str, str] = {}
    for network in networks_of_run(config):
        before = files.setdefault(file_name(network).casefold(), network)
        if before != network:
            yield (
                f"network: {network} and {before} would have the same file; rename a function or "
                "module"
            )
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
                f"network: {network} is not a classifier, but matching histograms needs classes; "
                "name a network that predicts classes in `classifier`, such as inception; or, if "
                "nothing is resampled, drop `labels: false` of each comparison"
            )


def _asked_metric_faults(config: Config, sources: Sources) -> Iterable[str]:
    """Yield the faults of metrics in `evaluation/metrics` that cannot be measured."""
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
                f"evaluation/metrics: {metric} needs {ASKED[metric].needs}, but no network of the "
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
                    f"evaluation/metrics: {metric} needs logits, but sources/{dataset.generated} "
                    "has features without logits; add logits to its file (docs/formats.md), or "
                    "leave the metric out"
                )
            if needs == "held-out images" and have < dataset.n_real + FEWEST_HELD_OUT:
                yield (
                    f"evaluation/metrics: {metric} needs real images in addition to the "
                    f"{dataset.n_real} compared images, but sources/{dataset.real} has only {have} "
                    f"images; lower datasets/{name}/n_real (or evaluation/n_real, --count-real of "
                    f"a command) by {dataset.n_real + FEWEST_HELD_OUT - have} or more, or leave "
                    "the metric out"
                )


def _few_images_faults(config: Config, name: str, dataset: Dataset) -> Iterable[str]:
    """Yield the faults of data sets with fewer images than a metric needs."""
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
                f"datasets/{name}/n_{side}: {wanted} images are needed (the default is "
                f"evaluation/n_{side}), but its source has {have}; write a smaller number"
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
                f"datasets/{name}: images of {source} have {w} x {h} pixels, but real images have "
                f"{width} x {height}, and FID would see the difference; {ONE_SIZE}"
            )
    for n_real, n_generated in resolve_sizes(dataset.sizes, real, generated):
        if n_real > real or n_generated > generated:
            yield (
                f"datasets/{name}/sizes: {n_real}+{n_generated} images are needed (the default is "
                f"evaluation/sizes), but it has {real}+{generated}; write smaller numbers"
            )


def with_protocol(config: Config, fault: str) -> str:
    """Return a fault of counts; add the protocol if the protocol set the count."""
    if config.protocol is None:
        return fault
    side = fault.partition(": ")[0].rpartition("/")[2]
    asked = named_protocol(config.protocol).defaults["evaluation"].get(side)
    if asked is None or f": {asked} images are needed" not in fault:
        return fault
    return (
        f"{fault} (protocol {config.protocol} uses {asked:,}; tables report a smaller "
        f"evaluation/{side} as a deviation)"
    )


def _held_out_faults(config: Config, sources: Sources) -> Iterable[str]:
    """Yield the comparisons whose held-out images and real images have different sizes."""
    for name, comparison in config.comparisons.items():
        known = [config.datasets[one].real for one in comparison.datasets if one in config.datasets]
        pair = [sources.get(one or "") for one in (comparison.held_out, *known[:1])]
        if len(pair) < 2 or any(one is None or "features" in one for one in pair):
            continue
        (h, w), (height, width) = (one["resolution"] for one in pair if one is not None)
        if (h, w) != (height, width):
            yield (
                f"comparisons/{name}/held_out: images of {comparison.held_out} have {w} x {h} "
                f"pixels, but real images have {width} x {height}, and FID would see the "
                f"difference; {ONE_SIZE}"
            )


def _same_images_faults(config: Config, sources: Sources) -> Iterable[str]:
    """Yield the sources of a comparison that have the same images under two names."""
    for name, comparison in config.comparisons.items():
        seen: dict[str, str] = {}
        for source in (*compared_sources(config, comparison), comparison.held_out):
            if source not in sources:
                continue
            before = seen.setdefault(str(sources[source]["fingerprint"]), source)
            if before != source:
                yield (
                    f"comparisons/{name}: {before} and {source} have the same images, so there is "
                    "nothing to compare; name other images"
                )


def _explanation_faults(config: Config, sources: Sources) -> Iterable[str]:
    """Yield the faults of the section `sensitivity`, after sources are opened."""
    for network in explaining_networks(config) if explained_datasets(config) else []:
        if not network_info(network).maps:
            yield (
                f"sensitivity: {network} does not support sensitivity maps (`maps` of its `info` "
                "is false); name another network, or disable maps with `datasets: []`"
            )
    classifier = class_network(config)
    classes = network_info(classifier).n_classes
    if explained_datasets(config) and classes is not None and classes < 3:
        yield (
            f"sensitivity: {classifier} has {classes} classes, but figures show the three most "
            "probable classes; disable maps with `datasets: []`"
        )
    yield from _class_faults(config)
    for name in explained_datasets(config):
        dataset = config.datasets[name]
        have, n = sources[dataset.generated]["count"], explained_images(config, name)
        # If n is n_generated, a number that is too large is a separate fault.
        if n > have and config.sensitivity.images is not None:
            yield (
                f"sensitivity/images: {n} are needed, but {dataset.generated} has {have}; write a "
                "smaller number"
            )
        if n < 3:
            yield (
                f"datasets/{name}/n_generated: maps need an FID of at least 3 images, but there "
                f"are {n}; set `sensitivity/images`, or disable maps with `datasets: []`"
            )
        for network in explaining_networks(config):
            if network in config.sources[dataset.generated].statistics:
                yield (
                    f"sources/{dataset.generated}/statistics/{network}: published statistics can "
                    f"replace only real images, but the maps of data set {name} need each "
                    "generated image; drop them, or leave the data set out of "
                    "`sensitivity/datasets`"
                )
        if config.sensitivity.noise.scales and noise_images(config, name) > n:
            yield (
                f"sensitivity/noise/images: {noise_images(config, name)} are needed, but only {n} "
                f"images of data set {name} have maps (`sensitivity/images`); write a smaller "
                "number"
            )
        for shown in ("examples", "grid"):
            named = shown_images(config, name, shown).get("images", [])
            wrong = [index for index in named if index >= n]
            if wrong:
                yield (
                    f"datasets/{name}/{shown}/images: {wrong[0]} is not among the first {n} "
                    "images, which have maps (`sensitivity/images`, from 0); write a smaller index"
                )
        if dataset.region is not None:
            from fringe.sensitivity.region import open_region  # imported here because it is slow

            try:
                open_region(dataset.region, sources[dataset.generated]["resolution"])
            except FringeError as error:
                yield f"datasets/{name}/region: {error}"


def _class_faults(config: Config) -> Iterable[str]:
    """Yield the faults of named classes, once for each key."""
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
        return  # an unknown network is a separate fault
    for mode, numbers in (("top", config.schemes.top), ("middle", config.schemes.middle)):
        for n in numbers:
            if classes is not None and 2 * n > classes:
                yield (
                    f"schemes/{mode}: {n} is more than half of the {classes} classes, where the "
                    "roles of 0 and 1 flip (footnote 5 of the paper); write a smaller N"
                )


def _weight_file_faults(config: Config, cache: Path | None) -> Iterable[str]:
    used = networks_of_run(config)
    for network in config.weights:
        if network not in used:
            yield f"weights/{network}: no key names this network; correct or drop it"
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
                    "delete it, and the run fetches it again"
                )


def given_weight_file_fault(config: Config, network: str, cache: Path | None) -> str | None:
    """Return the fault of the file that `weights` names for a network; None if it has none."""
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
            f"network, or fetch the weights of {network}"
        )
    return (
        f"weights/{network}: {path} has SHA-256 {found}, expected {' or '.join(wrong)}; fetch it "
        "again, or state `sha256` and `path` if these are your own weights"
    )


def _is_unknown(network: str) -> bool:
    try:
        network_info(network)
    except FringeError:
        return True  # a separate fault
    return False


def digest_fault(config: Config, name: str, cache: Path | None) -> str | None:
    """Return the fault of a source's file that differs from ``sha256``; None if it has none."""
    source = config.sources[name]
    # The digest of an unpacked archive was checked when the archive was fetched.
    if not isinstance(source, FileSource) or source.sha256 is None or source.unpack is not None:
        return None
    path, stated = as_path(source.path), source.sha256.lower()
    if os.path.isdir(path):  # noqa: PTH112 - the same check as in `open_source`
        return (
            f"sources/{name}/sha256: {path} is a folder, which has no digest; drop `sha256`, or "
            "name the folder of the archive in `unpack`"
        )
    if fault_at(path):
        return None  # a separate fault, or an omitted source
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
    """Return the fault of the published statistics of a source in a network; None if it has none.

    The whole file is read, because only then it is known whether it contains a covariance. Valid
    files are remembered.
    """
    # Imported here because most runs have no published statistics.
    from fringe.exchange import read_statistics

    key = f"sources/{source}/statistics/{network}"
    if network not in networks_of_run(config):
        return f"{key}: no key names this network; correct or drop it"
    if _is_unknown(network):
        return None  # a separate fault
    given = config.sources[source].statistics[network]
    path, dim = given.path, network_info(network).feature_dim
    if given.url is not None and not is_there(path):
        return f"{key}: {path}: does not exist; `fringe stage` fetches it. {origin_of(given)}"
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
        pass  # the folder will be made, or a fault is reported below
    except OSError as error:  # a name that is too long, a circle of links, a lost server
        reason, fix = unwritable(error) or (str(error), "name another folder")
        yield f"results: {folder} cannot be written to ({reason}); {fix}"
        return
    place = next(path for path in (folder, *folder.parents) if path.exists())
    fault = open_to_all(place)
    if fault is not None and not config.shared_results:
        yield (
            f"results: {fault}; name another folder, let its owner share it with one of your "
            "groups (chgrp, chmod g+w,o-w), or set `shared_results: true`"
        )
    if not place.is_dir():
        yield (
            f"results: {folder} cannot be made, because {place} is not a folder; name another one"
        )
    elif not os.access(place, os.W_OK | os.X_OK):
        yield (
            f"results: {folder} cannot be written to, because {place} is not writable; name "
            "another folder, or give yourself the permission (chmod u+wx)"
        )
