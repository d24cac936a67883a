"""What a configuration asks for: sources, shards, schemes, repeats. Pure functions of it."""

import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

from fringe.config import (
    GRID,
    SOURCE_KEYS,
    compared_with,
    complete,
    grid_seeds,
    items,
    raise_faults,
    refuse_names,
    where_shaped,
)
from fringe.configfile import read_entries
from fringe.devices import choose_device
from fringe.errors import FringeError
from fringe.features import warned_shards
from fringe.files import attributes, is_made_from, open_h5
from fringe.networks import (
    network_classes,
    network_info,
    network_names,
    network_weights,
    only_installed,
)
from fringe.networks.class_names import find_class
from fringe.networks.weights import find, mismatch
from fringe.progress import activity
from fringe.protocol import PUBLISHED, Optimizer, Protocol, told_label
from fringe.reasons import unwritable
from fringe.regular import LARGEST_CHECKPOINT, fault_at
from fringe.sharing import open_to_all
from fringe.sources import (
    GeneratedSource,
    ImageSource,
    KeptImages,
    RenderedShard,
    Shuffled,
    as_path,
    copied_to_scratch,
    source_from_spec,
)
from fringe.sources.digests import file_digests, remembered
from fringe.sources.unpacked import packed, read_unpacked
from fringe.stand_ins import stand_in_at
from fringe.training import training

__all__ = [
    "check",
    "chosen_images",
    "convergence_datasets",
    "digest",
    "digest_fault",
    "explained_datasets",
    "explained_images",
    "explaining_networks",
    "given_weights_fault",
    "grid_seed",
    "hash_cache",
    "images_nearby",
    "is_rendered",
    "locate_weights",
    "matching_limit",
    "networks",
    "networks_for",
    "networks_of",
    "noise_images",
    "open_configured",
    "open_images",
    "open_seeded",
    "open_shard",
    "optimization_settings",
    "parse_shard",
    "parse_sweep_scheme",
    "protocol",
    "published_statistics",
    "released_schemes",
    "released_steps",
    "repeats",
    "resolve_sizes",
    "schemes",
    "settled_limit",
    "shard_bounds",
    "shard_name",
    "shown_classes",
    "shown_control",
    "shown_images",
    "source_spec",
    "statistics_fault",
    "sweep_provenance",
    "sweep_schemes",
    "trained_on",
    "unpacked_path",
    "used_sources",
    "warnings",
    "weights_path",
]

Config = Mapping[str, Any]

MOST_SHARDS = 100_000  # Snakemake takes about 8 ms to plan the jobs of each

NOISE_IMAGES = 5000  # as many as show the order of the regions: each scale takes three passes
Sources = dict[str, dict[str, Any]]


def source_spec(config: Config, name: str) -> dict[str, Any]:
    """Return what :func:`fringe.sources.source_from_spec` needs to open the source ``name``."""
    source = config["sources"][name]
    kind = source["kind"]
    spec = {"kind": kind} | {key: source.get(key) for key in SOURCE_KEYS[kind]}
    if spec.get("label") == "dataset":
        for real in compared_with(config, name).values():
            # All its images, however many are used.
            about = config["sources"].get(real, {})
            keys = ("path", "follow_links", "select", "ignore")
            spec["labels"] = {"kind": "files", "limits": config["limits"]}
            spec["labels"] |= {key: about.get(key) for key in keys}
    if kind == "files":
        spec |= {"least": source.get("least"), "limits": config["limits"]}
    return spec


def hash_cache(config: Config) -> Path:
    """Return the folder in which all runs of one folder of results remember what they read.

    It is hidden, which no run's folder can be.
    """
    return Path(config.get("results", "results"), ".fingerprints")


def open_configured(config: Config, name: str, at_least: int = 0) -> ImageSource:
    """Open the source ``name`` of a completed config; a generator on the configured device.

    A source whose images are made has ``at_least`` so many: image i is the same whatever their
    number. One that is compressed as a whole is read where it was unpacked.
    """
    spec = _lengthened(source_spec(config, name), at_least)
    device = choose_device(config["device"]) if spec["kind"] == "generator" else "cpu"
    source = source_from_spec(spec, hash_cache(config), device)
    if packed(source):
        read_unpacked(source, unpacked_path(config, name))
    return source


def _lengthened(spec: dict[str, Any], at_least: int) -> dict[str, Any]:
    return {**spec, "count": max(spec["count"], at_least)} if at_least else spec


def unpacked_path(config: Config, name: str) -> Path:
    """Return the file to which a source is unpacked that is compressed as a whole."""
    return Path(config["results"], config["run"], "images", name, "unpacked.h5")


def is_rendered(config: Config, name: str) -> bool:
    """Tell whether the images of a source are made and not merely read."""
    return config["sources"][name]["kind"] in ("imitation", "generator")


