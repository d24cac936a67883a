"""Paths of a run's files. No other module spells these paths.

A *place* is a path relative to the folder of a run, such as ``features/photos/clip.h5``;
`run_folder` and a place together make a path. Each function also accepts wildcards such as
``{source}`` instead of names, and then returns the pattern of a rule's files. A network is named as
in the configuration or as in paths.
"""

from pathlib import Path, PurePosixPath

from fringe.config.model import Config
from fringe.networks import file_name

__all__ = [
    "BENCHMARKS",
    "ESTIMATE",
    "FEATURES",
    "INDEX",
    "LOGS",
    "PAGES",
    "PLAN",
    "SHARD_SIZES",
    "asked_scores",
    "benchmark",
    "checkpoint",
    "checks",
    "class_figure",
    "compared",
    "convergence",
    "draws",
    "examples",
    "explorer",
    "feature_shard",
    "features",
    "figure",
    "floor",
    "hash_cache",
    "image_shard",
    "images",
    "is_features",
    "judged",
    "log",
    "log_of",
    "map_means",
    "map_shard",
    "maps",
    "matched",
    "matched_features",
    "noise",
    "page",
    "parse_shard",
    "power",
    "priced",
    "region",
    "run_folder",
    "scores",
    "shard_bounds",
    "shard_name",
    "sizes",
    "snapshots",
    "statistics",
    "table",
    "unpacked_images",
    "weights",
]

FEATURES = "features"
BENCHMARKS = "benchmarks"
LOGS = "logs"

# Files that planning writes to the folder of a run.
ESTIMATE = "estimate.json"
SHARD_SIZES = "shards.json"
PLAN = ".planned.json"


def run_folder(config: Config) -> str:
    """Return the folder of a run's results, spelled as in the configuration."""
    return f"{config.results}/{config.run}"


def hash_cache(config: Config) -> Path:
    """Return the folder in which all runs of a results folder store hashes of the files they read.

    The folder is hidden, so it cannot be the folder of a run.
    """
    return Path(config.results, ".fingerprints")


def images(source: str) -> str:
    """Return the place of the folder of a source's rendered or unpacked images."""
    return f"images/{source}"


def image_shard(source: str, shard: str) -> str:
    """Return the place of a shard of rendered images."""
    return f"{images(source)}/{shard}.h5"


def unpacked_images(source: str) -> str:
    """Return the place of the unpacked images of a source that is compressed as a whole."""
    return f"{images(source)}/unpacked.h5"


def features(source: str, network: str) -> str:
    """Return the place of the file that links all features of a source."""
    return f"{FEATURES}/{source}/{file_name(network)}.h5"


def feature_shard(source: str, network: str, shard: str) -> str:
    """Return the place of a shard of features."""
    return f"{FEATURES}/{source}/{file_name(network)}/{shard}.h5"


def is_features(place: PurePosixPath | Path) -> bool:
    """Return whether a place is a place of `features`."""
    return len(place.parts) == 3 and place.parts[0] == FEATURES


def statistics(source: str, network: str, space: str, n: int | str) -> str:
    """Return the place of the mean and covariance of a source's first ``n`` images."""
    return f"statistics/{source}/{file_name(network)}/{space}-{n}.h5"


def power(source: str, network: str) -> str:
    """Return the place of a network's distances of distorted images of a source."""
    return f"power/{source}/{file_name(network)}.csv"


def weights(dataset: str, scheme: str) -> str:
    """Return the place of the sampling weights of a scheme."""
    return f"weights/{dataset}/{scheme}.h5"


def matched(dataset: str) -> str:
    """Return the place of the list of images beyond the candidates that Top-1 matching draws."""
    return f"matched/{dataset}.h5"


def matched_features(dataset: str, network: str) -> str:
    """Return the place of the features of the images beyond the candidates."""
    return f"matched/{dataset}/{file_name(network)}.h5"


def draws(dataset: str, scheme: str) -> str:
    """Return the place of the draws of a scheme."""
    return f"draws/{dataset}/{scheme}.h5"


def convergence(dataset: str) -> str:
    """Return the place of the loss against time of the released optimization and of Fringe's."""
    return f"convergence/{dataset}.csv"


def scores(dataset: str, scheme: str, kind: str) -> str:
    """Return the place of the scores of a network, or of a ``kind`` of metrics like "kernels"."""
    return f"scores/{dataset}/{scheme}/{file_name(kind)}.csv"


def asked_scores(dataset: str, scheme: str, network: str) -> str:
    """Return the place of the requested metrics in a network, except Fréchet distances."""
    return f"scores/{dataset}/{scheme}/metrics-{file_name(network)}.csv"


def floor(dataset: str, network: str) -> str:
    """Return the place of a data set's distances in units of the distance of other real images."""
    return f"scores/{dataset}/floor-{file_name(network)}.csv"


