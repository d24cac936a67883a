"""Files that a crash, a full disk or a bad copy left damaged are found before they are used."""

import sys
from pathlib import Path

import h5py

from fringe.errors import FringeError
from fringe.features import verify
from fringe.files import open_h5

__all__ = ["damaged_files", "set_corrupt_aside", "set_damaged_aside"]


def set_damaged_aside(folder: Path, *, dry: bool = False) -> None:
    """Rename every damaged file below ``folder`` to ``*.damaged``, so that a run makes it again.

    Each is reported on stderr; with ``dry`` that is all.
    """
    for path, reason in damaged_files(folder).items():
        if dry:
            print(f"{path}: {reason}\n  a run would set it aside", file=sys.stderr)
        else:
            _set_aside(path, reason)


def set_corrupt_aside(path: Path) -> bool:
    """Rename one file that could not be read, if it really is corrupt; tell whether it was.

    All of it is read once more: a file system that was away for a moment damages nothing.
    """
    corrupt = path.exists() and _is_corrupt(path)
    if corrupt:
        _set_aside(path, "cannot be read whole")
    return corrupt


def damaged_files(folder: Path) -> dict[Path, str]:
    """Return every damaged HDF5 file below ``folder``, and what is wrong with it.

    A file is damaged if it is cut short, is not HDF5, or (a linked feature file) refers to a
    shard that is missing or damaged: then it and that shard alone are to be made again. The check
    reads headers, not arrays; a flipped bit inside an array is caught by its checksum when it is
    read (`set_corrupt_aside`).
    """
    found = {}
    for path in sorted(folder.glob("**/*.h5")):
        if path.name.startswith("."):
            continue  # an unfinished file of a killed job, never read by anyone
        reason = _damage(path, linked=path.parent.parent.name == "features")
        if reason is not None:
            found[path] = reason
    return found


def _set_aside(path: Path, reason: str) -> None:
    new = path.with_name(path.name + ".damaged")
    path.replace(new)
    print(f"{path}: {reason}\n  set aside as {new.name}; it is made again", file=sys.stderr)


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
    except (FringeError, RuntimeError, KeyError):
        return True
    return False


def _damage(path: Path, *, linked: bool) -> str | None:
    if linked:
        return verify(path)
    try:
        with open_h5(path):
            return None
    except FringeError as error:
        return str(error)
