"""Training snapshots that one source names by their folder or by a pattern."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path
from typing import TypeGuard

from fringe.config.model import RunConfig
from fringe.config.sources import AnySource, GeneratorSource, Source
from fringe.sources import as_path

__all__ = ["LEAST", "expand_snapshots", "files_of"]

# What the training of StyleGAN2-ADA and of Projected GAN writes into its folder.
WRITTEN = "network-snapshot-*.pkl"
LEAST = 3  # points that a correlation needs


def expand_snapshots(config: RunConfig) -> tuple[RunConfig, list[str]]:
    """Return a completed config with a source for each file of a generator that names several.

    Such a source names a folder, in which it means ``network-snapshot-*.pkl``, or a pattern with
    ``*``, ``?`` or ``[]``. Its files take its place among a data set's ``snapshots``, sorted by the
    number at the end of their names, which counts thousands of images. Each is named after the
    source and that number. A source without any file stays as it is.

    Returns
    -------
    RunConfig, list of str
        The config, and its faults.
    """
    sources: dict[str, Source] = {}
    named: dict[str, list[str]] = {}
    faults = []
    for name, source in config.sources.items():
        files = files_of(source)
        if not files:
            sources[name] = source
            continue
        named[name] = [f"{name}-{_label(file)}" for file in files]
        for one, file in zip(named[name], files, strict=True):
            if one in sources or one in config.sources:
                faults.append(
                    f"sources/{name}: {file} would be source {one!r}, which is there already; "
                    "give each snapshot a number of its own, or rename a source"
                )
            sources[one] = source.model_copy(update={"path": str(file)})
    datasets = {}
    for name, dataset in config.datasets.items():
        for side, source_name in (("real", dataset.real), ("generated", dataset.generated)):
            if source_name in named:
                faults.append(
                    f"datasets/{name}/{side}: {source_name} names several generators, which can "
                    "only be `snapshots`; name one file"
                )
        told = [one for each in dataset.snapshots for one in named.get(each, [each])]
        datasets[name] = dataset.model_copy(update={"snapshots": told})
        # Of a source without files nobody knows how many it names.
        unknown = any(_is_several(config.sources.get(each)) for each in told)
        if 0 < len(told) < LEAST and not unknown:
            faults.append(
                f"datasets/{name}/snapshots: {len(told)} given; Figure 9 shows a correlation, "
                f"which needs at least {LEAST}, or leave them out"
            )
    return config.model_copy(update={"sources": sources, "datasets": datasets}), faults


def _is_several(source: AnySource | None) -> TypeGuard[GeneratorSource]:
    """Tell whether a source names a folder or pattern of generators, whether it is there or not."""
    if not isinstance(source, GeneratorSource):
        return False
    path = as_path(source.path)
    if os.path.exists(path):  # noqa: PTH110 - False where one may not look, or the name is too long
        return path.is_dir()
    return glob.has_magic(str(path)) or not path.suffix  # the folder that is to come


def files_of(source: AnySource) -> list[Path]:
    """Return the files of a generator that names several, in order; [] for any other source."""
    if not _is_several(source):
        return []
    path = as_path(source.path)
    is_folder = os.path.isdir(path)  # noqa: PTH112
    found = path.glob(WRITTEN) if is_folder else map(Path, glob.glob(str(path)))  # noqa: PTH207
    return sorted(found, key=lambda file: (_number(file), str(file)))


def _number(file: Path) -> float:
    match = re.search(r"[0-9]+$", file.stem)
    return int(match[0]) if match else float("inf")


def _label(file: Path) -> str:
    """Return the number at the end of a file's name as it is written there, or the whole name."""
    match = re.search(r"[0-9]+$", file.stem)
    return match[0] if match else re.sub(r"[^A-Za-z0-9_.-]", "_", file.stem)
