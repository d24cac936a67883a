"""Configuration of a comparison from the arguments of ``fringe compare`` or ``fringe audit``."""

from __future__ import annotations

import filecmp
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from fringe.comparison import FEWEST_IMAGES
from fringe.config.completion import complete, raise_faults
from fringe.errors import FringeError
from fringe.files.atomic import atomic_path
from fringe.generators.pipeline_folder import PIPELINE_INDEX
from fringe.networks import is_own_code, network_info, network_names, only_installed
from fringe.progress import activity
from fringe.running.locks import refuse_held
from fringe.running.protocol_counts import Counts
from fringe.running.snakemake_records import refuse_unrecorded
from fringe.sources import holds_features, source_from_spec

__all__ = ["Asked", "comparison_config", "write_config"]

LOGGER = logging.getLogger(__name__)

GENERATORS = (".pkl", ".pt", ".ts", ".safetensors")
FEATURES = (".npz", ".h5", ".hdf5")


@dataclass(frozen=True)
class Asked:
    """Arguments of ``fringe compare`` or ``fringe audit``.

    Attributes
    ----------
    real : Path
        File or folder of the real images.
    models : dict of list of Path
        Files of each model's trainings, by the model's name. The first model is the baseline.
    network : str
        The network of the main FID.
    controls : list of str
        Names of the control networks.
    name : str, optional
        Name of the run. By default it is derived from the name of the real images.
    count : int, optional
        Number of images of each model. By default, the number that the smallest model has.
    count_real : int, optional
        Number of real images. By default, all.
    held_out : Path, optional
        File or folder of held-out real images.
    trained_with : list of str
        Networks that a model was trained with.
    resolution : int, optional
        Width and height to which images in files are resized.
    settings : mapping
        Further keys of the configuration.
    labels : bool
        Whether the classes are the labels in the files.
    label : list of (int or str)
        Classes, or rules for classes, that generators make images of. With several labels, each
        generator counts as one model per label.
    classifier : str, optional
        The network whose Top-1 classes are counted. By default, ``network``.
    metrics : list of str
        Further metrics to measure: keys of `fringe.scores.asked_metrics.ASKED`.
    protocol : str, optional
        Name of the protocol to follow. The protocol's counts replace counts that are not given.
    """

    real: Path
    models: Mapping[str, Sequence[Path]]
    network: str
    controls: Sequence[str]
    name: str | None = None
    count: int | None = None
    count_real: int | None = None
    held_out: Path | None = None
    trained_with: Sequence[str] = ()
    resolution: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    labels: bool = False
    label: Sequence[int | str] = ()
    classifier: str | None = None
    metrics: Sequence[str] = ()
    protocol: str | None = None

    @property
    def networks(self) -> list[str]:
        """All networks in the arguments; the network of FID comes first."""
        counting = [] if self.classifier is None or self.labels else [self.classifier]
        return list(dict.fromkeys([self.network, *self.controls, *counting]))

    @property
    def comparison(self) -> str:
        """Name of the comparison in the configuration: ``audit`` for one model, else ``models``."""
        return "audit" if len(self.models) * max(1, len(self.label)) == 1 else "models"


