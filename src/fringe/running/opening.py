"""Opening a run: the configuration checked, its sources opened and divided into shards."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fringe.config.all_images import differing_counts, with_counts
from fringe.config.choices import (
    Sources,
    class_network,
    explained_datasets,
    explained_images,
    given_features,
    labelled_sources,
    noise_images,
    source_spec,
    used_sources,
    warnings,
)
from fringe.config.compared_classes import compared_class_faults
from fringe.config.completion import (
    Completed,
    complete,
    raise_faults,
    refuse_names,
    where_named,
)
from fringe.config.faults import (
    _asked_metric_faults,
    _count_faults,
    _digest_faults,
    _explanation_faults,
    _held_out_faults,
    _network_faults,
    _results_faults,
    _same_images_faults,
    _scheme_faults,
    _statistics_faults,
    _strict_faults,
    _weight_file_faults,
    with_protocol,
)
from fringe.config.file import read_entries
from fringe.config.messages import is_about
from fringe.config.model import Config, RunConfig
from fringe.config.sources import SECTIONS, opening_keys
from fringe.errors import FringeError
from fringe.networks import (
    only_installed,
)
from fringe.plan import deviations, layout
from fringe.plan.captions import captions
from fringe.plan.layout import hash_cache, run_folder, shard_bounds, shard_name
from fringe.plan.omission import summarize
from fringe.plan.planned import planned_digests, refuse_other_plan
from fringe.plan.run import Run
from fringe.plan.weight_files import locate_weight_files
from fringe.progress import activity
from fringe.sources import (
    GeneratedSource,
    GivenFeatures,
    ImageSource,
    Shuffled,
    source_from_spec,
)
from fringe.sources.class_labels import known_labels
from fringe.sources.diffusion import EQUAL, DiffusionSource
from fringe.sources.digests import remembered
from fringe.sources.function import CLOSE, FunctionSource, require_same
from fringe.sources.unpacked import packed

__all__ = ["check", "open_run"]

LOGGER = logging.getLogger(__name__)

MOST_SHARDS = 100_000  # Snakemake takes about 8 ms to plan the jobs of each


def open_run(
    config: Mapping[str, Any],
    files: Iterable[Path] = (),
    *,
    in_job: bool = False,
    cores: int | None = None,
) -> Run:
    """Return the run of a configuration, with what its jobs read from the configuration added.

    What a run lacks is logged, unless a job asks.

    These are ``captions``, ``choices`` and ``planned``: see `fringe.config.model.RunConfig`.

    Parameters
    ----------
    config, files, cores
        As for `check`.
    in_job : bool
        Whether a job of the run asks: it ends if it was planned with other data.

    Raises
    ------
    FringeError
        As `check` does, and in a job naming the data that changed under the run.
    """
    checked, sources = check(config, files, cores)
    weight_files = locate_weight_files(checked, hash_cache(checked))
    added = {
        "captions": captions(checked),
        "choices": deviations.choices(checked),
        "planned": planned_digests(checked, sources, weight_files),
    }
    completed = checked.model_copy(update=added)
    run = Run(completed, sources, weight_files, in_job)
    if in_job:
        refuse_other_plan(Path(run.folder), completed.planned)
        return run
    for warning in warnings(completed):
        LOGGER.warning("%s", warning)
    if completed.left_out is not None:
        LOGGER.info("%s", summarize(completed.left_out))
    return run


def check(
    config: Mapping[str, Any], files: Iterable[Path] = (), cores: int | None = None
) -> tuple[RunConfig, Sources]:
    """Return the completed config, and what is known of each source that it uses.

    What was learnt by reading data is remembered in `hash_cache`; nothing else is written.

    Parameters
    ----------
    config : mapping
        As the user wrote it.
    files : iterable of Path
        The files behind ``config``, looked through for keys that stand twice and for what YAML
        reads otherwise than it looks.
    cores : int, optional
        Cores that the jobs of the run may use together, 1 if they go to other machines; by default
        all cores of this machine. Only the sizes of shards depend on them, where the configuration
        does not say these.

    Returns
    -------
    RunConfig, dict
        The config, with ``left_out`` where ``missing: skip`` left something out
        (`fringe.plan.omission.describe_omissions`); and by source name its ``count``,
        ``fingerprint``, fingerprint of each of its ``shards`` by their name, ``shard_size``,
        the ``device`` (``cpu`` or ``cuda``) that this size is for, ``resolution``, whether it is
        ``simulated``, the number of images that these were ``drawn_from`` at random (None if they
        are in the order of their files, or made), and how many ``select`` and ``ignore`` have
        ``left_out``, by suffix (``2 .heic, 1 .exr``). Of a source of features there are no shards,
        and ``features`` holds a fingerprint for each network, ``logits`` whether there are logits
        of the network that counts classes, and ``labels`` whether there are labels.

    Raises
    ------
    FringeError
        Listing every fault by its key at once: of the config's own, sources that are missing or
        cannot be read, unknown networks, counts that no source can fill.
    """
    paths = list(files)
    entries = [entry for path in paths for entry in read_entries(path)]
    completed = complete(config, entries)
    refuse_names(completed.faults, paths)
    with only_installed(not completed.config.allow_code):
        return _checked(completed, paths, cores)


def _checked(
    completed: Completed, files: Sequence[Path], cores: int | None
) -> tuple[RunConfig, Sources]:
    """Return what `check` returns, or list the faults that are known and all others.

    A fault that is about a key that is wrong follows from another value in its place.
    """
    # Imported here: it is about what this module says that a run makes.
    from fringe.plan.omission import without_absent

    known = list(completed.faults)
    resolved = without_absent(_with_least(completed.config), known)
    config = resolved.config

    unknown: list[str] = []  # networks

    def find(function: Callable[..., Iterable[str]], *args: Any) -> list[str]:
        found = where_named([*known, *unknown], function, *args)
        return [fault for fault in found if not is_about(fault, completed.wrong)]

    known += resolved.faults
    unwritable = find(_results_faults, config)
    known += unwritable
    wrong = unwritable or any(fault.startswith("results: ") for fault in known)
    cache = None if wrong else hash_cache(config)
    unknown = find(_network_faults, config)
    sources, opened, missing = _open_sources(config, cache, [*known, *unknown])
    known += missing
    written, config = config, with_counts(config, sources)
    known += find(differing_counts, written, config)
    for name, dataset in config.datasets.items():
        asked = find(_count_faults, name, dataset, sources)
        known += [with_protocol(config, fault) for fault in asked]
    known += find(_held_out_faults, config, sources)
    known += find(_same_images_faults, config, sources)
    known += unknown
    known += find(_asked_metric_faults, config, sources)
    known += find(_scheme_faults, config)
    for look in (_digest_faults, _weight_file_faults, _statistics_faults):
        known += find(look, config, cache)
    known += find(compared_class_faults, config, sources)
    known += find(_explanation_faults, config, sources)
    told = [resolved.explain(fault) for fault in known]
    raise_faults(told, files, resolved.advice if told != known else "")
    _divide(config, sources, opened, files, cores)
    features = Path(run_folder(config), layout.FEATURES)
    raise_faults(_strict_faults(config, sources, features), files)
    return config, sources


def _with_least(config: RunConfig) -> RunConfig:
    """Return a config with the least number of images that is taken from each source of files,
    and from each of features.

    It is noted before anything is left out: what a data set depends on does not change with others
    that come or go. `fringe.sources.open_source` tells what follows from it.
    """
    least = {}
    for name, source in config.sources.items():
        in_order = source.in_files or not source.has_images
        counts = list(_taken_from(config, name)) if in_order else []
        if counts:
            least[name] = min(counts)
    return config.model_copy(update={"least": least})


def _taken_from(config: Config, source: str) -> Iterable[int]:
    """Yield how many images, from the first on, are taken from a source, wherever that is so."""
    try:
        explained = explained_datasets(config)
    except FringeError:
        explained = []  # an unknown network, which is a fault of its own
    for name, dataset in config.datasets.items():
        if source == dataset.real:
            yield dataset.n_real
        if source in (dataset.generated, *dataset.snapshots):
            yield dataset.n_generated
        if source == dataset.generated and name in explained:
            yield explained_images(config, name)
            if config.sensitivity.noise.scales:
                yield noise_images(config, name)
    for comparison in config.comparisons.values():
        compared = [one for one in comparison.datasets if one in config.datasets]
        if source == comparison.held_out and compared:
            yield config.datasets[compared[0]].n_generated


def _open_sources(
    config: RunConfig, cache: Path | None, known: Sequence[str]
) -> tuple[Sources, dict[str, ImageSource], list[str]]:
    """Open what can be: in a config with faults elsewhere, still every source that is right.

    A source whose shape is wrong is left out if a fault that is ``known`` already says so. So is a
    source that would be opened with a key that is wrong, and features in networks that are unknown.
    If limits are wrong, the usual ones hold.
    """
    keys = set().union(*map(opening_keys, SECTIONS))
    labelled = {*labelled_sources(config), *given_features(config)}
    found: Sources = {}
    opened = {}
    faults = []
    for name in used_sources(config):
        if _is_known(known, name, keys):
            continue
        try:
            spec = source_spec(config, name)
            with activity(f"opening sources/{name}{_place(spec)}"):
                source = source_from_spec(spec, cache)
                found[name] = {
                    "count": len(source),
                    "fingerprint": source.fingerprint,
                    "simulated": source.simulated,
                    "drawn_from": _drawn_from(source),
                    "left_out": getattr(source, "left_out", ""),
                    "packed": packed(source),
                    "resolution": _resolution(source, spec, cache),
                    **_given(source, class_network(config)),
                    "labels": known_labels(source) if name in labelled else None,
                }
                opened[name] = source
        except FringeError as error:
            if not any(str(error) in fault for fault in known):
                faults.append(f"sources/{name}: {error}")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            if not _is_known(known, name):
                error.add_note(f"while sources/{name} was opened")
                raise
    return found, opened, faults


def _drawn_from(source: ImageSource) -> int | None:
    """Return the number of images that those of a source were drawn from at random, or None."""
    if isinstance(source, GivenFeatures):
        return source.drawn_from
    return len(source.source) if isinstance(source, Shuffled) else None


def _given(source: ImageSource, classifier: str) -> dict[str, Any]:
    """Return what is known of a source of features besides; {} of images."""
    if not isinstance(source, GivenFeatures):
        return {}
    networks = source.networks
    return {
        "features": {network: source.fingerprint_in(network) for network in networks},
        "logits": classifier in networks and source.has_logits(classifier),
        "shards": {},
    }


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


def _place(spec: Mapping[str, Any]) -> str:
    """Return the path of a source as part of a message; "" if it has none."""
    return f": {spec['path']}" if "path" in spec else ""


def _divide(
    config: RunConfig,
    sources: Sources,
    opened: Mapping[str, ImageSource],
    files: Sequence[Path],
    cores: int | None,
) -> None:
    """Add to ``sources`` into which shards each falls, and what the images of each depend on.

    Features are not made of images in shards.
    """
    sources = {name: about for name, about in sources.items() if "features" not in about}
    if config.extraction.shard_size is not None:
        sizes = dict.fromkeys(sources, config.extraction.shard_size)
        device = "cuda" if config.device.startswith("cuda") else "cpu"
    else:
        # Imported here: what jobs take is measured in terms of this module.
        from fringe.costs.shard_sizes import choose_sizes

        sizes, device = choose_sizes(config, sources, cores)
    raise_faults(_number_faults(sources, sizes), files)
    for name in sources:
        source = opened[name]
        sources[name] |= {"shard_size": sizes[name], "device": device}
        sources[name]["shards"] = {
            shard_name(*bounds): source.fingerprint_of(*bounds)
            for bounds in shard_bounds(len(source), sizes[name])
        }


def _resolution_of_made(
    source: FunctionSource | DiffusionSource, cache: Path | None
) -> tuple[int, int]:
    """Return height and width of images of which each must depend on its number only."""
    if isinstance(source, FunctionSource) and source.stated is None:
        LOGGER.warning(
            "%s: has no attribute `fingerprint`; only changes in the source code of its package "
            "are noticed (docs/generators.md)",
            source.function,
        )
    probe = source.probe() if isinstance(source, DiffusionSource) else source
    files = source.folder.files if isinstance(source, DiffusionSource) else source.files
    close = EQUAL if isinstance(source, DiffusionSource) else CLOSE
    (found,) = remembered(
        files[:1],
        cache,
        f"makes of {source.fingerprint_of(0, 2)}, {source.size}",
        lambda _: "{} {}".format(*require_same(probe.read, source.name, close)),
        doing="making images with",
    )
    height, width = map(int, found.split())
    return height, width


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


def _resolution(
    source: ImageSource, spec: Mapping[str, Any], cache: Path | None
) -> tuple[int, int]:
    """Return height and width; a generator must have made an image for that, once and for all.

    So what is wrong with a checkpoint, or with what is asked of it, is found before any job starts.
    """
    if isinstance(source, FunctionSource | DiffusionSource):
        return _resolution_of_made(source, cache)
    if not isinstance(source, GeneratedSource):
        return source.resolution
    real = source.rule.real
    known: dict[str, object] = {"labels": source.class_counts} if real is not None else {}
    if real is not None and not real.numbered:
        known["folders"] = True
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
