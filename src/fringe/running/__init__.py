"""What happens around a run of Snakemake: it is opened, estimated, guarded and repaired."""