def open_images(config: Config, name: str, at_least: int = 0) -> ImageSource:
    """Open the source ``name`` for jobs that look at images: kept ones are read, not made again.

    ``at_least`` as in `open_configured`; without a meaning for sources of files.

    The configured device is asked for only when an image has to be made, so nodes without a GPU can
    draw what was rendered elsewhere.
    """
    if not (is_rendered(config, name) and config["extraction"]["keep_images"]):
        return open_configured(config, name, at_least if is_rendered(config, name) else 0)
    spec = _lengthened(source_spec(config, name), at_least)
    source = source_from_spec(spec, hash_cache(config))
    folder = Path(config["results"], config["run"], "images", name)
    shards = []
    for path in sorted(folder.glob("*.h5")):
        if re.fullmatch("[0-9]+-[0-9]+", path.stem) is None:
            continue  # being written, or left over
        first, last = parse_shard(path.stem)
        if last <= len(source):
            shard = RenderedShard(path)
            if shard.fingerprint == source.fingerprint_of(first, last):
                shards.append(shard)
    return KeptImages(source, shards, partial(open_configured, config, name, at_least))


@contextmanager
def images_nearby(config: Config, name: str, count: int) -> Iterator[ImageSource]:
    """Yield `open_images` for a job that reads most of the first ``count`` images.

    With ``extraction/scratch`` it reads those that are kept from copies on its node.
    """
    source = open_images(config, name)
    if not (config["extraction"]["scratch"] and isinstance(source, KeptImages)):
        yield source
        return
    with copied_to_scratch([shard for shard in source.shards if shard.first < count]) as copies:
        others = [shard for shard in source.shards if shard.first >= count]
        yield KeptImages(source.source, [*copies, *others], source.render)


@contextmanager
def open_shard(config: Config, name: str, rendered: str | None) -> Iterator[ImageSource]:
    """Yield what a job reads a shard's images from: the file that holds them, or their source.

    With ``extraction/scratch`` the file ``rendered`` is read from a copy on the job's node.
    """
    if not rendered:
        yield open_configured(config, name)
    elif config["extraction"]["scratch"]:
        with copied_to_scratch([RenderedShard(rendered)]) as (shard,):
            yield shard
    else:
        yield RenderedShard(rendered)


def used_sources(config: Config) -> list[str]:
    """Return the names of the sources that some data set uses, in the order of the config."""
    used = set()
    for dataset in _mappings(config.get("datasets")):
        for value in (dataset.get("real"), dataset.get("generated"), dataset.get("snapshots")):
            named = value if isinstance(value, list) else [value]
            used |= {name for name in named if isinstance(name, str)}
    sources = config.get("sources")
    return [name for name in sources if name in used] if isinstance(sources, Mapping) else []


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    """Return the mappings among a mapping's values; [] for anything else."""
    items = value.values() if isinstance(value, Mapping) else ()
    return [item for item in items if isinstance(item, Mapping)]


def check(
    config: Config, schema: Mapping[str, Any], files: Iterable[Path] = ()
) -> tuple[dict[str, Any], Sources]:
    """Return the completed config, and what is known of each source that it uses.

    What was learnt by reading data is remembered in `hash_cache`; nothing else is written.

    Parameters
    ----------
    config : mapping
        As the user wrote it.
    schema : mapping
        `fringe.config.load_schema`'s.
    files : iterable of Path
        The files behind ``config``, looked through for keys that stand twice and for what YAML
        reads otherwise than it looks.

    Returns
    -------
    dict, dict
        The config, with the key ``left_out`` where ``missing: skip`` left something out
        (`fringe.omission.describe_omissions`); and by source name its ``count``,
        ``fingerprint``, fingerprint of each of its ``shards`` by their name, ``shard_size``,
        the ``device`` (``cpu`` or ``cuda``) that this size is for, ``resolution``, whether it is
        ``simulated``, the number of images that these were ``drawn_from`` at random (None if they
        are in the order of their files, or made), and how many ``select`` and ``ignore`` have
        ``left_out``, by suffix (``2 .heic, 1 .exr``).

    Raises
    ------
    FringeError
        Listing every fault by its key at once: of the config's own, sources that are missing or
        cannot be read, unknown networks, counts that no source can fill.
    """
    entries = [entry for file in files for entry in read_entries(file)]
    completed, faults = complete(config, schema, entries)
    refuse_names(faults)
    with only_installed(completed.get("allow_code") is not True):
        return _checked(completed, faults)


def _checked(completed: dict[str, Any], faults: list[str]) -> tuple[dict[str, Any], Sources]:
    """Return what `check` returns, or list the ``faults`` that are known and all others."""
    # Imported here: it is about what this module says that a run makes.
    from fringe.omission import without_absent

    faults += where_shaped(faults, _note_least, completed)
    resolved = without_absent(completed, faults)
    completed = resolved.config
    faults += resolved.faults
    unwritable = where_shaped(faults, _results_faults, completed)
    faults += unwritable
    wrong = unwritable or any(fault.startswith("results: ") for fault in faults)
    cache = None if wrong else hash_cache(completed)
    sources, opened, missing = _open_sources(completed, cache, faults)
    faults += missing
    for name, dataset in items(completed, "datasets"):
        faults += where_shaped(faults, _count_faults, name, dataset, sources)
    for find_faults in (_network_faults, _scheme_faults):
        faults += where_shaped(faults, find_faults, completed)
    faults += where_shaped(faults, _digest_faults, completed, cache)
    faults += where_shaped(faults, _weights_faults, completed, cache)
    faults += where_shaped(faults, _statistics_faults, completed, cache)
    faults += where_shaped(faults, _explanation_faults, completed, sources)
    told = [resolved.explain(fault) for fault in faults]
    raise_faults(told, resolved.advice if told != faults else "")
    _divide(completed, sources, opened)
    raise_faults(_strict_faults(completed, sources))
    return completed, sources


