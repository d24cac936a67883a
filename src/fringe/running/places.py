"""Where the workflow lies, its profiles, and the folder that a run writes."""

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
    """Return the workflow's Snakefile: ``given``, or the one that belongs to this library.

    The current folder does not matter, except that a warning says if the current folder is another
    clone of the repository, whose Snakefile is not used.

    Raises
    ------
    FringeError
        If ``given`` does not exist.
    """
    if given is not None:
        if not given.is_file():
            raise FringeError(
                f"{given}: is not there; leave out --snakefile to use the Snakefile of Fringe, "
                f"{workflow_folder() / SNAKEFILE}"
            )
        return given
    found = workflow_folder() / SNAKEFILE
    if not found.is_file():
        raise FringeError(f"{found}: is not there; install Fringe again")
    here = Path(SNAKEFILE).absolute()
    if here.is_file() and Path("src", "fringe").is_dir() and not here.samefile(found):
        LOGGER.warning(
            "%s is not used, because this command is of another Fringe and uses %s; call "
            "the `fringe` of this clone instead (make env)",
            here,
            found,
        )
    return found


def find_profile(name: str | None, snakefile: Path) -> Path:
    """Return the folder of a profile: one by its name, or any by its path.

    A profile of that name in the folder `profiles` of the current folder comes before the one next
    to the Snakefile. The default is always the one next to the Snakefile.

    Raises
    ------
    FringeError
        If there is no such profile, or if the package that submits its jobs is not installed.
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
        f"--profile {name or LOCAL}: there is no such profile; name one of "
        f"{', '.join(sorted(known - {'default'}))}, or a folder with a config.yaml"
    )


def submits(profile: Path) -> bool:
    """Return whether a profile sends jobs elsewhere (to a scheduler such as SLURM)."""
    return _executor(profile) is not None


def jobs_at_a_time(profile: Path) -> int | None:
    """Return how many jobs a profile submits at a time; None if it does not state a number."""
    jobs = _settings(profile).get("jobs")
    return jobs if isinstance(jobs, int) and jobs > 0 else None


def _executor(profile: Path) -> str | None:
    """Return what submits the jobs of a profile; None if they run on this machine."""
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
        raise FringeError(f"{path}: holds no options of Snakemake; write lines such as `jobs: 50`")
    return settings


def _refuse_missing_executor(profile: Path) -> None:
    """Refuse a profile for SLURM where Snakemake's plugin for SLURM is not installed."""
    if _executor(profile) == "slurm" and find_spec("snakemake_executor_plugin_slurm") is None:
        raise FringeError(
            f"{profile}: submits jobs to SLURM, and the package snakemake-executor-plugin-slurm, "
            "which does so, is not installed; pip install 'fringe-fid[slurm]'"
        )


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
    if "://" in image or Path(image).exists():
        return
    folder = Path(image).parent
    make_folder = "" if folder.is_dir() else f"mkdir -p {folder} && "
    raise FringeError(
        f"container: {image} is not there; build it on a machine with a network, `{make_folder}"
        f"apptainer build {image} {os.path.relpath(definition)}`, or name another image"
    )
