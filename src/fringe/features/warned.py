"""What feature files say of images that decoders warned of (`fringe.sources.decoder_warnings`)."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from fringe.errors import FringeError
from fringe.files import attributes, open_h5
from fringe.sources.decoder_warnings import summary

__all__ = ["warned_shards", "warned_sources"]


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
        told = _told(folder / name)
        if told is not None:
            sentences.append(f"Source {Path(name).parent.name}: {told}.")
    return sentences


def warned_shards(folder: Path, shards: Mapping[str, str]) -> str | None:
    """Return a clause on the first shard below ``folder`` that a decoder warned of; None if none.

    Parameters
    ----------
    folder : Path
        That of a source's features, which holds a folder for each network.
    shards : mapping of str to str
        By the name of each shard the fingerprint of its images as they are now: features of other
        images say nothing of them.
    """
    for path in sorted(folder.glob("*/*.h5")):
        told = _told(path, shards.get(path.stem)) if path.stem in shards else None
        if told is not None:
            return told
    return None


def _told(path: Path, images: str | None = None) -> str | None:
    try:
        with open_h5(path) as file:
            about = attributes(file)
            total = len(file["features"])
    except (FringeError, KeyError):
        return None  # not there, or damaged, which is said where it is used
    if not about.get("warned") or images not in (None, about.get("images")):
        return None
    return summary(about["warned"], total, map(tuple, json.loads(about["first_warned"])))
