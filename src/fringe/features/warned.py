"""What feature files say of images that decoders warned of (`fringe.sources.decoder_warnings`)."""

import json
from collections.abc import Iterable, Mapping
from itertools import repeat
from pathlib import Path

from fringe.errors import FringeError
from fringe.files.hdf5 import attributes, open_h5
from fringe.sources.decoder_warnings import summary

__all__ = ["damage_of", "warned_shards", "warned_sources"]


def warned_sources(folder: Path, files: Iterable[str]) -> list[str]:
    """Return a sentence for each source with images that a decoder warned of.

    Parameters
    ----------
    folder : Path
        That of a run's features.
    files : iterable of str
        Linked feature files in it, ``<source>/<network>.h5``. One that is not there says nothing,
        nor does one of an earlier version, which did not count.
    """
    sentences = []
    for name in files:
        told = _told([folder / name])
        if told is not None:
            sentences.append(f"Source {Path(name).parent.name}: {told}.")
    return sentences


def damage_of(folder: Path, read: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Return what `warned_sources` does for the feature files of each data set, by its name."""
    return {dataset: warned_sources(folder, files) for dataset, files in read.items()}


def warned_shards(folder: Path, shards: Mapping[str, str]) -> str | None:
    """Return a clause on the shards below ``folder`` that a decoder warned of; None if none.

    Each network has shards of its own of the same images. The clause is on those of one network,
    the first with warnings.

    Parameters
    ----------
    folder : Path
        That of a source's features, which holds a folder for each network.
    shards : mapping of str to str
        By the name of each shard the fingerprint of its images as they are now: features of other
        images say nothing of them.
    """
    for network in sorted(folder.glob("*/")):
        paths = [path for path in sorted(network.glob("*.h5")) if path.stem in shards]
        told = _told(paths, [shards[path.stem] for path in paths])
        if told is not None:
            return told
    return None


def _told(paths: Iterable[Path], images: Iterable[str | None] = repeat(None)) -> str | None:
    """Return a clause on feature files together, of ``images`` with these fingerprints if given."""
    number = total = 0
    first: list[tuple[str, str]] = []
    for path, wanted in zip(paths, images, strict=False):
        try:
            with open_h5(path) as file:
                about = attributes(file)
                count = len(file["features"])
        except (FringeError, KeyError):
            continue  # not there, or damaged, which is said where it is used
        if wanted in (None, about.get("images")):
            total += count
            number += about.get("warned", 0)
            first += map(tuple, json.loads(about.get("first_warned", "[]")))
    return summary(number, total, first) if number else None
