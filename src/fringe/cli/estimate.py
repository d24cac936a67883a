"""``fringe estimate``: estimate the cost of a run before the run starts."""

import argparse

from fringe.cli.options import Commands, add_workflow, path

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    one = commands.add_parser("estimate", help="estimate the cost of a run before it starts")
    one.description = (
        "Checks a configuration and prints the estimated cost of its run: jobs, CPU-hours, "
        "GPU-hours, time and disk space. No job runs."
    )
    one.set_defaults(call=_estimate)
    one.add_argument("config", type=path, metavar="CONFIG.yaml")
    add_workflow(one)
    one.add_argument(
        "--keep",
        action="store_true",
        help="store the estimate for the page Cost, as `fringe run` does",
    )
    one.add_argument(
        "--rates",
        type=path,
        metavar="FILE",
        help="measured speeds to use instead of the defaults: the rates.json of benchmarks/gpu.sh",
    )


def _estimate(options: argparse.Namespace) -> int:
    from fringe.costs.measured_rates import read_rates
    from fringe.running.estimate import estimate_run
    from fringe.running.places import find_profile, find_snakefile
    from fringe.running.planner import Planner

    rates = None if options.rates is None else read_rates(options.rates)
    snakefile = find_snakefile(options.snakefile)
    planner = Planner(
        options.config,
        snakefile,
        find_profile(options.profile, snakefile),
        options.cores,
        options.allow_missing,
    )
    print(estimate_run(planner, options.device, options.gpus, kept=options.keep, rates=rates).text)
    return 0
