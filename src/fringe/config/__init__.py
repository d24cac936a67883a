"""The configuration of a run: its files, its checks, its completion and its settings."""
