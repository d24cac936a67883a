"""``fringe fetch``: weights, files of the catalogue and of sources, and a list of the catalogue."""

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
        "Fetches the weights of a network; a file of the catalogue, as published:edm/cifar10; a "
        "source of a configuration; or all that a configuration needs, as `fringe stage` does. "
        "Without a name, lists the catalogue. "
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
        help="where weights are looked for, and put; default: data/weights, as in a run",
    )
    one.add_argument(
        "--data-dir",
        type=path,
        default=Path(),
        help="where data/published lies, with the files of the catalogue; default: here",
    )
    one.add_argument(
        "--config",
        type=path,
        metavar="CONFIG.yaml",
        help=f"the configuration that names the source; default: the paper's, {CONFIG}",
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
    print(f"{options.name}: brings its own weights" if fetched is None else fetched)
    return 0
