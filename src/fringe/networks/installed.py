"""Code that a configuration names: whether it may run, where it lies, and importing it."""

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
    """Refuse, in this block, code that a configuration names: to name it would run it.

    Networks whose code is not installed are refused, and all functions that make images: a
    configuration may come from somebody else. Without ``only`` nothing is refused.
    """
    token = _only_installed.set(only)
    try:
        yield
    finally:
        _only_installed.reset(token)


def refuse_outside(what: str, reference: str) -> None:
    """Raise in a block of `only_installed` if "module:function" is of no installed package.

    ``what`` is how the message begins.

    Raises
    ------
    FringeError
        Naming the file that would run.
    """
    if not _only_installed.get():
        return
    if place := place_outside(reference.partition(":")[0], tuple(sys.path), str(Path.cwd())):
        raise FringeError(
            f"{what}: would run {place}, which is not an installed package; say "
            "`allow_code: true` in the configuration if you trust that code, or install it"
        )


def refuse_code(what: str) -> None:
    """Raise in a block of `only_installed`, whatever the code is and wherever it lies.

    Of networks, only functions are called that say that they are networks. This is for all others:
    any function of an installed package could be named, with any arguments.

    Raises
    ------
    FringeError
        Naming the key that allows it.
    """
    if _only_installed.get():
        raise FringeError(
            f"{what}: is code, which would run; say `allow_code: true` in the configuration if you "
            "trust it"
        )


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
