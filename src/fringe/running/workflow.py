"""Location of the workflow: Snakefile, rules, scripts, profiles and configurations."""

from __future__ import annotations

from pathlib import Path

__all__ = ["is_installed", "workflow_folder"]

PACKAGE = Path(__file__).absolute().parents[1]
SHIPPED = PACKAGE / "shipped"  # setup.py puts it into wheels


def is_installed() -> bool:
    """Return whether the library was installed from a wheel, which contains the workflow."""
    return SHIPPED.is_dir()


def workflow_folder() -> Path:
    """Return the absolute path of the folder with the Snakefile of this library.

    In a clone of the repository, this is the top folder of the clone, also if the clone is
    installed with ``pip install -e``.
    """
    return SHIPPED if is_installed() else PACKAGE.parents[1]
