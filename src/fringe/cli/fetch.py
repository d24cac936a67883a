"""``fringe fetch``: download network weights, catalogue files and source files."""

import argparse
from pathlib import Path

from fringe.cli.options import CONFIG, Commands, path
from fringe.networks import is_timm, network_names
from fringe.running.workflow import workflow_folder

__all__ = ["add_to"]

CONFIGURATIONS = (".yaml", ".yml", ".json")


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    one = commands.add_parser("fetch", help="download and verify weights, data and generators")
    one.description = (
        "Downloads the weights of a network, a file of the catalogue (such as "
        "published:edm/cifar10), a source of a configuration, or all files that a configuration "
        "needs, as `fringe stage` does. Without a name, lists the catalogue. "
        f"Networks: {', '.join(network_names())}, and timm:<model>."
    )
    one.set_defaults(call=_fetch)
    one.add_argument(
        "name", nargs="?", metavar="NETWORK|published:NAME|SOURCE|CONFIG.yaml", default=None
    )
    one.add_argument("--list", action="store_true", help="list the catalogue")
    one.add_argument(
        "--weights-dir",
        type=path,
        default=Path("data/weights"),
        help="folder of network weights; default: data/weights, as in a run",
    )
    one.add_argument(
        "--data-dir",
        type=path,
        default=Path(),
        help="folder that contains data/published, the folder of catalogue files; default: the "
        "current folder",
    )
    one.add_argument(
        "--config",
        type=path,
        metavar="CONFIG.yaml",
        help=f"configuration that names the source; default: that of the paper, {CONFIG}",
    )


def _fetch(options: argparse.Namespace) -> int:
    from fringe.networks import fetch_weight_file
    from fringe.sources.catalogue import is_published
    from fringe.sources.catalogue_texts import table

    if options.list or options.name is None:
        print(table())
        return 0
    if is_published(options.name):
        from fringe.running.published import fetch_published

        print(fetch_published(options.name, options.data_dir))
        return 0
    if options.config is None and options.name.lower().endswith(CONFIGURATIONS):
        from fringe.cli.stage import stage_file

        return stage_file(path(options.name))
    is_network = options.name in network_names() or is_timm(options.name)
    if options.config is not None or not is_network:
        from fringe.running.staging import fetch_named

        print(fetch_named(options.name, options.config or workflow_folder() / CONFIG))
        return 0
    fetched = fetch_weight_file(options.name, options.weights_dir)
    print(f"{options.name}: includes its own weights" if fetched is None else fetched)
    return 0
