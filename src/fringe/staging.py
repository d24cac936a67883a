"""What a run needs from outside: weights fetched, data looked for, before a job is submitted.

Nodes of a cluster often have no network, and a data set that is missing is better found on the
login node. Everything is looked at once, and told at once: `fringe stage my.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import yaml

from fringe import plan
from fringe.config import complete, duplicate_keys, items, load_schema, raise_faults
from fringe.errors import FringeError
from fringe.networks import fetch_weights, network_weights
from fringe.networks.weights import WeightsFile, find
from fringe.sources import source_from_spec

__all__ = ["Item", "explain", "folders_outside", "stage", "table"]


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
        Whether it was "there", was "fetched", or is "missing" or not what it should be.
    note : str
        What was found, or what is wrong and how it is mended.
    origin : str
        Where a missing one comes from, in the configuration's own words; "" where it says nothing.
    """

    key: str
    path: str
    state: Literal["there", "fetched", "missing"]
    note: str
    origin: str = ""


def stage(configfile: Path, schema: Path) -> list[Item]:
    """Fetch the weights that a run needs to its ``weights_dir``, and look for all else it names.

    Parameters
    ----------
    configfile : Path
        The run's configuration.
    schema : Path
        ``config/schema.yaml``.

    Returns
    -------
    list of Item
        Weights, sources that data sets use, their published statistics, and masks.

    Raises
    ------
    FringeError
        If a file cannot be read, or the configuration has faults of its own.
    """
    for path in (configfile, schema):
        if not path.is_file():
            raise FringeError(f"{path}: is not there; correct the path, or run in the repository")
    text = configfile.read_text()
    try:
        written = yaml.safe_load(text)
        faults = duplicate_keys(configfile)
    except yaml.YAMLError as error:
        raise FringeError(f"{configfile}: is no YAML ({error}); correct it") from error
    if not isinstance(written, Mapping):
        raise FringeError(f"{configfile}: holds no keys; see docs/configuration.md")
    config, more = complete(written, load_schema(schema))
    raise_faults([*faults, *more])
    return [*_weights(config), *_data(config, text)]


def _weights(config: Mapping[str, Any]) -> Iterator[Item]:
    """Look for the weights of each network, and fetch them where they are published."""
    folder = Path(config["weights_dir"])
    for network in plan.networks(config):
        key = f"weights of {network}"
        if network in config["weights"]:
            fault = plan.given_weights_fault(config, network, plan.hash_cache(config))
            given = config["weights"][network]
            path = given if isinstance(given, str) else given["path"]
            yield Item(key, path, *(("missing", fault) if fault else ("there", "your own")))
            continue
        files: Sequence[WeightsFile] = ()
        try:
            files = network_weights(network)
            before = find(files, folder)
            found = fetch_weights(network, folder)  # checks what is there
        except FringeError as error:
            place = str(folder / files[0].name) if files else ""
            yield Item(key, place, "missing", str(error))
            continue
        if found is None:
            yield Item(key, "", "there", "come with it")
            continue
        (published,) = (file for file in files if file.name == found.name)
        checked = "SHA-256 as published" if published.sha256 else "no SHA-256 is published"
        yield Item(key, str(found), "there" if before else "fetched", checked)


def _data(config: Mapping[str, Any], text: str) -> Iterator[Item]:
    """Look for every file of images, generator, statistics and mask that a data set uses."""
    for name in plan.used_sources(config):
        source = config["sources"][name]
        if "path" in source:
            origin = _comment_above(text, "sources", name)
            try:
                opened = source_from_spec(plan.source_spec(config, name), plan.hash_cache(config))
                held = f"{len(opened):,} images"
                note = held if source["kind"] == "files" else f"generator of {held}"
                yield Item(f"sources/{name}", source["path"], "there", note)
            except FringeError as error:
                yield Item(f"sources/{name}", source["path"], "missing", str(error), origin)
        for network, given in items(source, "statistics"):
            yield _file(f"sources/{name}/statistics/{network}", given["path"])
    for name, dataset in items(config, "datasets"):
        if isinstance(dataset.get("region"), str):
            yield _file(f"datasets/{name}/region", dataset["region"])


def _file(key: str, path: str) -> Item:
    if Path(path).is_file():
        return Item(key, path, "there", "")
    return Item(key, path, "missing", f"{path}: is not there; correct the path or put it there")


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
        (item.state, item.key, item.path, "" if item.state == "missing" else item.note)
        for item in found
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def explain(found: Sequence[Item]) -> str:
    """Return what is missing, where it is expected, and where it comes from."""
    missing = [item for item in found if item.state == "missing"]
    lines = [f"{len(missing)} of {len(found)} are missing:"]
    for origin, group in groupby(missing, key=lambda item: item.origin):
        lines += [f"  {item.key}: {item.note}".replace("\n", "\n    ") for item in group]
        lines += [f"    The configuration says: {origin}"] if origin else []
    return "\n".join(lines)


def folders_outside(found: Iterable[Item]) -> list[str]:
    """Return the folders of items that lie outside the current one, which a container must bind."""
    here = Path.cwd()
    places = {Path(item.path).resolve().parent for item in found if item.path}
    return sorted(str(place) for place in places if not place.is_relative_to(here))
