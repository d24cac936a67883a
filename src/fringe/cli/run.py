"""``fringe run`` and ``fringe demo``: estimate a run, make it, and print what came out."""

import argparse
from pathlib import Path

from fringe.cli.options import Commands, add_workflow, path

__all__ = ["NAMES", "add_to"]

NAMES = ("run", "demo")  # whose options after -- are Snakemake's

AFTER = """Options after -- are Snakemake's: fringe run my.yaml -- --resources gpu=4. With
VERBOSE=1 in the environment, Snakemake's log is shown. A run that was stopped (Ctrl-C) or killed is
simply started again."""


def add_to(commands: Commands) -> None:
    """Add the commands to the parser."""
    one = commands.add_parser("run", help="make a run, and print its estimate before", epilog=AFTER)
    one.description = (
        "Checks a configuration, prints what its run will cost, and makes all its results, tables, "
        "figures and the report in results/<run>/. What is there and up to date is kept."
    )
    one.add_argument("config", type=path, metavar="CONFIG.yaml")
    _add_options(one)
    one = commands.add_parser("demo", help="run config/demo.yaml, the embedded default")
    one.epilog = AFTER
    one.description = (
        "Makes the run of config/demo.yaml: photographs, a simulated generator and two "
        "trained ones. It needs no data set and no GPU."
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
        if told := ending(made.folder, list(config.comparisons), config.resamples, whole):
            print(f"\n{told}")
    return made.status
