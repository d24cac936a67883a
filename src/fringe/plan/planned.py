"""What jobs read from outside is what the run was planned with, or they end.

A plan holds the fingerprints of images and the digests of weights, published statistics and masks.
Params of jobs are made of these, and outputs carry them. So a job compares them with what it reads,
in two steps: it compares digests before it reads, and from then on readers refuse what is not that
any more: images by their own hashes (`fringe.sources`), other files by their state
(`fringe.files.steadiness`).

A job on a cluster reads the workflow again and makes a plan of its own. `note_plan` keeps the plan
of the run, and such a job compares its own with that (`refuse_other_plan`).
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
    """Return what identifies all that jobs read from outside, as `opening.check` found it.

    Jobs take it from the configuration, where it is the key ``planned``.

    Parameters
    ----------
    config, sources
        `fringe.running.opening.check`'s.
    weight_files
        `fringe.plan.weight_files.locate_weight_files`'s.

    Returns
    -------
    dict
        Fingerprints by ``sources/NAME`` and ``sources/NAME/SHARD``, identities by
        ``labels/NAME`` of a source and ``weights/NETWORK``, and SHA-256 by the path of a file.
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
    """Keep the plan of a run in its folder, for its jobs on other machines.

    Raises
    ------
    FringeError
        If the folder cannot be written.
    """
    with atomic_path(folder / layout.PLAN) as partial:
        partial.write_text(json.dumps(planned, indent=0))


def refuse_other_plan(folder: Path, planned: Mapping[str, str]) -> None:
    """Raise if a job has planned with other data than its run, whose plan `note_plan` has kept.

    Raises
    ------
    FringeError
        Naming all that changed under the run.
    """
    try:
        noted = dict(parse_json(read_text(folder / layout.PLAN)))
    except (OSError, TypeError, ValueError):  # a job that somebody started without a run
        return
    changed = [key for key, one in planned.items() if key in noted and noted[key] != one]
    whole = [key for key in changed if key.count("/") == 1 or not key.startswith("sources/")]
    if changed:
        raise FringeError("\n".join(str(_changed(key)) for key in whole or changed))


@contextmanager
def planned_shard(
    config: RunConfig, name: str, shard: str, rendered: str | None
) -> Iterator[ImageSource]:
    """Yield what `images.open_shard` does for the images of a shard, if they are as planned.

    Raises
    ------
    FringeError
        If the images of the shard are not those that the run was planned with, or are no longer
        while they are read.
    """
    first, last = layout.parse_shard(shard)
    with images.open_shard(config, name, rendered) as source:
        found = source.fingerprint_of(first, last)
        with _as_planned(config, f"sources/{name}", found, source, f"/{shard}"):
            yield source


@contextmanager
def planned_source(config: RunConfig, name: str, at_least: int = 0) -> Iterator[ImageSource]:
    """Yield what `fringe.plan.images.open_configured` returns, if its images are as planned.

    Raises
    ------
    FringeError
        As `planned_shard` does, of all images.
    """
    source = images.open_configured(config, name, at_least)
    with _all_as_planned(config, name, source):
        yield source


@contextmanager
def planned_features(config: RunConfig, name: str) -> Iterator[GivenFeatures]:
    """Yield a source of features of another tool, if they are as planned.

    Raises
    ------
    FringeError
        As `planned_source` does.
    """
    with planned_source(config, name) as source:
        assert isinstance(source, GivenFeatures)
        yield source


def planned_labels(config: RunConfig, names: Iterable[str]) -> dict[str, ClassLabels]:
    """Return the classes of the images of each of these sources, if labels are as planned.

    Raises
    ------
    FringeError
        If they are not, or cannot be read.
    """
    return {name: _planned_labels(config, name) for name in names}


def _planned_labels(config: RunConfig, name: str) -> ClassLabels:
    with _told_as(f"labels/{name}"):
        source = images.open_configured(config, name)
        known, found = known_labels(source), class_labels(source)
        if known is None or found is None or known.identity != config.planned[f"labels/{name}"]:
            raise ChangedError("labels are others than the run was planned with")
    return found


