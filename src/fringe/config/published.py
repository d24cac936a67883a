"""Replacement of catalogue names (`published:<name>`) in a configuration by their entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fringe.config.messages import trail
from fringe.errors import FringeError
from fringe.sources.catalogue import Published, is_published, published

__all__ = ["published_in", "settle_published"]

_KINDS = {"files": "images", "generator": "generator"}


def settle_published(config: dict[str, Any]) -> list[str]:
    """Replace catalogue names by path, address, digest, licence and note, in place.

    Keys that the configuration sets do not change. Statistics also get their number of images.

    Returns
    -------
    list of str
        The faults: names that are not in the catalogue, or entries of another kind. Wrong
        statistics are removed from the configuration.
    """
    faults = []
    for keys, holder, kind in _places(config):
        key = keys[-1]
        try:
            entry = published(holder[key], kind)
            if kind == "statistics":
                _require_network(entry, keys)
        except FringeError as error:
            faults.append(f"{trail(keys)}: {error}")
            if keys[-2] == "statistics":
                del holder[key]
            continue
        if keys[-2] == "statistics":
            holder[key] = {"path": entry.path, "count": entry.count, **_origin(entry)}
        else:
            keys_of_entry = _origin(entry)
            if kind == "statistics":
                keys_of_entry["count"] = entry.count
            holder |= {name: keys_of_entry[name] for name in keys_of_entry if name not in holder}
            holder[key] = entry.path
    return faults


def published_in(config: Mapping[str, Any]) -> set[tuple[str, ...]]:
    """Return the sources and statistics with a catalogue name in an uncompleted configuration.

    >>> sorted(published_in({"sources": {"a": {"path": "published:x/y", "kind": "generator"}}}))
    [('sources', 'a')]
    """
    return {keys[:-1] if keys[-1] == "path" else keys for keys, holder, _ in _places(config)}


def _places(config: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Any], str]]:
    """Yield the catalogue names: the path of keys, the mapping of the last key, and the kind."""
    sources = config.get("sources")
    for name, source in list(sources.items()) if isinstance(sources, Mapping) else ():
        if not isinstance(source, dict):
            continue
        if is_published(source.get("path")):
            kind = str(source.get("kind", "files"))
            yield ("sources", name, "path"), source, _KINDS.get(kind, f"{kind} of images")
        statistics = source.get("statistics")
        if not isinstance(statistics, dict):
            continue
        for network, given in list(statistics.items()):
            keys = ("sources", name, "statistics", network)
            if is_published(given):
                yield keys, statistics, "statistics"
            elif isinstance(given, dict) and is_published(given.get("path")):
                yield (*keys, "path"), given, "statistics"


def _require_network(entry: Published, keys: tuple[str, ...]) -> None:
    network = keys[3]
    if network not in entry.networks:
        raise FringeError(
            f"published:{entry.name}: has statistics of {' and '.join(entry.networks)}; name it "
            f"for that network, or give statistics of {network}"
        )


def _origin(entry: Published) -> dict[str, Any]:
    """Return the keys that describe the origin of a file, without keys that have no value."""
    urls = entry.urls[0] if len(entry.urls) == 1 else list(entry.urls)
    found = {
        "url": urls,
        "sha256": entry.sha256,
        "licence": entry.licence,
        "size": entry.size,
        "note": entry.note,
    }
    return {key: value for key, value in found.items() if value}
