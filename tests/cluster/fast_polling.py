"""Snakemake that polls SLURM for its jobs every two seconds; run as a script with arguments."""

import sys

from snakemake.cli import main

from fringe.running import slurm_polling

slurm_polling.LONGEST = 2.0

if __name__ == "__main__":
    main(sys.argv[1:])