def comparison_config(asked: Asked) -> dict[str, Any]:
    """Return the configuration of a comparison, in builtin types.

    Sources are opened to count their images.

    Raises
    ------
    FringeError
        If a file is missing or cannot be read, the same file is given twice, a generator has no
        ``count``, or a set has too few images.
    """
    _refuse_same(asked)
    _refuse_unknown(asked)
    protocol = Counts.of(asked.protocol)
    made_by_generators = asked.count or protocol.generated
    networks = asked.networks
    sources: dict[str, dict[str, Any]] = {}
    real = _add(sources, asked.real, networks, None)
    trainings = {}
    for model, paths in asked.models.items():
        _refuse_label(asked, paths)
        labels: Sequence[int | str | None] = asked.label or [None]
        for label in labels:
            name = f"{model} ({label})" if len(asked.label) > 1 else model
            trainings[name] = [
                _add(sources, path, networks, made_by_generators, label) for path in paths
            ]
    held_out = None
    if asked.held_out is not None:
        held_out = _add(sources, asked.held_out, networks, None)
    for source in sources.values():
        if asked.resolution is not None and "kind" not in source:
            source["resolution"] = asked.resolution
    have = {name: _length(name, source, networks) for name, source in sources.items()}
    made = [name for names in trainings.values() for name in names]
    images = {sources[name]["path"]: have[name] for name in made}
    n = _count(asked.count or protocol.count("generated", images, "--count"), images)
    n_real = asked.count_real or protocol.count("real", {asked.real: have[real]}, "--count-real")
    n_real = n_real or have[real]
    _refuse_few(asked.real, have[real], n_real, "--count-real")
    if held_out is not None:
        _refuse_few(asked.held_out, have[held_out], have[held_out])
    datasets = {
        f"model{place}": {"real": real, "generated": name, "resample": False}
        for place, name in enumerate(made, 1)
    }
    if asked.metrics:
        # Only Table S2 shows the titles.
        for place, title in enumerate(_titles(trainings), 1):
            datasets[f"model{place}"]["title"] = title
    places = iter(datasets)
    generators = {
        model: [next(places) for _ in names] if len(names) > 1 else next(places)
        for model, names in trainings.items()
    }
    run = f"compare-{_plain(asked.real)}" if asked.name is None else asked.name
    comparison: dict[str, Any] = {"title": run, "generators": generators}
    if held_out is not None:
        comparison["held_out"] = held_out
    if asked.trained_with:
        comparison["trained_with"] = list(asked.trained_with)
    if asked.labels:
        comparison["labels"] = True
    return {
        "run": run,
        **asked.settings,
        **({"protocol": asked.protocol} if asked.protocol else {}),
        "network": asked.network,
        # With labels as classes, no network predicts Top-1 classes.
        **({} if asked.classifier is None or asked.labels else {"classifier": asked.classifier}),
        "controls": list(asked.controls),
        # A user who names a function on the command line allows Fringe to run it.
        **({"allow_code": True} if any(map(is_own_code, networks)) else {}),
        "sources": sources,
        "datasets": datasets,
        "comparisons": {asked.comparison: comparison},
        "evaluation": {
            "n_real": n_real,
            "n_generated": n,
            # No exhibits are made, so recall needs no second network.
            "precision_recall": {"network": asked.network},
            **_metrics(asked),
        },
        "page": {"exhibits": False},
    }


