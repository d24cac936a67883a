"""Files that a crash, a full disk or a bad copy left damaged are found before they are used."""

import sys
from pathlib import Path

from fringe.errors import FringeError
from fringe.features import verify
from fringe.files import open_h5

__all__ = ["set_damaged_aside"]


def set_damaged_aside(folder: Path) -> list[Path]:
    """Rename every damaged HDF5 file below ``folder``, so that a run makes it anew.

    A file is damaged if it is cut short, is not HDF5, or (a linked feature file) refers to a
    shard that is missing or damaged: then it and that shard alone are made again. The check
    reads headers, not arrays; a flipped bit inside an array is caught by its checksum when it is
    read. Returns the new names, which end in ``.damaged``.
    """
    aside = []
    # The longest paths first: shards before the file that links them.
    for path in sorted(folder.glob("**/*.h5"), key=lambda p: -len(p.parts)):
        if path.name.startswith("."):
            continue  # an unfinished file of a killed job, never read by anyone
        reason = _damage(path, linked=path.parent.parent.name == "features")
        if reason is not None:
            new = path.with_name(path.name + ".damaged")
            path.replace(new)
            print(f"{path}: {reason}\n  set aside as {new.name}", file=sys.stderr)
            aside.append(new)
    return aside


def _damage(path: Path, *, linked: bool) -> str | None:
    if linked:
        return verify(path)
    try:
        with open_h5(path):
            return None
    except FringeError as error:
        return str(error)
