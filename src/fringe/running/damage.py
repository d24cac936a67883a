"""Search for files of a run that a crash, a full disk or a bad copy has damaged."""

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

__all__ = ["damaged_files", "rename_corrupt", "rename_damaged"]

LOGGER = logging.getLogger(__name__)

SUFFIX = ".damaged"


def rename_damaged(run: Path, *, dry: bool = False) -> list[Path]:
    """Rename every damaged file below the folder ``run`` to ``*.damaged``.

    A warning reports each file. With ``dry``, no file is renamed.

    Returns
    -------
    list of Path
        Files that must be made again: the damaged files, files that were renamed earlier and have
        not been made again since, and files that a job began to write and that do not exist.
    """
    damaged = damaged_files(run)
    for path, reason in damaged.items():
        if dry:
            LOGGER.warning("%s: %s\n  a run would rename it", path, reason)
        else:
            _rename(run, path, reason)
    renamed = {path.with_suffix("") for path in run.glob(f"**/*{SUFFIX}")}
    gone = {path for path in renamed if not path.exists()}
    return sorted({*damaged, *gone, *seals.unfinished(run)})


def rename_corrupt(run: Path, path: Path) -> bool:
    """Rename one file that a job could not read, and return whether the file is really corrupt.

    The whole file is read again, because a file system may only have been unavailable for a moment.
    """
    if not path.exists():
        return False
    try:
        reason = seals.fault(run, path)
    except FringeError:
        return False
    if reason is None and _is_corrupt(path):
        reason = "cannot be read completely"
    if reason is not None:
        _rename(run, path, reason)
    return reason is not None


def damaged_files(run: Path) -> dict[Path, str]:
    """Return every damaged file below the folder ``run``, with the reason.

    A file is damaged if it differs from its seal (`fringe.files.seals`). An HDF5 file is also
    damaged if it is truncated, is not HDF5, contains other images than its name says, or (a linked
    feature file) refers to a missing or damaged shard. In the last case only the linked file and
    that shard must be made again. Only the headers of large files are read, not the arrays. A job
    detects a flipped bit inside an array by the array's checksum (`rename_corrupt`).
    """
    found: dict[Path, str] = {}
    paths = {path for path in run.glob("**/*.h5") if not path.name.startswith(".")}
    sealed = set(seals.sealed(run))
    for path in sorted(paths | sealed):
        place = path.relative_to(run)
        reason = seals.fault(run, path) if path in sealed else None
        if reason is None and path in paths and layout.is_features(place):
            # Damaged shards are not opened. They are found before the file that links them.
            damaged = [shard for shard in found if shard.parent == path.with_suffix("")]
            reason = _linked_among(damaged, path)
        # A file that matches its seal is whole. The seal does not cover the shards that it links.
        if reason is None and path in paths and (path not in sealed or layout.is_features(place)):
            reason = _damage(path, place)
        if reason is not None:
            found[path] = reason.removeprefix(f"{path}: ")
    return found


def _rename(run: Path, path: Path, reason: str) -> None:
    new = path.with_name(path.name + SUFFIX)
    path.replace(new)
    seals.remove(run, path)
    LOGGER.warning("%s: %s\n  renamed to %s; it will be made again", path, reason, new.name)


def _is_corrupt(path: Path) -> bool:
    """Read a whole HDF5 file, and return whether a checksum or anything else fails."""

    def read(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and item.is_virtual:
            return  # its rows are in other files; HDF5 returns fill values if it cannot read them
        if isinstance(item, h5py.Dataset) and item.ndim:
            step = max(1, (16 << 20) // max(1, item[:1].nbytes))  # about 16 MiB of rows
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
    """Return a message if a linked feature file refers to one of these shards, otherwise None."""
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
    """Return the damage that the header of an HDF5 file shows, or None.

    ``place`` is the path of the file relative to the run's folder.
    """
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
        return f"contains images {about.get('first')} to {about.get('last')}"
    network = about.get("network")
    if network is not None and file_name(str(network)) != place.parent.name:
        return f"contains features of {network}"
    return None
