"""Where the files of a run lie, and what they are called."""

from pathlib import Path

from fringe.config.choices import Config

__all__ = ["hash_cache", "parse_shard", "shard_bounds", "shard_name", "unpacked_path"]


def hash_cache(config: Config) -> Path:
    """Return the folder in which all runs of one folder of results remember what they read.

    It is hidden, which no run's folder can be.
    """
    return Path(config.get("results", "results"), ".fingerprints")


def unpacked_path(config: Config, name: str) -> Path:
    """Return the file to which a source is unpacked that is compressed as a whole."""
    return Path(config["results"], config["run"], "images", name, "unpacked.h5")


def shard_bounds(count: int, size: int) -> list[tuple[int, int]]:
    """Return the bounds [first, last) of the shards that ``count`` images fall into."""
    return [(first, min(first + size, count)) for first in range(0, count, size)]


def parse_shard(name: str) -> tuple[int, int]:
    """Return the images that a shard begins with and ends before, from its file's name."""
    first, last = name.split("-")
    return int(first), int(last)


def shard_name(first: int, last: int) -> str:
    """Return the file name that `parse_shard` reads."""
    return f"{first:07d}-{last:07d}"
