"""Expand paths as users write them."""

import os
import re
from pathlib import Path

from fringe.errors import FringeError

__all__ = ["OWN", "as_path", "variable"]

#: Prefix of a path to a file inside the installed package.
OWN = "fringe:"


def as_path(path: str | os.PathLike[str]) -> Path:
    """Return ``path`` with a leading ``~``, ``~user`` or ``fringe:`` expanded.

    ``fringe:`` is the folder of the installed package, which contains a few trained generators:
    ``fringe:generators/photographs-pixels.safetensors``. Variables such as ``$SCRATCH`` are not
    expanded, because they may have another value on another machine.

    Raises
    ------
    FringeError
        If this machine does not know the home of the user, or the path contains a null character.

    Examples
    --------
    >>> as_path("data/photographs.zip").as_posix()
    'data/photographs.zip'
    >>> as_path("fringe:generators/photographs-pixels.safetensors").is_file()
    True
    """
    if "\0" in str(path):
        raise FringeError(f"{path}: contains a null character; correct the path")
    if str(path).startswith(OWN):
        return Path(__file__).parents[1] / str(path).removeprefix(OWN)
    try:
        return Path(path).expanduser()
    except RuntimeError:
        home = Path(path).parts[0]
        raise FringeError(
            f"{path}: this machine does not know the folder {home}; write the complete path"
        ) from None


def variable(path: str) -> str | None:
    """Return the first variable in a path, such as ``$SCRATCH`` or ``${SCRATCH}``; None if none."""
    found = re.search(r"\$(\w+|\{\w+\})", path)
    return found[0] if found else None
