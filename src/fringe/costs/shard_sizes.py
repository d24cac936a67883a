"""How many images a shard holds if jobs are sized in minutes: chosen once, then kept."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from fringe.config import choices
from fringe.config.model import RunConfig
from fringe.costs.context import JobContext
from fringe.costs.jobs import Device, Job, demanded_device, parse_shard_file
from fringe.costs.prediction import estimate
from fringe.costs.rates import START
from fringe.costs.records import JobRecord, Task, read_records, tasks_of
from fringe.costs.registry import work
from fringe.costs.remembered_sizes import read_sizes
from fringe.costs.resources import gpu
from fringe.devices.claims import gpu_is_here
from fringe.networks import file_name
from fringe.plan import layout

__all__ = ["choose_sizes"]


def choose_sizes(config: RunConfig, sources: choices.Sources) -> tuple[dict[str, int], Device]:
    """Return the number of images in a shard of each source, and the device for its jobs.

    The slowest job of a shard takes about ``extraction/minutes_per_job``: it renders the images, or
    extracts their features with the slowest network. The speed of jobs is taken from jobs that have
    run, in this run or in another run below the results; else it is a default
    (`fringe.costs.work`). Sizes are fixed once per run, because changing them invalidates every
    shard. They are written to ``shards.json`` before the first job starts
    (`fringe.costs.remembered_sizes.remember_sizes`), or inferred from existing shards if that file
    is missing. Only changing ``minutes_per_job`` chooses other sizes.

    Nothing is written here: a plan that is made on a machine without a GPU, and is never run, must
    not size the jobs of a machine with a GPU.

    Parameters
    ----------
    config : RunConfig
        The completed configuration, with ``extraction/minutes_per_job``.
    sources : dict
        By the name of each source: its ``count`` and ``resolution``
        (`fringe.running.opening.check`).

    Returns
    -------
    dict, str
        Sizes by source, which are multiples of the batch size; and ``cpu`` or ``cuda``.

    Raises
    ------
    FringeError
        If ``shards.json`` cannot be read.
    """
    batch, minutes = config.extraction.batch_size, config.extraction.minutes_per_job
    kept = read_sizes(config)
    has_changed = kept.get("minutes_per_job", minutes) != minutes
    if has_changed:
        kept = {"sizes": {}}
    sizes = {
        name: size for name, size in kept["sizes"].items() if name in sources and size % batch == 0
    }
    new = [name for name in sources if name not in sizes]
    if not new:
        return sizes, demanded_device(config) or kept["device"]
    records = list(_records(config, sources))
    device = demanded_device(config) or kept.get("device") or _likely_device(records)
    for name in new:
        found = None if has_changed else _size_of_files(config, name, sources[name]["count"])
        sizes[name] = found or _size_by_speed(config, sources, name, device, records)
    return sizes, device


def _likely_device(records: Sequence[JobRecord]) -> Device:
    """Return where jobs that ask for a GPU compute: on a GPU if jobs can get one.

    A machine that submits jobs to a cluster often has no GPU itself.
    """
    had = any(record.device == "cuda" for record in records)
    return "cuda" if had or shutil.which("sbatch") or gpu_is_here() else "cpu"


def _records(config: RunConfig, sources: choices.Sources) -> Iterator[JobRecord]:
    """Yield how long jobs took, in this run and in others below the results."""
    for folder in sorted(Path(config.results).glob("*")):
        known = tasks_of(folder)
        if folder.name == config.run:
            known = {**_own_tasks(config, sources, folder), **known}
        yield from read_records(folder, known)


def _own_tasks(config: RunConfig, sources: choices.Sources, folder: Path) -> dict[str, Task]:
    """Return what this run's jobs had to do by benchmark file, if it was configured as now."""
    tasks = {}
    for name in sources:
        for network in _makers(config, name):
            benchmarks = (folder / _benchmark(name, network, "any")).parent
            for path in filter(parse_shard_file, map(str, benchmarks.glob("*.tsv"))):
                job = _job(config, sources, name, network, Path(path).stem)
                found = work(job, config, sources, "cpu")
                tasks[job.name] = found.group, found.units
    return tasks


def _makers(config: RunConfig, name: str) -> list[str | None]:
    """Return what makes shards of a source: its networks, and None for rendering kept images."""
    rendered = choices.is_rendered(config, name) and config.extraction.keep_images
    return [*([None] if rendered else []), *choices.networks_of_source(config, name)]


def _benchmark(name: str, network: str | None, shard: str) -> str:
    if network is None:
        return layout.benchmark("render_images", name, shard)
    return layout.benchmark("extract_features", name, file_name(network), shard)


def _job(
    config: RunConfig,
    sources: choices.Sources,
    name: str,
    network: str | None,
    shard: str,
) -> Job:
    """Return the job that makes a shard, as `work` needs it."""
    benchmark = _benchmark(name, network, shard)
    if network is None:
        outputs = (layout.image_shard(name, shard),)
        wildcards = {"source": name, "shard": shard}
        job = Job("render_images", (), outputs, wildcards, benchmark=benchmark)
    else:
        wildcards = {"source": name, "network": file_name(network), "shard": shard}
        outputs = (layout.feature_shard(name, network, shard),)
        job = Job("extract_features", (), outputs, wildcards, benchmark=benchmark)
    return replace(job, gpus=gpu(JobContext(job, config, sources, weights={})))


def _size_by_speed(
    config: RunConfig,
    sources: choices.Sources,
    name: str,
    device: Device,
    records: Sequence[JobRecord],
) -> int:
    """Return how many images of a source the slowest job of a shard can do in its minutes."""
    many = 1_000_000
    shard = layout.shard_name(0, many)
    slowest = 0.0
    for network in _makers(config, name):
        job = _job(config, sources, name, network, shard)
        task = work(job, config, sources, device)
        seconds = estimate(job, task, records, config.run, device).seconds - START
        slowest = max(slowest, seconds / many)
    batch, minutes = config.extraction.batch_size, config.extraction.minutes_per_job
    assert minutes is not None
    # Larger than any source.
    images = min((60 * minutes - START) / slowest, 1e9) if slowest else 1e9
    return max(1, int(images) // batch) * batch


def _size_of_files(config: RunConfig, name: str, count: int) -> int | None:
    """Return the size of a source's existing shards; None if there are none.

    Shards of several sizes may exist. The size that holds most images is returned.
    """
    folder, batch = Path(layout.run_folder(config)), config.extraction.batch_size
    places = (layout.image_shard(name, "*"), layout.feature_shard(name, "*", "*"))
    files = [path for place in places for path in folder.glob(place)]
    there = Counter(filter(None, (parse_shard_file(str(path)) for path in files)))

    def held(size: int) -> int:
        bounds = layout.shard_bounds(count, size)
        return sum((last - first) * there[first, last] for first, last in bounds)

    sizes = {-(-(last - first) // batch) * batch for first, last in there}
    best = max(sizes, key=lambda size: (held(size), size), default=None)
    return best if best and held(best) else None
