"""``fringe stage``: fetch the files of a run that have an address, and check for all others."""

import argparse
from pathlib import Path

from fringe.cli.options import Commands, add_allow_missing, path
from fringe.errors import FringeError

__all__ = ["add_to", "stage_file"]


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    one = commands.add_parser("stage", help="fetch the files that a run needs")
    one.description = (
        "Lists every file that a run needs, and fetches missing files that have an address. Ends "
        "with exit status 1 if other files are missing. No job runs."
    )
    one.set_defaults(call=_stage)
    one.add_argument("config", type=path, metavar="CONFIG.yaml")
    add_allow_missing(one)


def _stage(options: argparse.Namespace) -> int:
    return stage_file(options.config, options.allow_missing)


def stage_file(config: Path, allow_missing: bool = False) -> int:
    """Fetch the files that a configuration's run needs, print a list of all files, and return 0.

    Raises
    ------
    FringeError
        If a file is missing, or the configuration has faults.
    """
    from fringe.running.staging import explain, fetch_for_run, folders_outside, table

    found = fetch_for_run(config, allow_missing)
    print(table(found), end="\n\n", flush=True)
    states = {item.state for item in found}
    if "missing" in states:
        raise FringeError(explain(found))
    if "left out" in states:
        print(f"{explain(found)}\nAll other files that {config} names exist.")
    else:
        print(f"All files that {config} names exist.")
    if outside := ",".join(folders_outside(found)):
        print(f'For a container: --apptainer-args="--bind {outside}"')
    return 0
