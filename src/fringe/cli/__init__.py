"""Check whether an FID gain is real: runs, comparisons, metrics, and files of other tools.

Each command is a module of this package and calls the library. Errors that a user can fix end with
one message on standard error and exit status 1.
"""

import argparse
import sys
from collections.abc import Sequence
from difflib import get_close_matches

from fringe import __version__
from fringe.cli import (
    cancel,
    compare,
    convert,
    cost,
    docs,
    estimate,
    export,
    fetch,
    prepare,
    run,
    score,
    stage,
)
from fringe.errors import FringeError
from fringe.messages import show_messages
from fringe.running.workflow import workflow_folder

__all__ = ["main"]

COMMANDS = (
    *(compare, score, run, estimate, cost, cancel, stage, prepare),
    *(convert, fetch, export, docs),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command in ``arguments``, by default the arguments of the process.

    Returns
    -------
    int
        The exit status: 0, 1 after a `FringeError`, or the exit status of Snakemake. Invalid
        arguments end the process with status 2, as usual with argparse.
    """
    show_messages()
    options = _parse(sys.argv[1:] if arguments is None else arguments)
    try:
        status: int = options.call(options)
    except (FringeError, OSError) as error:
        print(f"fringe: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("fringe: stopped", file=sys.stderr)
        return 130
    return status


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of a command. For some commands, Snakemake's options follow ``--``."""
    own, others = list(arguments), None
    if own[:1] and own[0] in (*run.NAMES, *compare.NAMES, *score.NAMES) and "--" in own:
        end = own.index("--")
        own, others = own[:end], own[end + 1 :]
    options, unknown = _parser().parse_known_args(own)
    if unknown:
        hint = "; write options of Snakemake after --" if "snakemake" in options else ""
        near = get_close_matches(unknown[0].partition("=")[0], options.known_options, 2, 0.75)
        similar = f"; similar options: {', '.join(near)}" if near else ""
        options.refuse(f"unrecognized arguments: {' '.join(unknown)}{similar}{hint}")
    if others is not None:
        options.snakemake = others
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("fringe", description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--version", action="version", version=f"fringe {__version__}")
    parser.add_argument(
        "--workflow",
        action="version",
        version=str(workflow_folder()),
        help="show the folder of the Snakefile, the profiles and the configurations, and exit",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    for one in commands.choices.values():
        # error() shows the usage of this command
        names = [name for action in one._actions for name in action.option_strings]
        one.set_defaults(refuse=one.error, known_options=names)
    commands.choices["docs"].set_defaults(parser=parser)
    return parser
