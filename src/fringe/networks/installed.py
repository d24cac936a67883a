"""Where the module lies that a network names: told before it is imported, and imported."""

from __future__ import annotations

import importlib
import site
import sys
import sysconfig
from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

__all__ = ["import_module", "place_outside"]


def import_module(module: str) -> ModuleType:
    """Import a module from Python's path, or else from the working folder.

    The path of an installed command does not have the working folder. The folder comes last, and
    only once it holds the module, so that no file in it takes the place of another module.

    Raises
    ------
    ImportError
        If it is in neither.
    """
    package, here = module.partition(".")[0], str(Path.cwd())
    is_known = package in sys.modules or find_spec(package) is not None
    if not is_known and PathFinder.find_spec(package, [here]) is not None:
        sys.path.append(here)
    return importlib.import_module(module)


@lru_cache
def place_outside(module: str, paths: tuple[str, ...], folder: str) -> str | None:
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
    folder : str
        The working folder, where `import_module` looks last.
    """
    package = module.partition(".")[0]
    if package == "__main__":  # another module in each command and job, installed or not
        return module
    try:
        spec = find_spec(package) or PathFinder.find_spec(package, [folder])
    except ValueError:  # the module does not say where it came from
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