def _titles(trainings: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the title of each training: the model's name, numbered if the model has several.

    >>> _titles({"A": ["a1", "a2"], "B": ["b"]})
    ['A 1', 'A 2', 'B']
    """
    return [
        f"{model} {number}" if len(names) > 1 else model
        for model, names in trainings.items()
        for number in range(1, len(names) + 1)
    ]


def _metrics(asked: Asked) -> dict[str, Any]:
    """Return the keys of `evaluation` about metrics: one repeat, because all images are used."""
    if not asked.metrics:
        return {"metrics": []} if asked.protocol else {}
    return {"metrics": list(asked.metrics), "repeats": {"metrics": 1}}


def write_config(config: Mapping[str, Any], results: Path) -> Path:
    """Write a configuration to ``results/<run>/config.yaml``, and return the path of the file.

    Raises
    ------
    FringeError
        If the configuration has faults, such as a name that leads out of ``results``, or a run
        with this name is active or was started in another folder. Nothing is written then.
    """
    raise_faults(complete(config).faults)
    folder = results / str(config["run"])
    refuse_held(folder)
    refuse_unrecorded(folder, Path(".snakemake", "metadata"))
    path = folder / "config.yaml"
    with atomic_path(path) as partial:
        text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
        partial.write_text(f"# Written by fringe; to make this run: fringe run {path}\n{text}")
    return path


def _refuse_unknown(asked: Asked) -> None:
    """Raise if the name of a network is unknown. Functions of the user are not checked here."""
    for option, networks in (
        ("--network", [asked.network]),
        ("--classifier", [] if asked.classifier is None else [asked.classifier]),
        ("--controls", asked.controls),
        ("--trained-with", asked.trained_with),
    ):
        for name in networks:
            if is_own_code(name):
                continue
            try:
                with only_installed():
                    network_info(name)
            except FringeError as error:
                raise FringeError(f"{option} {name}: {error}") from error


def _count(asked: int | None, have: Mapping[str, int]) -> int:
    """Return the number of images that are compared of each model."""
    n = asked or min(have.values())
    for path, count in have.items():
        _refuse_few(path, count, n, "--count")
        if asked is None and count > n:
            LOGGER.warning(
                "%s: only %d of %d images are used, because the smallest model has no more",
                *(path, n, count),
            )
    return n


def _refuse_few(path: Any, have: int, count: int, option: str = "") -> None:
    """Raise if ``option`` requests more images than the file has, or ``count`` is too small."""
    if have < count:
        raise FringeError(
            f"{path}: has {have} images, but {option} requests {count}; request fewer or add images"
        )
    if count < FEWEST_IMAGES:
        raise FringeError(
            f"{path}: {count} images are too few for a comparison; use at least {FEWEST_IMAGES} of "
            "each set"
        )


def _refuse_same(asked: Asked) -> None:
    given = [("the real images", asked.real)]
    given += [(f"model {model}", path) for model, paths in asked.models.items() for path in paths]
    if asked.held_out is not None:
        given.append(("the held-out images", asked.held_out))
    seen: dict[Path, str] = {}
    for what, path in given:
        if not path.exists():
            raise FringeError(f"{path}: does not exist; it is given as {what}; correct the path")
        place = path.resolve()
        same = next((one for one in seen if one == place or _is_copy(one, place)), None)
        if same is not None:
            copy = "" if same == place else f" (a copy of {same})"
            raise FringeError(
                f"{path}{copy}: is given as {seen[same]} and as {what}; a comparison of images "
                "with themselves has no meaning, so name another file"
            )
        seen[place] = what


def _is_copy(one: Path, other: Path) -> bool:
    """Return whether two files have the same bytes. Files of different sizes are not read."""
    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)


def _refuse_label(asked: Asked, paths: Sequence[Path]) -> None:
    """Raise if ``--label`` is given for a model that is not a generator, or repeats a label."""
    made = next((one for one in paths if not _is_generator(one)), None)
    if asked.label and made is not None:
        raise FringeError(
            f"{made}: not a generator, but --label sets the classes of which a generator makes "
            "images; remove --label, or compare only generators"
        )
    if len(set(asked.label)) < len(asked.label):
        raise FringeError(
            f"--label {' '.join(map(str, asked.label))}: has a duplicate; give each label once"
        )


def _add(
    sources: dict[str, dict[str, Any]],
    path: Path,
    networks: Sequence[str],
    count: int | None,
    label: int | str | None = None,
) -> str:
    """Add a source for a path, and return the source's name: the file's name, if that is free."""
    name = base = _plain(path)
    number = 2
    while name.casefold() in (one.casefold() for one in sources):
        name, number = f"{base}-{number}", number + 1
    sources[name] = _source(path, networks, count)
    if label is not None:
        sources[name]["label"] = label
    return name


def _is_generator(path: Path) -> bool:
    """Return whether a path is a generator's checkpoint or the folder of a pipeline."""
    return path.suffix.lower() in GENERATORS or (path / PIPELINE_INDEX).is_file()


def _source(path: Path, networks: Sequence[str], count: int | None) -> dict[str, Any]:
    if _is_generator(path):
        if count is None:
            raise FringeError(
                f"{path}: is a generator; set with --count how many images the generator makes"
            )
        kind = "diffusers" if path.is_dir() else "generator"
        return {"kind": kind, "path": str(path), "count": count}
    if path.suffix.lower() in FEATURES and holds_features(path, [*networks, *network_names()]):
        return {"kind": "features", "path": str(path)}
    return {"path": str(path)}


def _length(name: str, source: Mapping[str, Any], networks: Sequence[str]) -> int:
    if source.get("kind") in ("generator", "diffusers"):
        return int(source["count"])
    spec = {"kind": "files", **source}
    if spec["kind"] == "features":
        spec["networks"] = list(networks)
    with activity(f"opening {source['path']}"):
        return len(source_from_spec(spec))


def _plain(path: Path) -> str:
    """Return the name of a file or folder, reduced to characters of names of sources and runs."""
    name = re.sub(r"[^a-z0-9_-]+", "-", path.resolve().name.partition(".")[0].lower()).strip("-_")
    return name[:60] or "images"
