"""``fringe cancel``: cancel SLURM jobs of a killed run."""

import argparse
from pathlib import Path

from fringe.cli.options import Commands

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    one = commands.add_parser("cancel", help="cancel SLURM jobs of a killed run")
    one.description = "Cancels the SLURM jobs that were submitted by runs in the current folder."
    one.set_defaults(call=_cancel)


def _cancel(options: argparse.Namespace) -> int:
    from fringe.running.slurm_jobs import cancel

    jobs = cancel(Path.cwd())
    print(f"cancelled: {', '.join(jobs)}" if jobs else "no jobs of an earlier run found")
    return 0
