"""Check, locate and import the code that a configuration names."""

from __future__ import annotations

import importlib
import site
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from fringe.errors import FringeError

__all__ = ["import_module", "only_installed", "place_outside", "refuse_code", "refuse_outside"]

_only_installed: ContextVar[bool] = ContextVar("only_installed", default=False)


@contextmanager
def only_installed(only: bool = True) -> Iterator[None]:
    """Refuse in this block the code that a configuration names, because loading it would run it.

    Networks whose code is not installed and all functions that make images are refused, because a
    configuration may come from another person.

    Parameters
    ----------
    only : bool
        If False, nothing is refused.

    Examples
    --------
    >>> from fringe.networks import network_info, only_installed
    >>> with only_installed():
    ...     network_info("untrained").feature_dim  # part of Fringe, so allowed
    102
    """
    token = _only_installed.set(only)
    try:
        yield
    finally:
        _only_installed.reset(token)


def refuse_outside(what: str, reference: str) -> None:
    """Raise in a block of `only_installed` if "module:function" is not in an installed package.

    ``what`` is the beginning of the message.

    Raises
    ------
    FringeError
        With the name of the file that would run.
    """
    if not _only_installed.get():
        return
    if place := place_outside(reference.partition(":")[0], tuple(sys.path), str(Path.cwd())):
        raise FringeError(
            f"{what}: would run {place}, which is not an installed package; set "
            "`allow_code: true` in the configuration if you trust that code, or install it"
        )


def refuse_code(what: str) -> None:
    """Raise in a block of `only_installed` for any code, also of installed packages.

    A function that loads a network is called only if it declares that it is a network. This check
    is for all other functions: a configuration could name any function of an installed package,
    with any arguments.

    Raises
    ------
    FringeError
        With the name of the key that allows the code.
    """
    if _only_installed.get():
        raise FringeError(
            f"{what}: is code, which would run; set `allow_code: true` in the configuration if you "
            "trust it"
        )


def import_module(module: str) -> ModuleType:
    """Import a module from Python's path, or otherwise from the working folder.

    The path of an installed command does not include the working folder. The folder is added as the
    last entry, and only if it contains the module, so that no file in it replaces another module.

    Raises
    ------
    ImportError
        If the module is in neither.
    """
    package, here = module.partition(".")[0], str(Path.cwd())
    is_known = package in sys.modules or find_spec(package) is not None
    if not is_known and PathFinder.find_spec(package, [here]) is not None:
        sys.path.append(here)
    return importlib.import_module(module)


@lru_cache
def place_outside(module: str, paths: tuple[str, ...], folder: str) -> str | None:
    """Return the place of a module's package if it is not installed; None if installed or missing.

    Modules that are part of Python itself (``os``, ``sys``) have no place, so their name is
    returned.

    A package counts as installed if it is in a ``site-packages`` or ``dist-packages`` folder of
    this Python. A package in the working folder, in a folder of ``PYTHONPATH``, or installed in
    place (``pip install -e``) does not count, because anybody who can write to such a folder can
    change the package.

    Parameters
    ----------
    module : str
        A name such as ``package.module``. Only the package is searched, because a search inside the
        package would import it.
    paths : tuple of str
        ``sys.path``, on which the result depends.
    folder : str
        The working folder, which `import_module` searches last.
    """
    package = module.partition(".")[0]
    if package == "__main__":  # a different module in each command and job
        return module
    try:
        spec = find_spec(package) or PathFinder.find_spec(package, [folder])
    except ValueError:  # the origin of the module is unknown
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
    found = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        found.append(site.getusersitepackages())
    return [Path(folder).resolve() for folder in found]
