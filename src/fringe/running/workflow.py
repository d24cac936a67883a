"""Where the workflow of this library lies: Snakefile, rules, scripts, profiles, configurations."""

from __future__ import annotations

from pathlib import Path

__all__ = ["is_installed", "workflow_folder"]

PACKAGE = Path(__file__).absolute().parents[1]
SHIPPED = PACKAGE / "shipped"  # setup.py puts it into wheels


def is_installed() -> bool:
    """Return whether the library was installed from a wheel, which carries the workflow."""
    return SHIPPED.is_dir()


def workflow_folder() -> Path:
    """Return the folder with the Snakefile that belongs to this library, as an absolute path.

    In a clone of the repository this is the top of the clone, also where the clone is installed in
    place (``pip install -e``).
    """
    return SHIPPED if is_installed() else PACKAGE.parents[1]
