"""Files that a run needs from outside: check them, and fetch those with an address.

Nodes of a cluster often have no network, and a missing data set should be found on the login node,
before a job is submitted. `fringe stage my.yaml` checks all files and reports them at once.
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
    """A file that a configuration names.

    Parameters
    ----------
    key : str
        The key of the configuration that names the file.
    path : str
        The path of the file, whether the file exists or not.
    state : str
        "present", "fetched", "missing" (or wrong), or "left out" (missing, with `missing: skip`).
    note : str
        A description of the file, or what is wrong and how to fix it.
    origin : str
        How to get a missing file, according to the configuration; "" if the configuration does not
        say.
    """

    key: str
    path: str
    state: Literal["present", "fetched", "missing", "left out"]
    note: str
    origin: str = ""


def fetch_for_run(configfile: Path, allow_missing: bool = False) -> list[Item]:
    """Fetch the files of a run that have an address, and check all other files.

    Parameters
    ----------
    configfile : Path
        The run's configuration.
    allow_missing : bool
        Leave out results that need missing files, as ``missing: skip`` does.

    Returns
    -------
    list of Item
        Network weights, sources that data sets use, their published statistics, and masks.

    Raises
    ------
    FringeError
        If a file cannot be read, or the configuration has faults.
    """
    text, config = _read(configfile)
    if allow_missing:
        config = config.model_copy(update={"missing": "skip"})
    with only_installed(not config.allow_code):
        data = [*_data(config, text)]
        # Only weights of networks that the rest of the run needs.
        resolved = without_absent(config)
        raise_faults(resolved.faults, [configfile], resolved.advice)
        if resolved.config.left_out is not None:
            gone = {one["key"] for one in resolved.config.left_out["files"]}
            data = [replace(one, state="left out") if one.key in gone else one for one in data]
        return [*_weight_files(resolved.config), *data]


def fetch_named(name: str, configfile: Path) -> str:
    """Fetch the file of a source of a configuration unless it exists, and return a line about it.

    Raises
    ------
    FringeError
        If there is no such source, it has no file or address, or the file cannot be fetched.
    """
    _, config = _read(configfile)
    source = config.sources.get(name)
    if source is None:
        raise FringeError(
            f"{name}: neither a network nor a source of {configfile}, whose sources are "
            f"{', '.join(config.sources)}"
        )
    if not isinstance(source, FileSource):
        raise FringeError(f"{name}: a source of kind {source.kind} has no file to fetch")
    if is_there(source.path):
        return f"{source.path}: already exists"
    return f"{source.path}: fetched, SHA-256 {fetch_source(name, source)}"


def _read(configfile: Path) -> tuple[str, RunConfig]:
    """Return the text of a configuration, and the completed configuration."""
    config = complete_file(configfile)
    return read_text(configfile), config


def _weight_files(config: RunConfig) -> Iterator[Item]:
    """Check the weight files of each network, and fetch those that are published."""
    folder = Path(config.weights_dir)
    for network in choices.networks_of_run(config):
        key = f"weights of {network}"
        if network in config.weights:
            fault = faults.given_weight_file_fault(config, network, layout.hash_cache(config))
            path, _ = choices.given_weight_file(config.weights[network])
            yield Item(key, str(path), *(("missing", fault) if fault else ("present", "your own")))
            continue
        files: Sequence[WeightFile] = ()
        try:
            files = network_weight_files(network)
            before = find(files, folder)
            found = fetch_weight_file(network, folder)  # also checks an existing file
        except FringeError as error:
            place = str(folder / files[0].name) if files else ""
            yield Item(key, place, "missing", str(error))
            continue
        if found is None:
            yield Item(key, "", "present", "included in the network")
            continue
        existing = find(files, folder)
        published = files[0] if existing is None else existing[0]
        checked = "SHA-256 as published" if published.sha256 else "no SHA-256 is published"
        yield Item(key, str(found), "present" if before else "fetched", checked)


def _data(config: RunConfig, text: str) -> Iterator[Item]:
    """Check every file of images, generator, statistics and mask that a data set uses.

    A missing source with an address is fetched.
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
    state: Literal["present", "fetched"] = "present"
    try:
        added = ""
        if source.url is not None and not is_there(path):
            digest = fetch_source(name, source)
            state = "fetched"
            added = "" if source.sha256 is not None else f", SHA-256 {digest} (not configured)"
        if files := files_of(source):
            return Item(key, path, state, f"{len(files):,} generators")
        if fault := faults.digest_fault(config, name, layout.hash_cache(config)):
            raise FringeError(fault)
        opened = source_from_spec(choices.source_spec(config, name), layout.hash_cache(config))
    except FringeError as error:
        origin = obtain(source) or _comment_above(text, "sources", name)
        return Item(key, path, "missing", str(error), origin)
    content = f"{len(opened):,} images"
    if left_out := getattr(opened, "left_out", ""):
        content += f", without {left_out}"
    note = f"generator of {content}" if source.is_trained else content
    if not source.has_images:
        note = f"features of {content}"
    return Item(key, path, state, note + added)


def _statistics(config: RunConfig, source: str, network: str, given: Statistics) -> Item:
    """Check published statistics, and fetch them if they are missing and have an address."""
    key, note = f"sources/{source}/statistics/{network}", ""
    state: Literal["present", "fetched"] = "present"
    try:
        if given.url is not None and not is_there(given.path):
            digest = fetch_statistics(key, given)
            state = "fetched"
            note = "" if given.sha256 is not None else f"SHA-256 {digest} (not configured)"
        if fault := faults.statistics_fault(config, source, network, layout.hash_cache(config)):
            raise FringeError(fault.removeprefix(f"{key}: "))
    except FringeError as error:
        return Item(key, given.path, "missing", str(error))
    return Item(key, given.path, state, note)


def _file(key: str, path: str) -> Item:
    fault = fault_at(path)
    return Item(key, path, "missing" if fault else "present", fault or "")


def _comment_above(text: str, section: str, name: str) -> str:
    """Return the comment above an entry of a YAML file, or above the entry's group."""
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
    """Return the line number (from 0) and the value of each key of a mapping."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return {str(key.value): (key.start_mark.line, value) for key, value in pairs}


def table(found: Sequence[Item]) -> str:
    """Return a line for each item: state, key, path, and note."""
    rows = [
        (item.state, item.key, item.path, "" if item.state in GONE else item.note) for item in found
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def explain(found: Sequence[Item]) -> str:
    """Return a description of missing or left-out files, with their paths and origins."""
    missing = [item for item in found if item.state in GONE]
    left_out = all(item.state == "left out" for item in missing)
    lines = [f"{len(missing)} of {len(found)} are {'left out' if left_out else 'missing'}:"]
    for origin, group in groupby(missing, key=lambda item: item.origin):
        lines += [f"  {item.key}: {item.note}".replace("\n", "\n    ") for item in group]
        lines += [f"    The configuration says: {origin}"] if origin else []
    return "\n".join(lines)


def folders_outside(found: Iterable[Item]) -> list[str]:
    """Return the folders of items outside the current folder, which a container must bind."""
    here = Path.cwd()
    places = {Path(item.path).resolve().parent for item in found if item.path}
    return sorted(str(place) for place in places if not place.is_relative_to(here))
