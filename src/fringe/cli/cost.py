"""``fringe cost``: actual cost of a run so far, compared with its estimate."""

import argparse

from fringe.cli.options import Commands, path

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    one = commands.add_parser("cost", help="show the actual cost of a run next to its estimate")
    one.description = "Prints the actual and estimated times of a run's finished jobs, by rule."
    one.set_defaults(call=_cost)
    one.add_argument(
        "run",
        type=path,
        metavar="RESULTS|CONFIG.yaml",
        help="the folder of a run, or its configuration",
    )


def _cost(options: argparse.Namespace) -> int:
    from fringe.costs.actual import report_actual
    from fringe.running.places import folder_of_run

    folder = options.run
    if not folder.is_dir():
        folder = folder_of_run(options.run)
    print(report_actual(folder))
    return 0
