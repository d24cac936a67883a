"""Expansion of sources that name several training snapshots by a folder or pattern."""

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

# The files that the training of StyleGAN2-ADA and of Projected GAN writes.
WRITTEN = "network-snapshot-*.pkl"
LEAST = 3  # minimum number of points of a correlation


def expand_snapshots(config: RunConfig) -> tuple[RunConfig, list[str]]:
    """Return a completed config with one source for each file of a source with several files.

    Such a source names a folder, which means its files ``network-snapshot-*.pkl``, or a pattern
    with ``*``, ``?`` or ``[]``. Sources of the files replace the source in a data set's
    ``snapshots``. They are sorted by the number at the end of the file name, which counts thousands
    of images, and named after the source and this number. A source without files does not change.

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
                    f"sources/{name}: {file} would be source {one!r}, which already exists; "
                    "give each snapshot a different number, or rename a source"
                )
            sources[one] = source.model_copy(update={"path": str(file)})
    datasets = {}
    for name, dataset in config.datasets.items():
        for side, source_name in (("real", dataset.real), ("generated", dataset.generated)):
            if source_name in named:
                faults.append(
                    f"datasets/{name}/{side}: {source_name} names several generators, which are "
                    "possible only in `snapshots`; name one file"
                )
        snapshots = [one for each in dataset.snapshots for one in named.get(each, [each])]
        datasets[name] = dataset.model_copy(update={"snapshots": snapshots})
        # The number of snapshots of a source without files is unknown.
        unknown = any(_is_several(config.sources.get(each)) for each in snapshots)
        if 0 < len(snapshots) < LEAST and not unknown:
            faults.append(
                f"datasets/{name}/snapshots: {len(snapshots)} given, but the correlation in Figure "
                f"9 needs at least {LEAST}; give more, or leave them out"
            )
    return config.model_copy(update={"sources": sources, "datasets": datasets}), faults


def _is_several(source: AnySource | None) -> TypeGuard[GeneratorSource]:
    """Return whether a source names a folder or pattern of generators, even if it is missing."""
    if not isinstance(source, GeneratorSource):
        return False
    path = as_path(source.path)
    if os.path.exists(path):  # noqa: PTH110 - False if access is denied, or the name is too long
        return path.is_dir()
    return glob.has_magic(str(path)) or not path.suffix  # a folder that does not exist yet


def files_of(source: AnySource) -> list[Path]:
    """Return the files of a source with several generators, in order; [] for other sources."""
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
    """Return the number at the end of a file's name as it is written, or the whole name."""
    match = re.search(r"[0-9]+$", file.stem)
    return match[0] if match else re.sub(r"[^A-Za-z0-9_.-]", "_", file.stem)
