"""Where the workflow lies, its profiles, and the folder that a run writes."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from fringe.config.completion import complete_file
from fringe.errors import FringeError
from fringe.plan.layout import run_folder

__all__ = ["find_profile", "find_snakefile", "folder_of_run", "refuse_missing_image", "submits"]

LOCAL = "local"


def find_snakefile(given: Path | None = None) -> Path:
    """Return the workflow's Snakefile: ``given``, or the one in the current folder.

    Raises
    ------
    FringeError
        If it does not exist.
    """
    path = given or Path("Snakefile")
    if not path.is_file():
        raise FringeError(
            f"{path}: is not there; run this in the repository, or say where it is: "
            "--snakefile <repository>/Snakefile"
        )
    return path


def find_profile(name: str | None, snakefile: Path) -> Path:
    """Return the folder of a profile: one of the workflow's by its name, or any by its path.

    Raises
    ------
    FringeError
        If there is no such profile.
    """
    profiles = snakefile.parent / "profiles"
    for folder in (profiles / (name or LOCAL), Path(name or LOCAL).expanduser()):
        if any(folder.glob("config*.yaml")):
            return folder
    known = sorted({path.parent.name for path in profiles.glob("*/config*.yaml")} - {"default"})
    raise FringeError(
        f"--profile {name or LOCAL}: there is no such profile; name one of {', '.join(known)}, or "
        "a folder with a config.yaml"
    )


def submits(profile: Path) -> bool:
    """Return whether a profile sends jobs elsewhere (to a scheduler such as SLURM)."""
    path = profile / "config.yaml"
    settings = yaml.safe_load(path.read_text()) if path.is_file() else None
    return "executor" in (settings or {})


def folder_of_run(configfile: Path) -> Path:
    """Return the folder that a configuration's run writes, ``results/<run>``.

    Raises
    ------
    FringeError
        If the file cannot be read, or the configuration has faults.
    """
    return Path(run_folder(complete_file(configfile)))


def refuse_missing_image(image: str, definition: Path) -> None:
    """Refuse a container's image that is a file and does not exist.

    Parameters
    ----------
    image : str
        A file, or an address with ``://``, which is not looked at.
    definition : Path
        The definition that an image is built from.

    Raises
    ------
    FringeError
        Saying how the image is built.
    """
    if "://" not in image and not Path(image).exists():
        raise FringeError(
            f"container: {image} is not there; build it on a machine with a network, `apptainer "
            f"build {image} {os.path.relpath(definition)}`, or name another image"
        )
