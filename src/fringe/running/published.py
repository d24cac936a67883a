"""Fetch files of the catalogue, by name or for a configuration that names them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from fringe.config.choices import used_sources
from fringe.config.completion import complete_file
from fringe.config.file import read_config
from fringe.config.published import published_in
from fringe.config.sources import FileSource, FilesSource, GeneratorSource, Statistics
from fringe.errors import FringeError
from fringe.running.fetching import fetch_source, fetch_statistics
from fringe.sources import is_there
from fringe.sources.catalogue import PREFIX, published

__all__ = ["fetch_catalogue_files", "fetch_published"]

LOGGER = logging.getLogger(__name__)


def fetch_published(name: str, data_dir: Path = Path()) -> str:
    """Fetch a file of the catalogue unless it exists, and return a line about the file.

    Parameters
    ----------
    name : str
        Name of the entry, with or without the prefix ``published:``.
    data_dir : Path
        The key ``data_dir`` of a configuration. The file is written to ``data/published`` in this
        folder.

    Returns
    -------
    str
        The path, and the SHA-256 of a fetched file.

    Raises
    ------
    FringeError
        If there is no such entry, or the file cannot be fetched.

    Examples
    --------
    >>> fetch_published("edm/cifar10")  # doctest: +SKIP
    'data/published/edm/cifar10.npz: fetched, SHA-256 ...'
    """
    entry = published(name)
    title, path = f"{PREFIX}{entry.name}", str(data_dir / entry.path)
    if is_there(path):
        return f"{path}: already exists"
    about: dict[str, Any] = {"path": path, "url": list(entry.urls)}
    optional = {"note": entry.note, "sha256": entry.sha256}
    about |= {key: value for key, value in optional.items() if value}
    if "generator" in entry.kinds:
        digest = fetch_source(title, GeneratorSource(kind="generator", count=2, **about))
    elif "statistics" in entry.kinds:
        digest = fetch_statistics(title, Statistics(count=entry.count or 2, **about))
    else:
        digest = fetch_source(title, FilesSource(**about))
    return f"{path}: fetched, SHA-256 {digest}"


def fetch_catalogue_files(configfile: Path, allow_missing: bool = False) -> None:
    """Fetch missing files that a configuration names as ``published:<name>`` and uses.

    Other files with an address are not fetched, because they may be hundreds of gigabytes. They are
    fetched by `fringe stage`.

    Parameters
    ----------
    configfile : Path
        The run's configuration.
    allow_missing : bool
        Continue without files that cannot be fetched, like ``missing: skip`` in the configuration.

    Raises
    ------
    FringeError
        If a file cannot be fetched, or the configuration has faults.
    """
    named = published_in(read_config(configfile))
    if not named:
        return
    config = complete_file(configfile)
    for name in used_sources(config):
        source = config.sources[name]
        try:
            is_named = ("sources", name) in named
            if is_named and isinstance(source, FileSource) and not is_there(source.path):
                LOGGER.info("%s: fetched, SHA-256 %s", source.path, fetch_source(name, source))
            for network, given in source.statistics.items():
                keys = ("sources", name, "statistics", network)
                if keys in named and not is_there(given.path):
                    digest = fetch_statistics("/".join(keys), given)
                    LOGGER.info("%s: fetched, SHA-256 %s", given.path, digest)
        except FringeError as error:
            if not allow_missing and config.missing != "skip":
                raise
            LOGGER.warning("%s", error)
