"""Options that several commands share, and parsers of their values."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from difflib import get_close_matches
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
    "add_metrics",
    "add_own_run",
    "add_protocol",
    "add_workflow",
    "from_here",
    "metrics_of",
    "names_of",
    "path",
    "positive",
    "refuse_overwriting",
    "seed",
    "settings_of",
]

CONFIG = Path("config/config.yaml")  # the configuration of the paper, in the workflow's folder

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def path(text: str) -> Path:
    """Return a path with a leading ``~`` expanded."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty; give a path")
    try:
        return as_path(text)
    except FringeError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive(text: str) -> int:
    """Return a whole number of at least 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def seed(text: str) -> int:
    """Return a whole number of at least 0."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def add_force(parser: argparse.ArgumentParser) -> None:
    """Add ``--force``."""
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")


def refuse_overwriting(options: argparse.Namespace) -> None:
    """Raise if the output of a command is a folder, or exists and ``--force`` is not given."""
    if options.output.is_dir():
        raise FringeError(f"{options.output}: is a folder; name a file to write")
    if not options.force and options.output.exists():
        raise FringeError(f"{options.output}: already exists; name another file, or add --force")


def add_allow_missing(parser: argparse.ArgumentParser) -> None:
    """Add ``--allow-missing``."""
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="leave out results that need missing files, as `missing: skip` does",
    )


def add_protocol(parser: argparse.ArgumentParser) -> None:
    """Add ``--protocol``."""
    from fringe.scores.named_protocols import PROTOCOL_NAMES

    parser.add_argument(
        "--protocol",
        choices=PROTOCOL_NAMES,
        metavar="NAME",
        help=f"protocol to follow (docs/protocols.md): {', '.join(PROTOCOL_NAMES)}",
    )


def add_workflow(parser: argparse.ArgumentParser) -> None:
    """Add the options of a run of Snakemake, and ``--allow-missing``."""
    add_allow_missing(parser)
    add_machine(parser)


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Add the options of a run of Snakemake: cores, GPUs, device, profile and Snakefile."""
    parser.add_argument(
        "--cores",
        type=positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="number of cores of this machine that jobs use; default: all",
    )
    parser.add_argument(
        "--gpus",
        type=positive,
        default=1,
        metavar="N",
        help="number of GPUs for the estimate; default: 1",
    )
    parser.add_argument(
        "--device",
        choices=["cpu", "cuda"],
        help="device of jobs that request a GPU, for the estimate; default: as in the run",
    )
    parser.add_argument(
        "--profile",
        metavar="NAME|FOLDER",
        help="profile of Snakemake: local (the default), slurm, the name of a folder in profiles/ "
        "of the current folder, or any folder with a config.yaml of Snakemake options",
    )
    parser.add_argument(
        "--snakefile",
        type=path,
        help="Snakefile to use; default: the Snakefile of this command",
    )


def settings_of(options: argparse.Namespace) -> dict[str, object]:
    """Return the keys of the configuration that the options set."""
    found: dict[str, object] = {"results": str(from_here(options.results)), "seed": options.seed}
    if options.weights_dir is not None:
        found["weights_dir"] = str(options.weights_dir)
    return found


def from_here(folder: Path) -> Path:
    """Return a folder in the current folder as a relative path.

    Snakemake identifies files by the spelling of their paths.
    """
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def add_own_run(parser: argparse.ArgumentParser, name: str) -> None:
    """Add the options of a command that writes a configuration itself and runs it.

    ``name`` describes the default name of the run.
    """
    parser.add_argument("--name", help=f"name of the run; default: {name}")
    parser.add_argument(
        "--results",
        type=path,
        default=Path("results"),
        metavar="FOLDER",
        help="folder of results; default: results",
    )
    parser.add_argument(
        "--weights-dir",
        type=path,
        metavar="FOLDER",
        help="folder of network weights; default: data/weights",
    )
    parser.add_argument(
        "--resolution", type=positive, metavar="N", help="crop and resize all images to N x N"
    )
    parser.add_argument("--seed", type=seed, default=0, help="random seed; default: 0")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print the result as JSON, and everything else on standard error",
    )
    add_machine(parser)


def add_metrics(
    parser: argparse.ArgumentParser, default: Sequence[str] | None = (), shown: str = ""
) -> None:
    """Add ``--metrics``, a list of names separated by commas; ``shown`` describes the default."""
    from fringe.scores.asked_metrics import ASKED

    usual = None if default is None else ",".join(default)
    parser.add_argument(
        "--metrics",
        default=usual,
        metavar="NAME,NAME",
        help=f"metrics to measure: {', '.join(ASKED)}; default: {shown or usual or 'none'}",
    )


def names_of(text: str, option: str) -> list[str]:
    """Return the names in a list separated by commas.

    Raises
    ------
    FringeError
        If a name is empty or a duplicate.

    Examples
    --------
    >>> names_of("fid, kid", "--metrics")
    ['fid', 'kid']
    """
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise FringeError(f"{option} {text!r}: has an empty name; write NAME,NAME")
    for place, name in enumerate(names):
        if name in names[:place]:
            raise FringeError(f"{option} {text!r}: {name} is a duplicate; give each name once")
    return names


def metrics_of(text: str) -> list[str]:
    """Return the metrics in the value of ``--metrics``.

    Raises
    ------
    FringeError
        If a name is empty, unknown or a duplicate.

    Examples
    --------
    >>> metrics_of("fid,coverage")
    ['fid', 'coverage']
    """
    from fringe.scores.asked_metrics import ASKED

    names = names_of(text, "--metrics")
    for name in names:
        if name not in ASKED:
            near = get_close_matches(name.lower(), ASKED, 3)
            similar = f"similar names: {', '.join(near)}; " if near else ""
            raise FringeError(
                f"--metrics {text!r}: unknown metric {name!r}; {similar}known metrics: "
                f"{', '.join(ASKED)}"
            )
    return names