@contextmanager
def planned_images(config: RunConfig, name: str, at_least: int = 0) -> Iterator[ImageSource]:
    """Yield what `fringe.plan.images.open_images` returns, if its images are as planned.

    Raises
    ------
    FringeError
        As `planned_shard` does, of all images.
    """
    source = images.open_images(config, name, at_least)
    with _all_as_planned(config, name, source):
        yield source


@contextmanager
def planned_nearby(config: RunConfig, name: str, count: int) -> Iterator[ImageSource]:
    """Yield what `fringe.plan.images.images_nearby` does, if its images are as planned.

    Raises
    ------
    FringeError
        As `planned_shard` does, of all images.
    """
    with (
        images.images_nearby(config, name, count) as source,
        _all_as_planned(config, name, source),
    ):
        yield source


@contextmanager
def planned_seed(config: RunConfig, name: str, seed: int) -> Iterator[ImageSource]:
    """Yield what `fringe.plan.images.open_seeded` returns, if the generator is as planned.

    Raises
    ------
    FringeError
        If it is not, or no longer when the images have been made.
    """
    source = config.sources[name]
    with ExitStack() as stack:
        if isinstance(source, GeneratorSource):
            stack.enter_context(_told_as(f"sources/{name}"))
            stack.enter_context(steady(as_path(source.path)))
        stack.enter_context(planned_images(config, name))
        yield images.open_seeded(config, name, seed)


@contextmanager
def planned_file(config: RunConfig, path: str | Path) -> Iterator[None]:
    """Run a block that reads a file, which must be the planned one from its start to its end.

    A file that was not there when the run was planned, and of which no digest is published, must
    only stay as it is.

    Raises
    ------
    FringeError
        If the file is another one.
    """
    path = str(Path(path))
    with _told_as(path), steady(path):
        expected = config.planned.get(path)
        if expected is not None and digests.digest(path, config) != expected:
            raise ChangedError("it has another SHA-256 than the run was planned with")
        yield


def planned_network(config: RunConfig, name: str, precision: Precision) -> FeatureNetwork:
    """Return a network of a run on the configured device, with the weights that were planned.

    Raises
    ------
    FringeError
        If the weights are others, or as `fringe.networks.load_network` does.
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
    # A source whose images are made may have been lengthened.
    asked = config.sources[name]
    count = len(source) if isinstance(asked, FilesSource | FeaturesSource) else asked.count
    found = digest([count, source.fingerprint_of(0, count)])
    with _as_planned(config, f"sources/{name}", found, source):
        yield


@contextmanager
def _as_planned(
    config: RunConfig, name: str, found: str, source: ImageSource, part: str = ""
) -> Iterator[None]:
    """Run a block that reads images of a source, of whose part the fingerprint was ``found``."""
    with _told_as(name, _containers(source)):
        if found != config.planned[f"{name}{part}"]:
            raise ChangedError("it has another fingerprint than the run was planned with")
        yield


def _containers(source: ImageSource) -> list[Path]:
    """Return the files of images or features that cannot be read if others replace them meanwhile.

    An image of a folder tells for itself.
    """
    files = source.source if isinstance(source, Selection) else source
    alone = isinstance(files, FolderSource)
    if isinstance(files, FileSource | GivenFeatures) and not alone:
        return list(files.files)
    return []


@contextmanager
def _told_as(name: str, files: list[Path] | None = None) -> Iterator[None]:
    """Say what to do if the block finds a change, or fails and one of ``files`` has changed."""
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
    except FringeError:  # one is missing
        return ""


def _changed(name: str, found: str = "") -> FringeError:
    told = f" ({found})" if found else ""
    return FringeError(
        f"{name}: its data changed under the run{told}; nothing was made of it: run again as soon "
        "as nothing changes it any more"
    )