def _strict_faults(config: Config, sources: Sources) -> Iterable[str]:
    """Yield the strict sources of which damaged images were used before they were strict."""
    for name, about in sources.items():
        if config["sources"][name].get("strict"):
            folder = Path(config["results"], config["run"], "features", name)
            told = warned_shards(folder, about["shards"])
            if told is not None:
                yield (
                    f"sources/{name}/strict: of its images that have features already, {told}; "
                    "replace or remove the damaged ones, or drop `strict`"
                )


def _note_least(config: Config) -> Iterable[str]:
    """Note at each source of files the least number of its images that is taken; no faults.

    In place, as ``least``, before anything is left out: what a data set depends on does not change
    with others that come or go. `fringe.sources.open_source` tells what follows from it.
    """
    for name, source in items(config, "sources"):
        counts = list(_taken_from(config, name)) if source["kind"] == "files" else []
        if counts:
            source["least"] = min(counts)
    return ()


def _taken_from(config: Config, source: str) -> Iterable[int]:
    """Yield how many images, from the first on, are taken from a source, wherever that is so."""
    try:
        explained = explained_datasets(config)
    except FringeError:
        explained = []  # an unknown network, which is a fault of its own
    for name, dataset in items(config, "datasets"):
        if source == dataset["real"]:
            yield dataset["n_real"]
        if source in (dataset["generated"], *dataset["snapshots"]):
            yield dataset["n_generated"]
        if source == dataset["generated"] and name in explained:
            yield explained_images(config, name)
            if config["sensitivity"]["noise"]["scales"]:
                yield noise_images(config, name)


def _open_sources(
    config: Config, cache: Path | None, known: Sequence[str]
) -> tuple[Sources, dict[str, ImageSource], list[str]]:
    """Open what can be: in a config with faults elsewhere, still every source that is right.

    A source whose shape is wrong is left out if a fault that is ``known`` already says so. So is a
    source that would be opened with a key that is wrong. If limits are wrong, the usual ones hold.
    """
    if any(re.match("limits[/:]", fault) for fault in known):
        config = {**config, "limits": {}}
    found: Sources = {}
    opened = {}
    faults = []
    for name in used_sources(config):
        if _is_known(known, name, set().union(*SOURCE_KEYS.values())):
            continue
        try:
            spec = source_spec(config, name)
            with activity(f"opening sources/{name}{_place(spec)}"):
                source = source_from_spec(spec, cache)
                found[name] = {
                    "count": len(source),
                    "fingerprint": source.fingerprint,
                    "simulated": source.simulated,
                    "drawn_from": len(source.source) if isinstance(source, Shuffled) else None,
                    "left_out": getattr(source, "left_out", ""),
                    "packed": packed(source),
                    "resolution": _resolution(source, spec, cache),
                }
                opened[name] = source
        except FringeError as error:
            faults.append(f"sources/{name}: {error}")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            if not _is_known(known, name):
                error.add_note(f"while sources/{name} was opened")
                raise
    return found, opened, faults


def _is_known(faults: Sequence[str], source: str, keys: Collection[str] | None = None) -> bool:
    """Tell whether a fault is about a source, the one that it was a snapshot of, or all of them.

    With ``keys`` only faults about one of these keys of the source count.
    """
    about = [fault.partition(": ")[0].split("/") for fault in faults]
    if keys is not None:
        about = [trail for trail in about if len(trail) > 2 and trail[2] in keys]
    named = [trail[1] for trail in about if trail[0] == "sources" and len(trail) > 1]
    return ["sources"] in about or any(
        source == name or source.startswith(f"{name}-") for name in named
    )


def _place(spec: Config) -> str:
    """Return the path of a source as part of a message; "" if it has none."""
    return f": {spec['path']}" if "path" in spec else ""


def _divide(config: Config, sources: Sources, opened: Mapping[str, ImageSource]) -> None:
    """Add to ``sources`` into which shards each falls, and what the images of each depend on."""
    if "shard_size" in config["extraction"]:
        sizes = dict.fromkeys(sources, config["extraction"]["shard_size"])
        device = "cuda" if config["device"].startswith("cuda") else "cpu"
    else:
        # Imported here: what jobs take is measured in terms of this module.
        from fringe.shards import choose_sizes

        sizes, device = choose_sizes(config, sources)
    raise_faults(_number_faults(sources, sizes))
    for name, source in opened.items():
        sources[name] |= {"shard_size": sizes[name], "device": device}
        sources[name]["shards"] = {
            shard_name(*bounds): source.fingerprint_of(*bounds)
            for bounds in shard_bounds(len(source), sizes[name])
        }


