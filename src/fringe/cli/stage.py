"""``fringe stage``: fetch what a run needs and has an address, and look for all else."""

import argparse

from fringe.cli.options import Commands, add_allow_missing
from fringe.errors import FringeError
from fringe.files.paths import as_path

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    one = commands.add_parser("stage", help="fetch what a run needs, and look for all else")
    one.set_defaults(call=_stage)
    one.add_argument("config", type=as_path, metavar="CONFIG.yaml")
    add_allow_missing(one)


def _stage(options: argparse.Namespace) -> int:
    from fringe.running.staging import explain, folders_outside, stage, table

    found = stage(options.config, options.allow_missing)
    print(table(found), end="\n\n", flush=True)
    states = {item.state for item in found}
    if "missing" in states:
        raise FringeError(explain(found))
    if "left out" in states:
        print(f"{explain(found)}\nEverything else that {options.config} names is there.")
    else:
        print(f"Everything that {options.config} names is there.")
    if outside := ",".join(folders_outside(found)):
        print(f'To a container: --apptainer-args="--bind {outside}"')
    return 0
