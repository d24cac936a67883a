"""Checks that jobs read the same data from outside with which the run was planned.

A plan contains the fingerprints of images, and the digests of weight files, published statistics
and masks. The params of jobs are made from these values, and outputs have them as attributes. So a
job checks the data that it reads, in two steps. It compares digests before reading. During reading,
readers refuse changed data: images by their own hashes (`fringe.sources`), other files by their
state (`fringe.files.steadiness`).

A job on a cluster reads the workflow again and makes its own plan. `note_plan` stores the plan of
the run, and the job compares its own plan with the stored plan (`refuse_other_plan`).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from fringe.config.model import RunConfig
from fringe.config.sources import FeaturesSource, FilesSource, GeneratorSource
from fringe.devices.choice import choose_device
from fringe.errors import ChangedError, FringeError
from fringe.files.atomic import atomic_path
from fringe.files.parsing import parse_json
from fringe.files.regular import read_text
from fringe.files.steadiness import steady
from fringe.networks import FeatureNetwork, load_network
from fringe.networks.base import Precision
from fringe.plan import digests, images, layout
from fringe.plan.weight_files import locate_weight_files, weight_file_path
from fringe.sources import FolderSource, GivenFeatures, ImageSource, Selection, as_path
from fringe.sources.base import FileSource, digest
from fringe.sources.class_labels import ClassLabels, class_labels, known_labels
from fringe.sources.digests import state_of

__all__ = [
    "note_plan",
    "planned_digests",
    "planned_features",
    "planned_file",
    "planned_images",
    "planned_labels",
    "planned_nearby",
    "planned_network",
    "planned_seed",
    "planned_shard",
    "planned_source",
    "refuse_other_plan",
]


def planned_digests(
    config: RunConfig,
    sources: Mapping[str, Mapping[str, Any]],
    weight_files: Mapping[str, Mapping[str, str]],
) -> dict[str, str]:
    """Return digests of all data that jobs read from outside, as found by `opening.check`.

    Jobs read the digests from the key ``planned`` of the configuration.

    Parameters
    ----------
    config, sources
        As returned by `fringe.running.opening.check`.
    weight_files
        As returned by `fringe.plan.weight_files.locate_weight_files`.

    Returns
    -------
    dict
        Fingerprints by ``sources/NAME`` and ``sources/NAME/SHARD``, identities of labels by
        ``labels/SOURCE`` and of network weights by ``weights/NETWORK``, and the SHA-256 of files by
        their paths.
    """
    found = {}
    for name, about in sources.items():
        found[f"sources/{name}"] = about["fingerprint"]
        found |= {f"sources/{name}/{shard}": one for shard, one in about["shards"].items()}
        if about.get("labels") is not None:
            found[f"labels/{name}"] = about["labels"].identity
    files = [Path(file["path"]) for file in weight_files.values()]
    for name in sources:
        files += [Path(one.path) for one in config.sources[name].statistics.values()]
    regions = [dataset.region for dataset in config.datasets.values()]
    files += [Path(region) for region in regions if isinstance(region, str)]
    found |= {str(file): digests.digest(str(file), config) for file in files if file.is_file()}
    for network, file in weight_files.items():
        found[f"weights/{network}"] = file["identity"]
    return found


def note_plan(folder: Path, planned: Mapping[str, str]) -> None:
    """Write the plan of a run to the run's folder, for jobs on other machines.

    Raises
    ------
    FringeError
        If the folder cannot be written.
    """
    with atomic_path(folder / layout.PLAN) as partial:
        partial.write_text(json.dumps(planned, indent=0))


def refuse_other_plan(folder: Path, planned: Mapping[str, str]) -> None:
    """Raise if a job's plan differs from the plan of its run, which `note_plan` has written.

    Raises
    ------
    FringeError
        If data have changed since the run was planned. The message names all changed data.
    """
    try:
        noted = dict(parse_json(read_text(folder / layout.PLAN)))
    except (OSError, TypeError, ValueError):  # a job that was started without a run
        return
    changed = [key for key, one in planned.items() if key in noted and noted[key] != one]
    whole = [key for key in changed if key.count("/") == 1 or not key.startswith("sources/")]
    if changed:
        raise FringeError("\n".join(str(_changed(key)) for key in whole or changed))


@contextmanager
def planned_shard(
    config: RunConfig, name: str, shard: str, rendered: str | None
) -> Iterator[ImageSource]:
    """Yield the source of a shard's images (`images.open_shard`), if they are as planned.

    Raises
    ------
    FringeError
        If the images of the shard have changed since the run was planned, or change while they are
        read.
    """
    first, last = layout.parse_shard(shard)
    with images.open_shard(config, name, rendered) as source:
        found = source.fingerprint_of(first, last)
        with _as_planned(config, f"sources/{name}", found, source, f"/{shard}"):
            yield source


@contextmanager
def planned_source(config: RunConfig, name: str, at_least: int = 0) -> Iterator[ImageSource]:
    """Yield a source (`fringe.plan.images.open_configured`), if its images are as planned.

    Raises
    ------
    FringeError
        As in `planned_shard`, for all images.
    """
    source = images.open_configured(config, name, at_least)
    with _all_as_planned(config, name, source):
        yield source


@contextmanager
def planned_features(config: RunConfig, name: str) -> Iterator[GivenFeatures]:
    """Yield a source of features of another tool, if the features are as planned.

    Raises
    ------
    FringeError
        As in `planned_source`.
    """
    with planned_source(config, name) as source:
        assert isinstance(source, GivenFeatures)
        yield source


def planned_labels(config: RunConfig, names: Iterable[str]) -> dict[str, ClassLabels]:
    """Return the class labels of the images of each source, if the labels are as planned.

    Raises
    ------
    FringeError
        If labels have changed since the run was planned, or cannot be read.
    """
    return {name: _planned_labels(config, name) for name in names}


def _planned_labels(config: RunConfig, name: str) -> ClassLabels:
    with _reported_as(f"labels/{name}"):
        source = images.open_configured(config, name)
        known, found = known_labels(source), class_labels(source)
        if known is None or found is None or known.identity != config.planned[f"labels/{name}"]:
            raise ChangedError("the labels differ from the plan of the run")
    return found


@contextmanager
def planned_images(config: RunConfig, name: str, at_least: int = 0) -> Iterator[ImageSource]:
    """Yield the images of a source (`fringe.plan.images.open_images`), if they are as planned.

    Raises
    ------
    FringeError
        As in `planned_shard`, for all images.
    """
    source = images.open_images(config, name, at_least)
    with _all_as_planned(config, name, source):
        yield source


@contextmanager
def planned_nearby(config: RunConfig, name: str, count: int) -> Iterator[ImageSource]:
    """Yield the images of a source (`fringe.plan.images.images_nearby`), if they are as planned.

    Raises
    ------
    FringeError
        As in `planned_shard`, for all images.
    """
    with (
        images.images_nearby(config, name, count) as source,
        _all_as_planned(config, name, source),
    ):
        yield source


@contextmanager
def planned_seed(config: RunConfig, name: str, seed: int) -> Iterator[ImageSource]:
    """Yield a source with another seed (`fringe.plan.images.open_seeded`), if it is as planned.

    Raises
    ------
    FringeError
        If the generator has changed since the run was planned, or changes while images are made.
    """
    source = config.sources[name]
    with ExitStack() as stack:
        if isinstance(source, GeneratorSource):
            stack.enter_context(_reported_as(f"sources/{name}"))
            stack.enter_context(steady(as_path(source.path)))
        stack.enter_context(planned_images(config, name))
        yield images.open_seeded(config, name, seed)


@contextmanager
def planned_file(config: RunConfig, path: str | Path) -> Iterator[None]:
    """Run a block that reads a file, and check that the file is as planned during the whole block.

    If the file did not exist when the run was planned, and its digest is not published, the check
    is only that the file does not change.

    Raises
    ------
    FringeError
        If the file has changed since the run was planned, or changes during the block.
    """
    path = str(Path(path))
    with _reported_as(path), steady(path):
        expected = config.planned.get(path)
        if expected is not None and digests.digest(path, config) != expected:
            raise ChangedError("its SHA-256 differs from the plan of the run")
        yield


def planned_network(config: RunConfig, name: str, precision: Precision) -> FeatureNetwork:
    """Return a network of a run on the configured device, with its weights as planned.

    Raises
    ------
    FringeError
        If the weights have changed since the run was planned, or as in
        `fringe.networks.load_network`.
    """
    path = weight_file_path(config, name)
    if path is not None:
        located = locate_weight_files(config, layout.hash_cache(config))[name]
        if located["identity"] != config.planned[f"weights/{name}"]:
            raise _changed(str(path))
    with nullcontext() if path is None else planned_file(config, path):
        return load_network(name, path, choose_device(config.device), precision=precision)


@contextmanager
def _all_as_planned(config: RunConfig, name: str, source: ImageSource) -> Iterator[None]:
    # A generated source may have been lengthened.
    asked = config.sources[name]
    count = len(source) if isinstance(asked, FilesSource | FeaturesSource) else asked.count
    found = digest([count, source.fingerprint_of(0, count)])
    with _as_planned(config, f"sources/{name}", found, source):
        yield


@contextmanager
def _as_planned(
    config: RunConfig, name: str, found: str, source: ImageSource, part: str = ""
) -> Iterator[None]:
    """Run a block that reads a part of a source, whose fingerprint is ``found``."""
    with _reported_as(name, _containers(source)):
        if found != config.planned[f"{name}{part}"]:
            raise ChangedError("its fingerprint differs from the plan of the run")
        yield


def _containers(source: ImageSource) -> list[Path]:
    """Return the files of images or features whose replacement would make reading fail.

    Images in a folder are excluded, because the reader of each image notices a change.
    """
    files = source.source if isinstance(source, Selection) else source
    is_folder = isinstance(files, FolderSource)
    if isinstance(files, FileSource | GivenFeatures) and not is_folder:
        return list(files.files)
    return []


@contextmanager
def _reported_as(name: str, files: list[Path] | None = None) -> Iterator[None]:
    """Raise an error with advice if the block finds a change, or fails and ``files`` changed."""
    before = _state(files or [])
    try:
        yield
    except FringeError as error:
        if isinstance(error, ChangedError) or _state(files or []) != before:
            raise _changed(name, str(error).partition(";")[0]) from error  # without its advice
        raise


def _state(files: list[Path]) -> str:
    try:
        return state_of(files)
    except FringeError:  # a file is missing
        return ""


def _changed(name: str, found: str = "") -> FringeError:
    reason = f" ({found})" if found else ""
    return FringeError(
        f"{name}: its data changed during the run{reason}; nothing was made from the changed data, "
        "so run again when the data no longer change"
    )
