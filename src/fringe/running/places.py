"""Locations of the Snakefile, of profiles and of a run's results."""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from fringe.config.completion import complete_file
from fringe.errors import FringeError
from fringe.files.regular import read_text
from fringe.plan.layout import run_folder
from fringe.running.workflow import workflow_folder

__all__ = [
    "find_profile",
    "find_snakefile",
    "folder_of_run",
    "jobs_at_a_time",
    "refuse_missing_image",
    "submits",
]

LOGGER = logging.getLogger(__name__)

SNAKEFILE = "Snakefile"
LOCAL = "local"


def find_snakefile(given: Path | None = None) -> Path:
    """Return the workflow's Snakefile: ``given``, or the Snakefile that belongs to this library.

    The current folder does not matter. If it is another clone of the repository, a warning says
    that the Snakefile of that clone is not used.

    Raises
    ------
    FringeError
        If ``given`` does not exist.
    """
    if given is not None:
        if not given.is_file():
            raise FringeError(
                f"{given}: does not exist; omit --snakefile to use the Snakefile of Fringe, "
                f"{workflow_folder() / SNAKEFILE}"
            )
        return given
    found = workflow_folder() / SNAKEFILE
    if not found.is_file():
        raise FringeError(f"{found}: does not exist; install Fringe again")
    here = Path(SNAKEFILE).absolute()
    if here.is_file() and Path("src", "fringe").is_dir() and not here.samefile(found):
        LOGGER.warning(
            "%s is not used, because this command belongs to another copy of Fringe and uses %s; "
            "call the `fringe` of this clone instead (make env)",
            here,
            found,
        )
    return found


def find_profile(name: str | None, snakefile: Path) -> Path:
    """Return the folder of a profile, given its name or path.

    A profile in the folder `profiles` of the current folder takes precedence over a profile with
    the same name next to the Snakefile. The default is always the local profile next to the
    Snakefile.

    Raises
    ------
    FringeError
        If the profile does not exist, or if the package that submits its jobs is not installed.
    """
    profiles = snakefile.parent / "profiles"
    places = [profiles / LOCAL]
    if name is not None:
        places = [Path("profiles", name), profiles / name, Path(name).expanduser()]
    for folder in places:
        if any(folder.glob("config*.yaml")):
            _refuse_missing_executor(folder)
            return folder
    known = {path.parent.name for path in profiles.glob("*/config*.yaml")}
    known |= {path.parent.name for path in Path("profiles").glob("*/config*.yaml")}
    raise FringeError(
        f"--profile {name or LOCAL}: no such profile; name one of "
        f"{', '.join(sorted(known - {'default'}))}, or a folder with a config.yaml"
    )


def submits(profile: Path) -> bool:
    """Return whether a profile submits jobs to a scheduler such as SLURM."""
    return _executor(profile) is not None


def jobs_at_a_time(profile: Path) -> int | None:
    """Return the number of jobs that a profile submits at a time, or None if it sets no number."""
    jobs = _settings(profile).get("jobs")
    return jobs if isinstance(jobs, int) and jobs > 0 else None


def _executor(profile: Path) -> str | None:
    """Return the name of the executor of a profile, or None if jobs run on this machine."""
    executor: str | None = _settings(profile).get("executor")
    return executor


def _settings(profile: Path) -> dict[str, Any]:
    """Return the options of Snakemake in a profile."""
    path = profile / "config.yaml"
    if not path.is_file():
        return {}
    try:
        settings = yaml.safe_load(read_text(path)) or {}
    except yaml.YAMLError as error:
        raise FringeError(f"{path}: is not YAML ({error}); correct the file") from None
    if not isinstance(settings, dict):
        raise FringeError(f"{path}: has no options of Snakemake; write lines such as `jobs: 50`")
    return settings


def _refuse_missing_executor(profile: Path) -> None:
    """Refuse a SLURM profile if Snakemake's plugin for SLURM is not installed."""
    if _executor(profile) == "slurm" and find_spec("snakemake_executor_plugin_slurm") is None:
        raise FringeError(
            f"{profile}: submits jobs to SLURM with the package snakemake-executor-plugin-slurm, "
            "which is not installed; pip install 'fringe-fid[slurm]'"
        )


def folder_of_run(configfile: Path) -> Path:
    """Return the folder of the results of a configuration's run, ``results/<run>``.

    Raises
    ------
    FringeError
        If the file cannot be read, or the configuration has faults.
    """
    return Path(run_folder(complete_file(configfile)))


def refuse_missing_image(image: str, definition: Path) -> None:
    """Refuse a container image that is a file and does not exist.

    Parameters
    ----------
    image : str
        A file, or an address with ``://``. Addresses are not checked.
    definition : Path
        The definition file from which the image is built.

    Raises
    ------
    FringeError
        If the image does not exist. The message says how to build the image.
    """
    if "://" in image or Path(image).exists():
        return
    folder = Path(image).parent
    make_folder = "" if folder.is_dir() else f"mkdir -p {folder} && "
    raise FringeError(
        f"container: {image} does not exist; build it on a machine with a network, `{make_folder}"
        f"apptainer build {image} {os.path.relpath(definition)}`, or name another image"
    )