def _number_faults(sources: Sources, sizes: Mapping[str, int]) -> Iterable[str]:
    """Yield the sources with most shards if all have more than Snakemake can plan jobs for."""
    numbers = {name: -(-about["count"] // sizes[name]) for name, about in sources.items()}
    total = sum(numbers.values())
    if total > MOST_SHARDS:
        name = max(numbers, key=lambda name: numbers[name])
        yield (
            f"sources/{name}/count: {sources[name]['count']:,} images in shards of {sizes[name]:,} "
            f"are {numbers[name]:,} shards; all sources have {total:,}, and a run {MOST_SHARDS:,} "
            "at most; raise extraction/shard_size (or minutes_per_job), or use fewer images"
        )


def _resolution(source: ImageSource, spec: Config, cache: Path | None) -> tuple[int, int]:
    """Return height and width; a generator must have made an image for that, once and for all.

    So what is wrong with a checkpoint, or with what is asked of it, is found before any job starts.
    """
    if not isinstance(source, GeneratedSource):
        return source.resolution
    known = {"labels": source.class_counts} if source.class_counts is not None else {}
    asked = f"makes of { ({**spec, 'path': None, 'count': None, **known}) }: "
    (found,) = remembered(
        [source.path],
        cache,
        asked,
        lambda _: "{1} {2}".format(*source.read([0]).shape),
        doing="making an image with",
    )
    height, width = map(int, found.split())
    return height, width


def networks(config: Config) -> list[str]:
    """Return the networks that a run needs: that of FID first, then the controls, then others."""
    named = [network for network, _ in _named_networks(config)]
    return list(dict.fromkeys(named))


def _named_networks(config: Config) -> Iterable[tuple[str, str]]:
    """Yield each network with the key that names it."""
    yield config["network"], "network"
    for network in config["controls"]:
        yield network, "controls"
    for name, dataset in items(config, "datasets"):
        for network in dataset["alternatives"]:
            yield network, f"datasets/{name}/alternatives"
    if config["comparisons"]:
        yield (
            config["evaluation"]["precision_recall"]["network"],
            ("evaluation/precision_recall/network"),
        )


def trained_on(config: Config, network: str) -> str | None:
    """Return what a network was trained on, one of `fringe.training.TRAININGS`; None: not stated.

    A network of Fringe's own with weights that nobody published for it may be any training's.
    """
    if network in config["weights"]:
        path, sha256 = _given_weights(config["weights"][network])
        if sha256 is not None and mismatch(path, sha256, network_weights(network)):
            return None
    return network_info(network).trained_on


def _judges(config: Config) -> list[str]:
    """Return the controls that may judge a fall of FID, in their order."""
    return [name for name in config["controls"] if training(trained_on(config, name)).judges]


def shown_control(config: Config) -> str:
    """Return the control in figures that show one: the last that may judge, else the last."""
    return str((_judges(config) or config["controls"])[-1])


def warnings(config: Config) -> list[str]:
    """Return what a completed config without faults will take away from the results."""
    if _judges(config):
        return []
    return [
        f"controls: none of {', '.join(config['controls'])} can judge, because each was trained on "
        "ImageNet's labels; the verdict will give no share of FID: add a control that was not, for "
        "example clip or untrained"
    ]


def networks_of(config: Config, name: str) -> list[str]:
    """Return the networks that extract features of a data set's real and generated images."""
    dataset = config["datasets"][name]
    controls = config["controls"]
    wanted = [config["network"]]
    wanted += controls if dataset["resample"] else [shown_control(config)]
    wanted += dataset["alternatives"]
    if any(
        name in comparison["generators"].values() for _, comparison in items(config, "comparisons")
    ):
        wanted.append(config["evaluation"]["precision_recall"]["network"])
    return list(dict.fromkeys(wanted))


def networks_for(config: Config, source: str) -> list[str]:
    """Return the networks that extract features of a source's images."""
    wanted: list[str] = []
    for name, dataset in items(config, "datasets"):
        if source in (dataset["real"], dataset["generated"]):
            wanted += networks_of(config, name)
        if source in dataset["snapshots"]:
            wanted.append(config["network"])
    return list(dict.fromkeys(wanted))


def _network_faults(config: Config) -> Iterable[str]:
    files: dict[str, str] = {}
    for network in networks(config):
        before = files.setdefault(network.replace(":", ".").casefold(), network)
        if before != network:
            yield f"network: {network} and {before} would be one file; rename a function or module"
    for network, key in _named_networks(config):
        try:
            classes = network_info(network).n_classes
        except FringeError as error:
            yield f"{key}: {error}"
            continue
        if key == "network" and classes is None:
            yield (
                f"network: {network} is no classifier, and histograms can be matched only in "
                "classes; take a classifier, and this one as a control"
            )


def _count_faults(name: str, dataset: Config, sources: Sources) -> Iterable[str]:
    counts = {side: sources[dataset[side]]["count"] for side in ("real", "generated")}
    for side, have in counts.items():
        wanted = dataset[f"n_{side}"]
        if wanted > have:
            yield (
                f"datasets/{name}/n_{side}: {wanted} images are asked for (by evaluation/n_{side} "
                f"where the data set does not say), but its source has {have}"
            )
    height, width = sources[dataset["real"]]["resolution"]
    for source in (dataset["generated"], *dataset["snapshots"]):
        if sources[source]["resolution"] != (height, width):
            h, w = sources[source]["resolution"]
            yield (
                f"datasets/{name}: images of {source} are {w} x {h} pixels, real ones {width} x "
                f"{height}, and FID would see the difference; bring both to one size, or set "
                "`resolution` of a source of files"
            )
    real, generated = counts.values()
    for n_real, n_generated in resolve_sizes(dataset["sizes"], real, generated):
        if n_real > real or n_generated > generated:
            yield (
                f"datasets/{name}/sizes: {n_real}+{n_generated} images are asked for (by "
                f"evaluation/sizes where the data set does not say), but it has {real}+{generated}"
            )


def _explanation_faults(config: Config, sources: Sources) -> Iterable[str]:
    """Yield what is wrong with the sensitivity that is asked for, once sources are open."""
    for network in explaining_networks(config) if explained_datasets(config) else []:
        if not network_info(network).maps:
            yield (
                f"sensitivity: {network} cannot tell what it looks at in an image (it has no maps; "
                "`maps` of its `info` says so); choose another, or ask for none: `datasets: []`"
            )
    classes = network_info(config["network"]).n_classes
    if explained_datasets(config) and classes is not None and classes < 3:
        yield (
            f"sensitivity: {config['network']} has {classes} classes, and figures show the three "
            "most probable; ask for no maps: `datasets: []`"
        )
    yield from _class_faults(config)
    for name in explained_datasets(config):
        dataset = config["datasets"][name]
        have, n = sources[dataset["generated"]]["count"], explained_images(config, name)
        # Where n is that of n_generated, more than there are is a fault of its own.
        if n > have and "images" in config["sensitivity"]:
            yield f"sensitivity/images: {n} are asked for, but {dataset['generated']} has {have}"
        if n < 3:
            yield (
                f"datasets/{name}/n_generated: maps are of images that make up an FID, at least 3 "
                f"and here {n}; say how many by `sensitivity/images`, or ask for no maps: "
                "`datasets: []`"
            )
        for network in explaining_networks(config):
            if network in config["sources"][dataset["generated"]].get("statistics", {}):
                yield (
                    f"sources/{dataset['generated']}/statistics/{network}: published statistics "
                    f"stand in for real images alone, but data set {name} asks how FID depends on "
                    "each of these; drop them, or leave the data set out of `sensitivity/datasets`"
                )
        if config["sensitivity"]["noise"]["scales"] and noise_images(config, name) > n:
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
        if "region" in dataset:
            from fringe.sensitivity.region import open_region  # takes a while to import

            try:
                open_region(dataset["region"], sources[dataset["generated"]]["resolution"])
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
    try:
        classes = network_info(config["network"]).n_classes
    except FringeError:
        return  # an unknown network is a fault of its own
    for mode in ("top", "middle"):
        for n in config["schemes"][mode]:
            if classes is not None and 2 * n > classes:
                yield (
                    f"schemes/{mode}: {n} is more than half of the {classes} classes, where the "
                    "roles of 0 and 1 flip (footnote 5 of the paper)"
                )


def _weights_faults(config: Config, cache: Path | None) -> Iterable[str]:
    used = networks(config)
    for network, _ in items(config, "weights"):
        if network not in used:
            yield f"weights/{network}: no key names that network; correct or drop it"
        elif fault := given_weights_fault(config, network, cache):
            yield fault
    for network in used:
        if network in config["weights"] or _is_unknown(network):
            continue
        there = find(network_weights(network), Path(config["weights_dir"]))
        if there is not None:
            (found,) = file_digests([there], cache)
            if wrong := mismatch(there, found, network_weights(network)):
                yield (
                    f"weights_dir: {there} has SHA-256 {found}, expected {' or '.join(wrong)}; "
                    "delete it, and it is fetched again"
                )


def given_weights_fault(config: Config, network: str, cache: Path | None) -> str | None:
    """Return what is wrong with the file that the config's ``weights`` name for a network."""
    path, sha256 = _given_weights(config["weights"][network])
    if fault := fault_at(path, LARGEST_CHECKPOINT):
        return f"weights/{network}: {fault}"
    (found,) = file_digests([path], cache)
    files = network_weights(network)
    wrong = mismatch(path, found, files) if sha256 is None else found != sha256 and [sha256]
    if not wrong:
        return None
    if instead := stand_in_at(path):
        return f"weights/{network}: {path} {instead}"
    others = [
        name
        for name in network_names()
        if any(found == file.sha256 for file in network_weights(name))
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


def _given_weights(given: str | Mapping[str, str]) -> tuple[Path, str | None]:
    """Return path and stated digest of an entry of the config's ``weights``."""
    if isinstance(given, str):
        return Path(given), None
    return Path(given["path"]), given["sha256"].lower()


def locate_weights(config: Config, cache: Path) -> dict[str, dict[str, str]]:
    """Return for each network with a file of weights where it is, or is to be fetched, and which.

    Returns
    -------
    dict
        By network: ``path``, and ``identity``, which enters what features depend on: the SHA-256 of
        the file, or the name of one that is fetched and has no published SHA-256.
    """
    located = {}
    for network in networks(config):
        files = network_weights(network)
        if network in config["weights"]:
            path, _ = _given_weights(config["weights"][network])
            (identity,) = file_digests([path], cache)
        elif files:
            folder = Path(config["weights_dir"])
            path = find(files, folder) or folder / files[0].name
            published = next(file for file in files if file.name == path.name)
            # What is fetched must be known before it is there.
            unknown = published.name if published is files[0] else file_digests([path], cache)[0]
            identity = published.sha256 or unknown
        else:
            continue
        located[network] = {"path": str(path), "identity": identity}
    return located


def digest_fault(config: Config, name: str, cache: Path | None) -> str | None:
    """Return what is wrong if a source's file is another one than its ``sha256`` states."""
    source = config["sources"][name]
    # Of an unpacked archive the digest was checked when it arrived.
    if "sha256" not in source or "unpack" in source or "path" not in source:
        return None
    path, stated = as_path(source["path"]), source["sha256"].lower()
    if os.path.isdir(path):  # noqa: PTH112 - as `open_source` asks
        return (
            f"sources/{name}/sha256: {path} is a folder, which has no digest; drop `sha256`, or "
            "say with `unpack` which folder of an archive it was"
        )
    if fault_at(path):
        return None  # a fault of its own, or left out
    limit = LARGEST_CHECKPOINT if source["kind"] == "generator" else None
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
        for network, _ in items(config["sources"][source], "statistics"):
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
    if network not in networks(config):
        return f"{key}: no key names that network; correct or drop it"
    if _is_unknown(network):
        return None  # a fault of its own
    path = config["sources"][source]["statistics"][network]["path"]
    dim = network_info(network).feature_dim

    def check(path: Path) -> str:
        read_statistics(path, dim)
        return "right"

    try:
        remembered([path], cache, f"statistics of {dim} features", check, doing="checking")
    except FringeError as error:
        return f"{key}: {error}"
    return None


def published_statistics(
    config: Config, source: str, network: str, space: str, cache: Path
) -> dict[str, str | int]:
    """Return ``network``, ``sha256`` and ``count`` of published statistics; {} if there are none.

    Statistics are published of features alone, not of logits.
    """
    given = config["sources"][source].get("statistics", {}).get(network)
    if given is None or space != "features":
        return {}
    (sha256,) = file_digests([Path(given["path"])], cache)
    return {"network": network, "sha256": sha256, "count": given["count"]}


def _results_faults(config: Config) -> Iterable[str]:
    folder = Path(config["results"], config["run"]).absolute()
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
    if fault is not None and not config["shared_results"]:
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


def shard_bounds(count: int, size: int) -> list[tuple[int, int]]:
    """Return the bounds [first, last) of the shards that ``count`` images fall into."""
    return [(first, min(first + size, count)) for first in range(0, count, size)]


def schemes(config: Config) -> list[str]:
    """Return the names of all sampling schemes of a run."""
    return [
        *("random", "matched", "random-filled", "prelogits", "logits"),
        *released_schemes(config),
        *sweep_schemes(config),
    ]


def released_schemes(config: Config) -> list[str]:
    """Return the names of the schemes whose weights the released algorithm makes."""
    wanted = config["optimization"]["released"]["steps"] > 0
    return ["prelogits-released"] if wanted else []


def released_steps(config: Config, sources: Sources) -> dict[str, Any]:
    """Return what the released weights of a run were made with; {} if the run has none.

    Keys: ``steps``, ``learning_rate``, and ``candidates``, their number by data set.
    """
    if not released_schemes(config):
        return {}
    asked = config["optimization"]["released"]
    counts = {
        name: sources[dataset["generated"]]["count"]
        for name, dataset in items(config, "datasets")
        if dataset["resample"]
    }
    return {
        "steps": asked["steps"],
        "learning_rate": asked["learning_rate"],
        "candidates": counts,
    }


def optimization_settings(config: Config, scheme: str) -> dict[str, Any]:
    """Return all that the configuration says of how the weights of ``scheme`` are optimized."""
    settings = dict(config["optimization"])
    released = settings.pop("released")
    if scheme not in released_schemes(config):
        return settings
    return {"method": "released", **released}


def sweep_schemes(config: Config) -> list[str]:
    """Return the names of the Top-N and Middle-N schemes."""
    return [f"{mode}{n}" for mode in ("top", "middle") for n in config["schemes"][mode]]


def repeats(config: Config, scheme: str) -> int:
    """Return how many draws of ``scheme`` the tables and figures of a run need."""
    wanted: Mapping[str, int] = config["evaluation"]["repeats"]
    readers = {
        "random": ("table1", "table2", "table3", "sweep", "recall"),
        "matched": ("table1",),
        "random-filled": ("table1",),
        "prelogits": ("table2", "table3"),
        "logits": ("table2",),
        "prelogits-released": ("table2", "table3"),
    }
    return max(wanted[reader] for reader in readers.get(scheme, ("sweep",)))


def _fitting(source: Config) -> str:
    """Return how a source's images are cropped and resized; "" where they are taken as they are."""
    if "resolution" not in source and "crop" not in source:
        return ""
    return f"{source.get('crop', 'center')}, {source.get('filter', 'lanczos')}"


def protocol(
    config: Config,
    sources: Mapping[str, Mapping[str, Any]],
    weights: Mapping[str, Mapping[str, str]],
    name: str,
    generated: str | None = None,
) -> Protocol:
    """Return what the numbers of the data set ``name`` are measured with.

    Parameters
    ----------
    config, sources
        `check`'s.
    weights
        `locate_weights`'s.
    name : str
        Of a data set.
    generated : str, optional
        A source in place of the data set's generated images, such as a snapshot.
    """
    dataset = config["datasets"][name]
    real = config["sources"][dataset["real"]]
    source = generated or dataset["generated"]
    about = config["sources"][source]
    trained = about["kind"] == "generator"
    height, width = sources[dataset["real"]]["resolution"]
    evaluation = config["evaluation"]
    return Protocol(
        real=real["kind"],
        real_total=sources[dataset["real"]]["count"],
        resolution=(height, width),
        fitting=_fitting(real),
        statistics={network: given["count"] for network, given in items(real, "statistics")},
        generator=Path(about["path"]).stem if trained else about["kind"],
        truncation=about["truncation"] if trained else None,
        noise=about["noise"] if trained else None,
        seed=about["seed"] if trained else None,
        label=about.get("label") if trained else None,
        candidates=sources[source]["count"],
        network=config["network"],
        weights={
            network: PUBLISHED
            if not mismatch(Path(file["path"]), file["identity"], network_weights(network))
            else file["identity"][:8]
            for network, file in weights.items()
        },
        precision=config["extraction"]["precision"],
        sampling=evaluation["sampling"],
        optimizers=_optimizers(config),
        kid_subsets=evaluation["kid_subsets"],
        kid_subset_size=evaluation["kid_subset_size"],
        recall_k=evaluation["precision_recall"]["k"],
    )


def chosen_images(config: Config, sources: Mapping[str, Mapping[str, Any]], name: str) -> str:
    """Return in words which images of files, and which classes, stand for the data set ``name``.

    It is "" if all images are made, and by no generator that is asked for classes.

    Parameters
    ----------
    config, sources
        `check`'s.
    name : str
        Of a data set.
    """
    dataset = config["datasets"][name]
    counts = {"real": dataset["n_real"], "generated": sources[dataset["generated"]]["count"]}
    told = [
        f"{side.capitalize()} images: {_choice(config, sources, dataset[side], n)}."
        for side, n in counts.items()
        if config["sources"][dataset[side]]["kind"] == "files"
    ]
    label = config["sources"][dataset["generated"]].get("label")
    if label is not None:
        told.append(f"Classes of generated images: {told_label(label)}.")
    return " ".join(told)


def _choice(config: Config, sources: Mapping[str, Mapping[str, Any]], source: str, n: int) -> str:
    """Return which ``n`` images of a source of files are used, and which files do not count."""
    told = _used(config["sources"][source], sources[source], n)
    if left_out := sources[source]["left_out"]:
        told += f" (`select` and `ignore` leave out {left_out})"
    return told


def _used(asked: Mapping[str, Any], found: Mapping[str, Any], n: int) -> str:
    """Return which ``n`` images of a source of files are the first ones that it gives."""
    held, count = found["drawn_from"], found["count"]
    if held is not None and n < held:
        return f"{n:,} of {held:,}, chosen at random with seed {asked['seed']}"
    if held is not None:
        return f"all {n:,}, in random order with seed {asked['seed']}"
    if n < count:
        return f"the first {n:,} of {count:,} in the order of their files"
    is_first = "count" in asked and asked["order"] == "file"
    return f"the first {n:,} in the order of their files" if is_first else f"all {n:,}"


def _optimizers(config: Config) -> dict[str, Optimizer]:
    """Return how weights in pre-logits and logits are found, of which the paper prints numbers."""
    asked = config["optimization"]
    found = {}
    for scheme in schemes(config):
        if not scheme.startswith(("prelogits", "logits")):
            continue
        if scheme == "prelogits-released":
            steps, rate = (asked["released"][key] for key in ("steps", "learning_rate"))
            found[scheme] = Optimizer("released", steps, float(rate))
        elif asked["method"] == "reference":
            rate = 10.0 if scheme == "prelogits" else 5.0
            found[scheme] = Optimizer("released", asked["evaluations"], rate)
        else:
            found[scheme] = Optimizer("optimal")
    return found


def matching_limit(config: Config, name: str, count: int) -> int:
    """Return how many images Top-1 matching looks at at most, ``count`` candidates included.

    ``name`` is a data set. Images of files are only what they are.
    """
    if not is_rendered(config, config["datasets"][name]["generated"]):
        return count
    times: float = config["matching"]["limit"]
    return max(count, round(times * count))


def settled_limit(path: Path, provenance: Mapping[str, str], limit: int) -> int:
    """Return the limit that the images beyond the candidates in a file were drawn with.

    This is ``limit``, unless the file is there, was made from ``provenance``, and every bin was
    full within ``limit``: with ``limit`` the same images would be drawn.
    """
    if not is_made_from(path, provenance):
        return limit
    with open_h5(path) as file:
        about = attributes(file)
    full = about["places_missing"] == 0 and about["seen"] <= limit
    return int(about["limit"]) if full else limit


def convergence_datasets(config: Config) -> list[str]:
    """Return the data sets on which the released optimization is measured beside ours."""
    if not config["convergence"]["steps"] or config["optimization"]["method"] == "reference":
        return []
    resampled = [name for name, dataset in items(config, "datasets") if dataset["resample"]]
    return list(config["convergence"].get("datasets", resampled[:1]))


def explained_datasets(config: Config) -> list[str]:
    """Return the data sets of which it is shown what FID looks at."""
    resampled = [name for name, dataset in items(config, "datasets") if dataset["resample"]]
    told = network_info(config["network"]).maps
    return list(config["sensitivity"].get("datasets", resampled if told else []))


def explaining_networks(config: Config) -> list[str]:
    """Return the networks that are asked what they look at, FID's first."""
    return [config["network"], *config["sensitivity"]["networks"]]


def explained_images(config: Config, name: str) -> int:
    """Return how many of a data set's generated images have sensitivity maps."""
    return int(config["sensitivity"].get("images", config["datasets"][name]["n_generated"]))


def noise_images(config: Config, name: str) -> int:
    """Return how many of a data set's generated images get noise."""
    maps = explained_images(config, name)
    return int(config["sensitivity"]["noise"].get("images", min(maps, NOISE_IMAGES)))


def shown_images(config: Config, name: str, shown: str) -> dict[str, list[int]]:
    """Return the ``images`` or ``seeds`` that ``shown`` (``examples`` or ``grid``) is made of."""
    given = config["datasets"][name].get(shown, {})
    if seeds := given.get("seeds") or grid_seeds(given):
        return {"seeds": list(seeds)}
    few = 6 if shown == "examples" else GRID[0] * GRID[1]
    first = list(range(min(few, explained_images(config, name))))
    return {"images": list(given.get("images", first))}


def grid_seed(config: Config) -> int:
    """Return the seed of the images that are drawn at random for figures."""
    return int(config["figures"].get("seed", config["seed"]))


def shown_classes(config: Config, name: str) -> int | list[int]:
    """Return the classes whose mean images and maps are shown of a data set.

    How many of the most frequent ones, or the numbers of those that are named.

    Raises
    ------
    FringeError
        If a class is unknown, may be more than one, or is named twice; see `find_class`.
    """
    key, wanted = _classes(config, name)
    if isinstance(wanted, int):
        return wanted
    network = config["network"]
    names = network_classes(network)
    if names is None:
        named = [each for each in wanted if isinstance(each, str)]
        if named:
            raise FringeError(
                f"{key}: {network} does not tell its class names before it is loaded; give its "
                f"function an attribute `class_names`, or the number of {named[0]!r}"
            )
        names = tuple(map(str, range(network_info(network).n_classes or 0)))
    numbers: dict[int, str | int] = {}
    for each in wanted:
        try:
            number = find_class(each, names)
        except FringeError as error:
            raise FringeError(f"{key}: {network}: {error}") from None
        if number in numbers:
            raise FringeError(
                f"{key}: {numbers[number]!r} and {each!r} are the same class, {number} "
                f"({names[number]}); drop one of the two"
            )
        numbers[number] = each
    return list(numbers)


def _classes(config: Config, name: str) -> tuple[str, int | list[str | int]]:
    """Return the key that says which classes are shown of a data set, and what it says."""
    own = config["datasets"][name].get("classes")
    if own is not None:
        return f"datasets/{name}/classes", own
    return "sensitivity/classes", config["sensitivity"]["classes"]


def open_seeded(config: Config, name: str, seed: int) -> ImageSource:
    """Open the source ``name`` of a completed config with another seed, for its first image."""
    other = {**config["sources"][name], "seed": seed, "count": 2}
    return open_configured({**config, "sources": {name: other}}, name)


def digest(path: str, config: Config) -> str:
    """Return the SHA-256 of a file, remembered while the file stays as it is."""
    (found,) = file_digests([Path(path)], hash_cache(config))
    return found


def weights_path(config: Config, network: str) -> Path | None:
    """Return where the file of a network's weights lies; None if it brings its own.

    Raises
    ------
    FringeError
        If it is not there: results that need it no more may have outlived it.
    """
    located = locate_weights(config, hash_cache(config)).get(network)
    if located is None:
        return None
    path = Path(located["path"])
    if not path.is_file():
        raise FringeError(
            f"{path}: the weights of network {network!r} are not there any more; put them back "
            f"(`fringe fetch {network} --weights-dir {path.parent}`) and run again"
        )
    return path


def resolve_sizes(
    pairs: Iterable[tuple[int | str, int | str]], real: int, generated: int
) -> list[tuple[int, int]]:
    """Return pairs of counts with ``all`` replaced by the lengths of the two sources."""
    return [(real if a == "all" else int(a), generated if b == "all" else int(b)) for a, b in pairs]


def parse_shard(name: str) -> tuple[int, int]:
    """Return the images that a shard begins with and ends before, from its file's name."""
    first, last = name.split("-")
    return int(first), int(last)


def shard_name(first: int, last: int) -> str:
    """Return the file name that `parse_shard` reads."""
    return f"{first:07d}-{last:07d}"


def parse_sweep_scheme(scheme: str) -> tuple[Literal["top", "middle"], int]:
    """Return the mode and N of a scheme such as ``top5`` or ``middle20``."""
    mode: Literal["top", "middle"] = "top" if scheme.startswith("top") else "middle"
    return mode, int(scheme.removeprefix(mode))


def sweep_provenance(made_from: Mapping[str, Any]) -> dict[str, str]:
    """Return the attribute by which weights of a sweep's scheme tell what they were made from.

    ``made_from`` holds plain values, lists and mappings; equal ones give equal text.
    """
    return {"made_from": json.dumps(made_from, sort_keys=True)}
