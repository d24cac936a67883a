"""What a run needs from outside: fetched where there is an address, before a job is submitted.

Nodes of a cluster often have no network, and a data set that is missing is better found on the
login node. Everything is looked at once, and told at once: `fringe stage my.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Literal

import yaml

from fringe.config import choices, faults
from fringe.config.completion import complete_file, raise_faults
from fringe.config.model import RunConfig
from fringe.config.snapshots import files_of
from fringe.config.sources import FileSource, Statistics
from fringe.errors import FringeError
from fringe.files.regular import fault_at, read_text
from fringe.networks import fetch_weight_file, network_weight_files, only_installed
from fringe.networks.weight_files import WeightFile, find
from fringe.plan import layout
from fringe.plan.omission import obtain, without_absent
from fringe.running.fetching import fetch_source, fetch_statistics
from fringe.sources import is_there, source_from_spec

__all__ = ["Item", "explain", "fetch_for_run", "fetch_named", "folders_outside", "table"]

GONE = ("missing", "left out")


@dataclass(frozen=True)
class Item:
    """Something that a configuration names.

    Parameters
    ----------
    key : str
        Where the configuration names it.
    path : str
        Where it is, or is expected.
    state : str
        Whether it was "there", was "fetched", is "missing" or not what it should be, or is missing
        and is "left out" (`missing: skip`).
    note : str
        What was found, or what is wrong and how it is mended.
    origin : str
        Where a missing one comes from, in the configuration's own words; "" where it says nothing.
    """

    key: str
    path: str
    state: Literal["there", "fetched", "missing", "left out"]
    note: str
    origin: str = ""


def fetch_for_run(configfile: Path, allow_missing: bool = False) -> list[Item]:
    """Fetch what a run needs and has an address, and look for all else that it names.

    Parameters
    ----------
    configfile : Path
        The run's configuration.
    allow_missing : bool
        Leave out what needs files that are not there, as ``missing: skip`` does.

    Returns
    -------
    list of Item
        Weights, sources that data sets use, their published statistics, and masks.

    Raises
    ------
    FringeError
        If a file cannot be read, or the configuration has faults of its own.
    """
    text, config = _read(configfile)
    if allow_missing:
        config = config.model_copy(update={"missing": "skip"})
    with only_installed(not config.allow_code):
        data = [*_data(config, text)]
        # Weights only of networks that the rest of the run asks for.
        resolved = without_absent(config)
        raise_faults(resolved.faults, [configfile], resolved.advice)
        if resolved.config.left_out is not None:
            gone = {one["key"] for one in resolved.config.left_out["files"]}
            data = [replace(one, state="left out") if one.key in gone else one for one in data]
        return [*_weight_files(resolved.config), *data]


def fetch_named(name: str, configfile: Path) -> str:
    """Fetch the file of one source of a configuration, unless it is there, and say what it is.

    Raises
    ------
    FringeError
        If there is no such source, it has no file or address, or the file cannot be had.
    """
    _, config = _read(configfile)
    source = config.sources.get(name)
    if source is None:
        raise FringeError(
            f"{name}: neither a network nor a source of {configfile}; its sources are "
            f"{', '.join(config.sources)}"
        )
    if not isinstance(source, FileSource):
        raise FringeError(f"{name}: a source of kind {source.kind} has no file to fetch")
    if is_there(source.path):
        return f"{source.path}: is there already"
    return f"{source.path}: fetched, SHA-256 {fetch_source(name, source)}"


def _read(configfile: Path) -> tuple[str, RunConfig]:
    """Return a configuration as it is written, and completed."""
    config = complete_file(configfile)
    return read_text(configfile), config


def _weight_files(config: RunConfig) -> Iterator[Item]:
    """Look for the weights of each network, and fetch them where they are published."""
    folder = Path(config.weights_dir)
    for network in choices.networks_of_run(config):
        key = f"weights of {network}"
        if network in config.weights:
            fault = faults.given_weight_file_fault(config, network, layout.hash_cache(config))
            path, _ = choices.given_weight_file(config.weights[network])
            yield Item(key, str(path), *(("missing", fault) if fault else ("there", "your own")))
            continue
        files: Sequence[WeightFile] = ()
        try:
            files = network_weight_files(network)
            before = find(files, folder)
            found = fetch_weight_file(network, folder)  # checks what is there
        except FringeError as error:
            place = str(folder / files[0].name) if files else ""
            yield Item(key, place, "missing", str(error))
            continue
        if found is None:
            yield Item(key, "", "there", "come with it")
            continue
        lying = find(files, folder)
        published = files[0] if lying is None else lying[0]
        checked = "SHA-256 as published" if published.sha256 else "no SHA-256 is published"
        yield Item(key, str(found), "there" if before else "fetched", checked)


def _data(config: RunConfig, text: str) -> Iterator[Item]:
    """Look for every file of images, generator, statistics and mask that a data set uses.

    A source that is not there and has an address is fetched.
    """
    for name in choices.used_sources(config):
        source = config.sources[name]
        if isinstance(source, FileSource):
            yield _source(config, name, source, text)
        for network, given in source.statistics.items():
            yield _statistics(config, name, network, given)
    for name, dataset in config.datasets.items():
        if isinstance(dataset.region, str):
            yield _file(f"datasets/{name}/region", dataset.region)


def _source(config: RunConfig, name: str, source: FileSource, text: str) -> Item:
    key, path = f"sources/{name}", source.path
    state: Literal["there", "fetched"] = "there"
    try:
        told = ""
        if source.url is not None and not is_there(path):
            digest = fetch_source(name, source)
            state = "fetched"
            told = "" if source.sha256 is not None else f", SHA-256 {digest}, which is not stated"
        if files := files_of(source):
            return Item(key, path, state, f"{len(files):,} generators")
        if fault := faults.digest_fault(config, name, layout.hash_cache(config)):
            raise FringeError(fault)
        opened = source_from_spec(choices.source_spec(config, name), layout.hash_cache(config))
    except FringeError as error:
        origin = obtain(source) or _comment_above(text, "sources", name)
        return Item(key, path, "missing", str(error), origin)
    held = f"{len(opened):,} images"
    if left_out := getattr(opened, "left_out", ""):
        held += f", without {left_out}"
    note = f"generator of {held}" if source.is_trained else held
    if not source.has_images:
        note = f"features of {held}"
    return Item(key, path, state, note + told)


def _statistics(config: RunConfig, source: str, network: str, given: Statistics) -> Item:
    """Look for published statistics, and fetch them where they have an address."""
    key, told = f"sources/{source}/statistics/{network}", ""
    state: Literal["there", "fetched"] = "there"
    try:
        if given.url is not None and not is_there(given.path):
            digest = fetch_statistics(key, given)
            state = "fetched"
            told = "" if given.sha256 is not None else f"SHA-256 {digest}, which is not stated"
        if fault := faults.statistics_fault(config, source, network, layout.hash_cache(config)):
            raise FringeError(fault.removeprefix(f"{key}: "))
    except FringeError as error:
        return Item(key, given.path, "missing", str(error))
    return Item(key, given.path, state, told)


def _file(key: str, path: str) -> Item:
    fault = fault_at(path)
    return Item(key, path, "missing" if fault else "there", fault or "")


def _comment_above(text: str, section: str, name: str) -> str:
    """Return the comment over an entry of a YAML file, or over the group of entries it is in."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    begin, entries = _entries(root).get(section, (0, None))
    if name not in (starts := _entries(entries)):  # merged in from elsewhere
        return ""
    comment: list[str] = []
    for line in reversed(text.splitlines()[begin + 1 : starts[name][0]]):
        if line.lstrip().startswith("#"):
            comment.insert(0, line.strip().lstrip("# "))
        elif comment:
            break
    return " ".join(comment)


