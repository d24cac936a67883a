"""``fringe run`` and ``fringe demo``: estimate a run, make it, and print its results."""

import argparse
from pathlib import Path

from fringe.cli.options import Commands, add_workflow, path

__all__ = ["NAMES", "add_to"]

NAMES = ("run", "demo")  # commands with options of Snakemake after --

AFTER = """Options after -- are options of Snakemake: fringe run my.yaml -- --resources gpu=4. With
VERBOSE=1 in the environment, Snakemake's log is shown. To continue a run that was stopped (Ctrl-C)
or killed, start it again."""


def add_to(commands: Commands) -> None:
    """Add the commands to the parser."""
    one = commands.add_parser("run", help="print the estimate of a run, and make it", epilog=AFTER)
    one.description = (
        "Checks a configuration, prints the estimated cost of its run, and makes all results, "
        "tables, figures and the report in results/<run>/. Files that are up to date are kept."
    )
    one.add_argument("config", type=path, metavar="CONFIG.yaml")
    _add_options(one)
    one = commands.add_parser("demo", help="run the demo, config/demo.yaml")
    one.epilog = AFTER
    one.description = (
        "Makes the run of config/demo.yaml with photographs, a simulated generator and two trained "
        "generators. The demo needs no data set and no GPU."
    )
    one.set_defaults(config=None)
    _add_options(one)


def _add_options(one: argparse.ArgumentParser) -> None:
    add_workflow(one)
    one.set_defaults(call=_run, snakemake=[])


def _run(options: argparse.Namespace) -> int:
    from fringe.config.completion import complete_file
    from fringe.report.ending import ending
    from fringe.running.launch import run
    from fringe.running.places import find_profile, find_snakefile
    from fringe.running.planner import Planner

    snakefile = find_snakefile(options.snakefile)
    planner = Planner(
        options.config or Path(snakefile.parent, "config", "demo.yaml"),
        snakefile,
        find_profile(options.profile, snakefile),
        options.cores,
        options.allow_missing,
    )
    made = run(planner, options.snakemake, options.device, options.gpus)
    if made.status == 0 and not made.only_shown:
        config = complete_file(planner.configfile)
        # Options of Snakemake may name other targets than the tables.
        whole = not options.snakemake
        if text := ending(made.folder, list(config.comparisons), config.resamples, whole):
            print(f"\n{text}")
    return made.status
