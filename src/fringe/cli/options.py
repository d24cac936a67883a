"""Options that several commands share, and how their values are read."""

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


def add_protocol(parser: argparse.ArgumentParser) -> None:
    """Add ``--protocol``."""
    from fringe.scores.named_protocols import PROTOCOL_NAMES

    parser.add_argument(
        "--protocol",
        choices=PROTOCOL_NAMES,
        metavar="NAME",
        help=f"that numbers are to follow (docs/protocols.md): {', '.join(PROTOCOL_NAMES)}",
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


def settings_of(options: argparse.Namespace) -> dict[str, object]:
    """Return the keys of the configuration that options state."""
    found: dict[str, object] = {"results": str(from_here(options.results)), "seed": options.seed}
    if options.weights_dir is not None:
        found["weights_dir"] = str(options.weights_dir)
    return found


def from_here(folder: Path) -> Path:
    """Return a folder below the current one as a relative path: Snakemake goes by the spelling."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def add_own_run(parser: argparse.ArgumentParser, name: str) -> None:
    """Add the options of a command that writes a configuration itself and runs it.

    ``name`` says what the run is called where ``--name`` is left out.
    """
    parser.add_argument("--name", help=f"of the run; default: {name}")
    parser.add_argument("--results", type=path, default=Path("results"), metavar="FOLDER")
    parser.add_argument(
        "--weights-dir", type=path, metavar="FOLDER", help="of the networks; default: data/weights"
    )
    parser.add_argument(
        "--resolution", type=positive, metavar="N", help="crop and resize all images to N x N"
    )
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument(
        "--json", action="store_true", help="print the result as JSON, and all else on stderr"
    )
    add_machine(parser)


def add_metrics(
    parser: argparse.ArgumentParser, default: Sequence[str] | None = (), told: str = ""
) -> None:
    """Add ``--metrics``, whose names commas separate; ``told`` says what the default is."""
    from fringe.scores.asked_metrics import ASKED

    usual = None if default is None else ",".join(default)
    parser.add_argument(
        "--metrics",
        default=usual,
        metavar="NAME,NAME",
        help=f"known are {', '.join(ASKED)}; default: {told or usual or 'none'}",
    )


def names_of(text: str, option: str) -> list[str]:
    """Return the names in a text, which commas separate.

    Raises
    ------
    FringeError
        If a name is empty, or is there twice.

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
            raise FringeError(f"{option} {text!r}: names {name} twice; drop one of the two")
    return names


def metrics_of(text: str) -> list[str]:
    """Return the metrics that ``--metrics`` names.

    Raises
    ------
    FringeError
        If a name is empty, unknown, or there twice.

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
            alike = f"alike are {', '.join(near)}; " if near else ""
            raise FringeError(
                f"--metrics {text!r}: unknown metric {name!r}; {alike}known are {', '.join(ASKED)}"
            )
    return names