def sizes(dataset: str) -> str:
    """Return the place of the FIDs of samples of several sizes."""
    return f"scores/{dataset}/sizes.csv"


def snapshots(dataset: str, space: str) -> str:
    """Return the place of the FIDs of a training's snapshots."""
    return f"scores/{dataset}/snapshots-{space}.csv"


def compared(comparison: str, network: str) -> str:
    """Return the place of a comparison's distances in a network."""
    return f"comparisons/{comparison}/{file_name(network)}.json"


def priced(comparison: str) -> str:
    """Return the place of the weights behind the prices of a comparison."""
    return f"comparisons/{comparison}/prices.h5"


def judged(comparison: str, suffix: str) -> str:
    """Return the place of the verdict on a comparison. The suffix is "json", "md" or "html"."""
    return f"comparisons/{comparison}/verdict.{suffix}"


def class_figure(comparison: str, number: str, suffix: str) -> str:
    """Return the place of the figure of the classes of a comparison's model, "png" or "pdf".

    The models have numbers from 1. The baseline has number 0.
    """
    return f"comparisons/{comparison}/classes-{number}.{suffix}"


def checks(dataset: str) -> str:
    """Return the place of the numbers that are compared with numbers of the released code."""
    return f"checks/{dataset}.json"


def maps(dataset: str, network: str) -> str:
    """Return the place of the file that joins all sensitivity maps of a data set."""
    return f"sensitivity/{dataset}/{file_name(network)}.h5"


def map_shard(dataset: str, network: str, shard: str) -> str:
    """Return the place of a shard of sensitivity maps."""
    return f"sensitivity/{dataset}/{file_name(network)}/{shard}.h5"


def map_means(dataset: str) -> str:
    """Return the place of the mean maps and mean images by class."""
    return f"sensitivity/{dataset}/means.h5"


def examples(dataset: str, network: str, shown: str) -> str:
    """Return the place of the maps of the images ``shown``: "examples" or "grid"."""
    return f"sensitivity/{dataset}/{file_name(network)}-{shown}.h5"


def noise(dataset: str, scale: float | str) -> str:
    """Return the place of the FIDs with noise of a scale in each region of the images."""
    name = scale if isinstance(scale, str) else f"{scale:.12g}"
    return f"sensitivity/{dataset}/noise-{name}.csv"


def region(dataset: str) -> str:
    """Return the place of the shares of a region in the sensitivity."""
    return f"sensitivity/{dataset}/region.csv"


def table(stem: str, suffix: str) -> str:
    """Return the place of a table, such as "table1", in one format, such as "csv"."""
    return f"tables/{stem}.{suffix}"


def figure(stem: str, suffix: str) -> str:
    """Return the place of a figure, such as "figure4a-photos", as "png" or "pdf"."""
    return f"figures/{stem}.{suffix}"


def explorer(kind: str, name: str) -> str:
    """Return the place of the images in the explorer of a "dataset" or a "comparison"."""
    return f"explorer/{kind}s/{name}.h5"


PAGES = ("verdict", "deviations", "left_out", "self_check", "cost")
"""The pages of a run, each in Markdown and HTML."""


INDEX = "index.html"
"""The main page of a run, with all results."""


def page(name: str, suffix: str) -> str:
    """Return the place of one of the `PAGES`, as "md" or "html"."""
    return f"{name}.{suffix}"


def checkpoint(place: str) -> str:
    """Return the path at which the job that makes a file keeps its state until the file is done."""
    return str(PurePosixPath(place).with_suffix(".checkpoint"))


def log(rule: str, *names: str) -> str:
    """Return the place of the log of a job of a rule, or of a group of rules."""
    return f"{LOGS}/{'/'.join([rule, *names])}.log"


def benchmark(rule: str, *names: str) -> str:
    """Return the place of the benchmark file of a job; `log_of` returns the place of its log."""
    return f"{BENCHMARKS}/{'/'.join([rule, *names])}.tsv"


def log_of(benchmark: str) -> str:
    """Return the place of the log of the job with a benchmark file."""
    return str(LOGS / PurePosixPath(benchmark).relative_to(BENCHMARKS).with_suffix(".log"))


def shard_bounds(count: int, size: int) -> list[tuple[int, int]]:
    """Return the bounds [first, last) of the shards of ``count`` images."""
    return [(first, min(first + size, count)) for first in range(0, count, size)]


def parse_shard(name: str) -> tuple[int, int]:
    """Return the bounds [first, last) of a shard from the name of its file."""
    first, last = name.split("-")
    return int(first), int(last)


def shard_name(first: int, last: int) -> str:
    """Return the name of a shard's file, which `parse_shard` reads."""
    return f"{first:07d}-{last:07d}"
