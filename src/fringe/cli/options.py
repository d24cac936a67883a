"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TypeAlias

from fringe.errors import FringeError
from fringe.files.paths import as_path

__all__ = [
    "CONFIG",
    "Commands",
    "add_allow_missing",
    "add_force",
    "add_machine",
    "add_workflow",
    "path",
    "positive",
    "refuse_overwriting",
    "seed",
]

CONFIG = Path("config/config.yaml")  # of the workflow: the paper

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def path(text: str) -> Path:
    """Return a path with a leading ``~`` expanded."""
    if not text:
        raise argparse.ArgumentTypeError("an empty text is not a path; give a path")
    try:
        return as_path(text)
    except FringeError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive(text: str) -> int:
    """Return a whole number from 1 up."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def seed(text: str) -> int:
    """Return a whole number from 0 up."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 up")
    return int(text)


def add_force(parser: argparse.ArgumentParser) -> None:
    """Add ``--force``."""
    parser.add_argument("--force", action="store_true", help="write over what is there")


def refuse_overwriting(options: argparse.Namespace) -> None:
    """Raise if the output of a command is a folder, or exists and ``--force`` is not given."""
    if options.output.is_dir():
        raise FringeError(f"{options.output}: is a folder; name a file to write")
    if not options.force and options.output.exists():
        raise FringeError(f"{options.output}: is there already; name another, or add --force")


def add_allow_missing(parser: argparse.ArgumentParser) -> None:
    """Add ``--allow-missing``."""
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="leave out what needs files that are not there, as `missing: skip` does",
    )


def add_workflow(parser: argparse.ArgumentParser) -> None:
    """Add what says how Snakemake plans a run, and ``--allow-missing``."""
    add_allow_missing(parser)
    add_machine(parser)


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Add what says how Snakemake plans a run: machine, profile, and where the workflow lies."""
    parser.add_argument(
        "--cores",
        type=positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="cores of this machine that jobs use; default: all",
    )
    parser.add_argument(
        "--gpus", type=positive, default=1, metavar="N", help="in the estimate; default: 1"
    )
    parser.add_argument(
        "--device", choices=["cpu", "cuda"], help="in the estimate: of jobs that ask for a GPU"
    )
    parser.add_argument(
        "--profile",
        metavar="NAME|FOLDER",
        help="local (the default), slurm, the name of a folder in profiles/ of the current folder, "
        "or any folder with a config.yaml of Snakemake options",
    )
    parser.add_argument(
        "--snakefile",
        type=path,
        help="default: the one that comes with this command",
    )
