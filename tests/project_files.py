"""The files of the project, without files that tools and runs left in its folder."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

__all__ = ["REPOSITORY", "copy_files", "project_files"]

REPOSITORY = Path(__file__).resolve().parents[1]


def project_files() -> list[str]:
    """Return the files and links that belong to the project, relative to its folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    return [name for name in listed if name and (REPOSITORY / name).exists()]


def copy_files(names: list[str], folder: Path) -> None:
    """Copy files of the project to a folder; links stay links."""
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, target, follow_symlinks=False)
