"""``fringe fetch``: download and verify the weights of a network, or the file of a source."""

import argparse
from pathlib import Path

from fringe.cli.options import CONFIG, Commands, path
from fringe.networks import network_names
from fringe.running.workflow import workflow_folder

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    one = commands.add_parser("fetch", help="download and verify a network's weights or a source")
    one.description = f"Networks: {', '.join(network_names())}."
    one.set_defaults(call=_fetch)
    one.add_argument("name", metavar="NETWORK|SOURCE")
    one.add_argument(
        "--weights-dir",
        type=path,
        default=Path("data/weights"),
        help="where weights are looked for, and put; default: data/weights, as in a run",
    )
    one.add_argument(
        "--config",
        type=path,
        metavar="CONFIG.yaml",
        help=f"the configuration that names the source; default: the paper's, {CONFIG}",
    )


def _fetch(options: argparse.Namespace) -> int:
    from fringe.networks import fetch_weights

    if options.config is not None or options.name not in network_names():
        from fringe.running.staging import fetch_named

        print(fetch_named(options.name, options.config or workflow_folder() / CONFIG))
        return 0
    fetched = fetch_weights(options.name, options.weights_dir)
    print(f"{options.name}: brings its own weights" if fetched is None else fetched)
    return 0
