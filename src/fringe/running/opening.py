"""Opening of a run: check the configuration, open its sources and divide them into shards."""

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
from fringe.costs.shard_sizes import choose_sizes
from fringe.errors import FringeError
from fringe.networks import (
    only_installed,
)
from fringe.plan import deviations, layout
from fringe.plan.captions import captions
from fringe.plan.layout import hash_cache, run_folder, shard_bounds, shard_name
from fringe.plan.omission import summarize, without_absent
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

MOST_SHARDS = 100_000  # Snakemake needs about 8 ms per shard to plan its jobs


def open_run(
    config: Mapping[str, Any],
    files: Iterable[Path] = (),
    *,
    in_job: bool = False,
    cores: int | None = None,
) -> Run:
    """Return the run of a configuration.

    The keys ``captions``, ``choices`` and ``planned``, which jobs read, are added to the
    configuration: see `fringe.config.model.RunConfig`. Warnings and omissions are logged, except in
    a job.

    Parameters
    ----------
    config, files, cores
        As for `check`.
    in_job : bool
        Whether a job of the run calls this function. The job ends if its data have changed since
        the run was planned.

    Raises
    ------
    FringeError
        As in `check`. In a job also if data have changed since the run was planned.
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
    """Return the completed config, and a description of each source that the run uses.

    Facts that were found by reading data are stored in `hash_cache`. Nothing else is written.

    Parameters
    ----------
    config : mapping
        The configuration as the user wrote it.
    files : iterable of Path
        The files of ``config``. They are searched for duplicate keys, and for values that YAML
        reads differently from what the user probably meant.
    cores : int, optional
        Number of cores that the jobs of the run may use together; 1 if the jobs run on other
        machines. By default, all cores of this machine. The cores matter only for the sizes of
        shards, and only if the configuration does not set these sizes.

    Returns
    -------
    config : RunConfig
        The completed config. It has ``left_out`` if ``missing: skip`` left something out
        (`fringe.plan.omission.describe_omissions`).
    sources : dict
        A dict for each source, by its name, with these keys:

        * ``count``, ``fingerprint``, ``resolution`` and ``simulated``;
        * ``shards``: the fingerprint of each shard, by the name of the shard;
        * ``shard_size``, and the ``device`` (``cpu`` or ``cuda``) for which this size was chosen;
        * ``drawn_from``: the number of images from which the images were drawn at random, or None
          if the images are in the order of their files or are generated;
        * ``left_out``: the numbers of files that ``select`` and ``ignore`` leave out, by suffix
          (``2 .heic, 1 .exr``);
        * ``labels``: the labels, where labels are used.

        A source of features has no shards. Its ``features`` are a fingerprint for each network, and
        ``logits`` says whether it has logits of the network that counts classes.

    Raises
    ------
    FringeError
        If there are faults: in the config, missing or unreadable sources, unknown networks, or
        counts that exceed a source. The message lists all faults, each with its key.
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
    """Return the result of `check`, or raise an error that lists all faults.

    Faults about a key whose value is wrong are skipped, because they concern a substituted value.
    """
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
    explained = [resolved.explain(fault) for fault in known]
    raise_faults(explained, files, resolved.advice if explained != known else "")
    _divide(config, sources, opened, files, cores)
    features = Path(run_folder(config), layout.FEATURES)
    raise_faults(_strict_faults(config, sources, features), files)
    return config, sources


def _with_least(config: RunConfig) -> RunConfig:
    """Return a config with ``least``: the smallest number of images that a data set takes from
    each source of files or features.

    The numbers are found before anything is left out, so that a data set does not depend on which
    other data sets are left out. `fringe.sources.open_source` explains how the number is used.
    """
    least = {}
    for name, source in config.sources.items():
        in_order = source.in_files or not source.has_images
        counts = list(_taken_from(config, name)) if in_order else []
        if counts:
            least[name] = min(counts)
    return config.model_copy(update={"least": least})


def _taken_from(config: Config, source: str) -> Iterable[int]:
    """Yield the number of first images that are taken from a source, for each use of the source."""
    try:
        explained = explained_datasets(config)
    except FringeError:
        explained = []  # an unknown network, which is reported separately
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
    """Open every source that has no known fault, even if the config has faults elsewhere.

    A source is skipped if one of the ``known`` faults is about it, or about a key that is needed to
    open it. Features of unknown networks are skipped too. Default limits replace wrong limits.
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
    """Return the number of images from which a source was drawn at random, or None."""
    if isinstance(source, GivenFeatures):
        return source.drawn_from
    return len(source.source) if isinstance(source, Shuffled) else None


def _given(source: ImageSource, classifier: str) -> dict[str, Any]:
    """Return the additional description of a source of features, or {} for a source of images."""
    if not isinstance(source, GivenFeatures):
        return {}
    networks = source.networks
    return {
        "features": {network: source.fingerprint_in(network) for network in networks},
        "logits": classifier in networks and source.has_logits(classifier),
        "shards": {},
    }


def _is_known(faults: Sequence[str], source: str, keys: Collection[str] | None = None) -> bool:
    """Return whether a fault is about a source, the source of which it is a snapshot, or all.

    With ``keys``, only faults about these keys of the source count.
    """
    about = [fault.partition(": ")[0].split("/") for fault in faults]
    if keys is not None:
        about = [trail for trail in about if len(trail) > 2 and trail[2] in keys]
    named = [trail[1] for trail in about if trail[0] == "sources" and len(trail) > 1]
    return ["sources"] in about or any(
        source == name or source.startswith(f"{name}-") for name in named
    )


def _place(spec: Mapping[str, Any]) -> str:
    """Return the path of a source as part of a message, or "" if the source has no path."""
    return f": {spec['path']}" if "path" in spec else ""


def _divide(
    config: RunConfig,
    sources: Sources,
    opened: Mapping[str, ImageSource],
    files: Sequence[Path],
    cores: int | None,
) -> None:
    """Add the shards of each source, with their fingerprints, to ``sources``.

    Sources of features have no shards.
    """
    sources = {name: about for name, about in sources.items() if "features" not in about}
    if config.extraction.shard_size is not None:
        sizes = dict.fromkeys(sources, config.extraction.shard_size)
        device = "cuda" if config.device.startswith("cuda") else "cpu"
    else:
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
    """Return height and width of images that a function or pipeline makes.

    Also checks that each image depends only on its number.
    """
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
    """Yield a fault about the source with most shards if there are too many shards in total."""
    numbers = {name: -(-about["count"] // sizes[name]) for name, about in sources.items()}
    total = sum(numbers.values())
    if total > MOST_SHARDS:
        name = max(numbers, key=lambda name: numbers[name])
        yield (
            f"sources/{name}/count: {sources[name]['count']:,} images in shards of {sizes[name]:,} "
            f"are {numbers[name]:,} shards; all sources have {total:,}, but a run may have at most "
            f"{MOST_SHARDS:,}; raise extraction/shard_size (or minutes_per_job), or use fewer "
            "images"
        )


def _resolution(
    source: ImageSource, spec: Mapping[str, Any], cache: Path | None
) -> tuple[int, int]:
    """Return height and width of a source's images.

    A generator makes one image for this purpose; the result is remembered. So faults of a
    checkpoint or of its options are found before any job starts.
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
