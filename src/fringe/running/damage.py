"""Files that a crash, a full disk or a bad copy left damaged are found before they are used."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

import h5py

from fringe.errors import FringeError
from fringe.features import verify
from fringe.files import seals
from fringe.files.hdf5 import attributes, open_h5
from fringe.files.parsing import parse_json
from fringe.networks import file_name
from fringe.plan import layout

__all__ = ["damaged_files", "set_corrupt_aside", "set_damaged_aside"]

LOGGER = logging.getLogger(__name__)

SUFFIX = ".damaged"


def set_damaged_aside(run: Path, *, dry: bool = False) -> list[Path]:
    """Rename every damaged file below the folder ``run`` to ``*.damaged``.

    A warning reports each; with ``dry`` that is all.

    Returns
    -------
    list of Path
        Files that are to be made again where a run has them: those that are set aside (with
        ``dry``, would be), those that were before and have not come again, and those that a job
        began to make and that are not there.
    """
    damaged = damaged_files(run)
    for path, reason in damaged.items():
        if dry:
            LOGGER.warning("%s: %s\n  a run would set it aside", path, reason)
        else:
            _set_aside(run, path, reason)
    aside = {path.with_suffix("") for path in run.glob(f"**/*{SUFFIX}")}
    gone = {path for path in aside if not path.exists()}
    return sorted({*damaged, *gone, *seals.unfinished(run)})


def set_corrupt_aside(run: Path, path: Path) -> bool:
    """Rename one file that could not be used, if it really is corrupt; tell whether it was.

    All of it is read once more: a file system that was away for a moment damages nothing.
    """
    if not path.exists():
        return False
    try:
        reason = seals.fault(run, path)
    except FringeError:
        return False
    if reason is None and _is_corrupt(path):
        reason = "cannot be read whole"
    if reason is not None:
        _set_aside(run, path, reason)
    return reason is not None


def damaged_files(run: Path) -> dict[Path, str]:
    """Return every damaged file below the folder ``run``, and what is wrong with it.

    A file is damaged if it is not what was sealed (`fringe.files.seals`). So is an HDF5 file that
    is cut short, is not HDF5, holds other images than its name says, or (a linked feature file)
    refers to a shard that is missing or damaged: then only it and that shard are to be made again.
    Of large files headers are read, not arrays; a flipped bit inside an array is caught by its
    checksum when it is read (`set_corrupt_aside`).
    """
    found: dict[Path, str] = {}
    paths = {path for path in run.glob("**/*.h5") if not path.name.startswith(".")}
    sealed = set(seals.sealed(run))
    for path in sorted(paths | sealed):
        place = path.relative_to(run)
        reason = seals.fault(run, path) if path in sealed else None
        if reason is None and path in paths and layout.is_features(place):
            # Of shards that are damaged nothing is read; they come before the file that links them.
            damaged = [shard for shard in found if shard.parent == path.with_suffix("")]
            reason = _linked_among(damaged, path)
        # What is as it was sealed is whole; the shards that a file links are not in it.
        if reason is None and path in paths and (path not in sealed or layout.is_features(place)):
            reason = _damage(path, place)
        if reason is not None:
            found[path] = reason.removeprefix(f"{path}: ")
    return found


def _set_aside(run: Path, path: Path, reason: str) -> None:
    new = path.with_name(path.name + SUFFIX)
    path.replace(new)
    seals.remove(run, path)
    LOGGER.warning("%s: %s\n  set aside as %s; it is made again", path, reason, new.name)


def _is_corrupt(path: Path) -> bool:
    """Read all of an HDF5 file, and tell whether a checksum or anything else fails."""

    def read(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and item.is_virtual:
            return  # its rows lie in other files, and HDF5 gives others where it cannot read them
        if isinstance(item, h5py.Dataset) and item.ndim:
            step = max(1, (16 << 20) // max(1, item[:1].nbytes))  # rows of some 16 MiB
            for first in range(0, len(item), step):
                item[first : first + step]
        elif isinstance(item, h5py.Dataset):
            item[()]

    try:
        with open_h5(path) as file:
            file.visititems(read)
    except FringeError:
        return True
    return False


def _linked_among(damaged: Sequence[Path], path: Path) -> str | None:
    """Return that a linked feature file refers to one of these shards, or None."""
    if not damaged:
        return None
    try:
        with open_h5(path) as file:
            links = parse_json(str(file.attrs["shards"]))
    except ValueError as error:
        return str(error)
    names = [shard.name for shard in damaged if f"{shard.parent.name}/{shard.name}" in links]
    return f"links shards that are damaged ({', '.join(names)})" if names else None


def _damage(path: Path, place: Path) -> str | None:
    """Return what the header of an HDF5 file at a place in a run tells of damage."""
    if layout.is_features(place):
        return verify(path)
    try:
        with open_h5(path) as file:
            about = attributes(file)
    except FringeError as error:
        return str(error)
    if place.parts[0] not in seals.BULK or re.fullmatch("[0-9]+-[0-9]+", place.stem) is None:
        return None
    if layout.parse_shard(place.stem) != (about.get("first"), about.get("last")):
        return f"holds images {about.get('first')} to {about.get('last')}"
    network = about.get("network")
    if network is not None and file_name(str(network)) != place.parent.name:
        return f"holds features of {network}"
    return None
