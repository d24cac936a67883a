"""``fringe stage``: fetch what a run needs and has an address, and look for all else."""

import argparse
from pathlib import Path

from fringe.cli.options import Commands, add_allow_missing, path
from fringe.errors import FringeError

__all__ = ["add_to", "stage_file"]


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    one = commands.add_parser("stage", help="fetch what a run needs, and look for all else")
    one.description = (
        "Lists every file that a run needs, fetches those that have an address, and ends with "
        "exit status 1 if others are not there. No job runs."
    )
    one.set_defaults(call=_stage)
    one.add_argument("config", type=path, metavar="CONFIG.yaml")
    add_allow_missing(one)


def _stage(options: argparse.Namespace) -> int:
    return stage_file(options.config, options.allow_missing)


def stage_file(config: Path, allow_missing: bool = False) -> int:
    """Fetch what the run of a configuration needs, and print what there is; return 0.

    Raises
    ------
    FringeError
        If something is not there, or the configuration has faults.
    """
    from fringe.running.staging import explain, fetch_for_run, folders_outside, table

    found = fetch_for_run(config, allow_missing)
    print(table(found), end="\n\n", flush=True)
    states = {item.state for item in found}
    if "missing" in states:
        raise FringeError(explain(found))
    if "left out" in states:
        print(f"{explain(found)}\nEverything else that {config} names is there.")
    else:
        print(f"Everything that {config} names is there.")
    if outside := ",".join(folders_outside(found)):
        print(f'To a container: --apptainer-args="--bind {outside}"')
    return 0
