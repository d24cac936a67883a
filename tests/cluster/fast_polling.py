"""Snakemake that asks SLURM for its jobs every two seconds: `python fast_polling.py <arguments>`.

The executor plugin waits ten seconds longer after each question without an answer, up to three
minutes, whatever it is told. A test has no such time.
"""

import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

SECONDS = 2

RemoteExecutor.next_seconds_between_status_checks = property(  # type: ignore[assignment]
    lambda self: SECONDS, lambda self, value: None
)

if __name__ == "__main__":
    main(sys.argv[1:])
