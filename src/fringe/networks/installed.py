"""Whether the module that a network names is installed, told without importing anything of it."""

from __future__ import annotations

import site
import sysconfig
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

__all__ = ["place_outside"]


@lru_cache
def place_outside(module: str, paths: tuple[str, ...]) -> str | None:
    """Return where a module's package lies that is not installed; None if it is, or is not there.

    Modules that are a part of Python itself (``os``, ``sys``) lie nowhere: their name is returned.

    A package is installed if it lies in a ``site-packages`` or ``dist-packages`` folder of this
    Python. One in the working folder, in a folder of ``PYTHONPATH``, or installed in place
    (``pip install -e``) is not: anybody who can write there decides what it does.

    Parameters
    ----------
    module : str
        A name such as ``package.module``. Only the package is looked for, since to look for what
        is inside it would import it.
    paths : tuple of str
        ``sys.path``, on which the answer depends.
    """
    try:
        spec = find_spec(module.partition(".")[0])
    except ValueError:  # of __main__, which has none
        return module
    if spec is None:
        return None
    places: list[str] = [
        *(spec.submodule_search_locations or ()),
        *([spec.origin] if spec.origin else []),
    ]
    if spec.origin in ("built-in", "frozen"):
        return module
    folders = _site_folders()
    for place in places:
        if not any(Path(place).resolve().is_relative_to(folder) for folder in folders):
            return place
    return None


def _site_folders() -> list[Path]:
    told = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        told.append(site.getusersitepackages())
    return [Path(folder).resolve() for folder in told]
