"""Paths as people write them."""

import os
import re
from pathlib import Path

from fringe.errors import FringeError

__all__ = ["OWN", "as_path", "variable"]

#: How a path begins that names a file inside the installed package.
OWN = "fringe:"


def as_path(path: str | os.PathLike[str]) -> Path:
    """Return ``path`` with a leading ``~``, ``~user`` or ``fringe:`` expanded.

    ``fringe:`` stands for the folder of the installed package, which holds a few trained
    generators: ``fringe:generators/photographs-pixels.safetensors``. Variables such as ``$SCRATCH``
    are not expanded: another machine may give them another value.

    Raises
    ------
    FringeError
        If this machine knows no home of that user, or the path holds a null character.
    """
    if "\0" in str(path):
        raise FringeError(f"{path}: no path holds a null character; correct it")
    if str(path).startswith(OWN):
        return Path(__file__).parents[1] / str(path).removeprefix(OWN)
    try:
        return Path(path).expanduser()
    except RuntimeError:
        home = Path(path).parts[0]
        raise FringeError(
            f"{path}: this machine does not know the folder that {home} stands for; write the "
            "whole path"
        ) from None


def variable(path: str) -> str | None:
    """Return the first variable in a path, such as ``$SCRATCH`` or ``${SCRATCH}``, or None."""
    found = re.search(r"\$(\w+|\{\w+\})", path)
    return found[0] if found else None
