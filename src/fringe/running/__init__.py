"""Everything around a run of Snakemake: opening, estimating, locking, starting and repairing it."""