def _entries(node: yaml.Node | None) -> dict[str, tuple[int, yaml.Node]]:
    """Return the line of each key of a mapping, from 0, and its value."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return {str(key.value): (key.start_mark.line, value) for key, value in pairs}


def table(found: Sequence[Item]) -> str:
    """Return one line for each item: state, key, path, and what was found."""
    rows = [
        (item.state, item.key, item.path, "" if item.state in GONE else item.note) for item in found
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def explain(found: Sequence[Item]) -> str:
    """Return what is missing or left out, where it is expected, and where it comes from."""
    missing = [item for item in found if item.state in GONE]
    left_out = all(item.state == "left out" for item in missing)
    lines = [f"{len(missing)} of {len(found)} are {'left out' if left_out else 'missing'}:"]
    for origin, group in groupby(missing, key=lambda item: item.origin):
        lines += [f"  {item.key}: {item.note}".replace("\n", "\n    ") for item in group]
        lines += [f"    The configuration says: {origin}"] if origin else []
    return "\n".join(lines)


def folders_outside(found: Iterable[Item]) -> list[str]:
    """Return the folders of items that lie outside the current one, which a container must bind."""
    here = Path.cwd()
    places = {Path(item.path).resolve().parent for item in found if item.path}
    return sorted(str(place) for place in places if not place.is_relative_to(here))
