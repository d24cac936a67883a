"""Fetch the published weights of one network.

In: nothing. Out: the file, verified.
"""

from pathlib import Path

from fringe.networks import fetch_weight_file
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Fetch the network's weight file, or continue an earlier download."""
    fetch_weight_file(job.params.network, Path(job.output[0]).parent)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
