"""Warnings of image decoders in feature files (see `fringe.sources.decoder_warnings`)."""

import json
from collections.abc import Iterable, Mapping
from itertools import repeat
from pathlib import Path

from fringe.errors import FringeError
from fringe.files.hdf5 import attributes, open_h5
from fringe.sources.decoder_warnings import summary

__all__ = ["damage_of", "warned_shards", "warned_sources"]


def warned_sources(folder: Path, files: Iterable[str]) -> list[str]:
    """Return a sentence for each source that has images with a decoder's warning.

    Parameters
    ----------
    folder : Path
        The folder of a run's features.
    files : iterable of str
        Linked feature files in ``folder``, ``<source>/<network>.h5``. Files that do not exist, and
        files of earlier versions, which did not count warnings, are ignored.
    """
    sentences = []
    for name in files:
        clause = _warning_clause([folder / name])
        if clause is not None:
            sentences.append(f"Source {Path(name).parent.name}: {clause}.")
    return sentences


def damage_of(folder: Path, read: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Return the sentences of `warned_sources` for the feature files of each data set, by name."""
    return {dataset: warned_sources(folder, files) for dataset, files in read.items()}


def warned_shards(folder: Path, shards: Mapping[str, str]) -> str | None:
    """Return a clause on the images with a decoder's warning, or None without such images.

    Each network has separate shards of the same images. The clause describes the shards of the
    first network that has warnings.

    Parameters
    ----------
    folder : Path
        The folder of a source's features, which contains a folder for each network.
    shards : mapping of str to str
        Name of each shard -> current fingerprint of its images. Features of other images are
        ignored.
    """
    for network in sorted(folder.glob("*/")):
        paths = [path for path in sorted(network.glob("*.h5")) if path.stem in shards]
        clause = _warning_clause(paths, [shards[path.stem] for path in paths])
        if clause is not None:
            return clause
    return None


def _warning_clause(
    paths: Iterable[Path], images: Iterable[str | None] = repeat(None)
) -> str | None:
    """Return a clause on the warnings in feature files.

    If fingerprints of ``images`` are given, files of other images are ignored.
    """
    number = total = 0
    first: list[tuple[str, str]] = []
    for path, wanted in zip(paths, images, strict=False):
        try:
            with open_h5(path) as file:
                about = attributes(file)
                count = len(file["features"])
        except (FringeError, KeyError):
            continue  # missing or damaged, which is reported by the code that uses the file
        if wanted in (None, about.get("images")):
            total += count
            number += about.get("warned", 0)
            first += map(tuple, json.loads(about.get("first_warned", "[]")))
    return summary(number, total, first) if number else None
