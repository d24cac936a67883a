"""Choice of the number of images per shard, if the configuration does not set it."""

from __future__ import annotations

import math
import os
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

# Largest number of images in a shard, unless the configuration sets sizes.
LARGEST = 5000

# Smallest ratio of the working time of a shard's job to its start-up time. With a smaller ratio, a
# set of few images would cost much more on many cores. With a larger ratio, fast networks would
# leave cores idle.
WORK_FOR_START = 4


def choose_sizes(
    config: RunConfig, sources: choices.Sources, cores: int | None = None
) -> tuple[dict[str, int], Device]:
    """Return the number of images in a shard of each source, and the device for its jobs.

    With ``extraction/minutes_per_job``, the slowest job of a shard takes about that time. This job
    renders the images, or extracts their features with the slowest network.

    Without ``minutes_per_job``, the number of shards of a source is the number of jobs that the
    cores can run at a time, or a multiple of it if shards would have more than 5,000 images. There
    are fewer shards if jobs would otherwise work less than four times their start-up time. Shards
    have 5,000 images if there is only one core, or if jobs share a GPU.

    The speed of jobs is measured from earlier jobs, in this run or in another run in the results
    folder; otherwise it is a default (`fringe.costs.work`). Sizes are fixed once per run, because
    changing them invalidates every shard. They are written to ``shards.json`` before the first job
    starts (`fringe.costs.remembered_sizes.remember_sizes`), or inferred from existing shards if
    that file is missing. Only a change of ``minutes_per_job`` leads to new sizes.

    This function does not write the sizes. Otherwise a plan that was made on a machine without a
    GPU, and never run, would determine the sizes on a machine with a GPU.

    Parameters
    ----------
    config : RunConfig
        The completed configuration, without ``extraction/shard_size``.
    sources : dict
        ``count`` and ``resolution`` of each source, by the source's name
        (`fringe.running.opening.check`).
    cores : int, optional
        Number of cores that jobs may use together; 1 if the jobs run on other machines. By default,
        all cores of this machine.

    Returns
    -------
    sizes : dict
        Number of images in a shard, by source; a multiple of the batch size.
    device : {"cpu", "cuda"}
        The device for which the sizes were chosen.

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
        return sizes, demanded_device(config) or kept.get("device", "cpu")
    records = list(_records(config, sources))
    # Jobs of shards that are not sized in minutes request the time of a CPU.
    likely = "cpu" if minutes is None else _likely_device(records)
    device: Device = demanded_device(config) or kept.get("device") or likely
    at_a_time = _jobs_at_a_time(config, cores)
    for name in new:
        # A change of `minutes_per_job` requests new sizes.
        stay = minutes is None or not has_changed
        found = _size_of_files(config, name, sources[name]["count"]) if stay else None
        if found is None:
            seconds = _seconds_for_an_image(config, sources, name, device, records)
            if minutes is None:
                found = _size_for_cores(sources[name]["count"], at_a_time, seconds, batch)
            else:
                found = _size_for_minutes(minutes, seconds, batch)
        sizes[name] = found
    return sizes, device


def _jobs_at_a_time(config: RunConfig, cores: int | None) -> int:
    """Return the number of shards that the cores process at a time; 1 if jobs share a GPU."""
    demanded = demanded_device(config)
    if demanded == "cuda" or (demanded is None and gpu_is_here()):
        return 1
    return max(1, (cores or os.cpu_count() or 1) // (1 + config.extraction.workers))


def _likely_device(records: Sequence[JobRecord]) -> Device:
    """Return the likely device of jobs that request a GPU: a GPU if jobs can get one.

    A machine that submits jobs to a cluster often has no GPU itself.
    """
    had = any(record.device == "cuda" for record in records)
    return "cuda" if had or shutil.which("sbatch") or gpu_is_here() else "cpu"


def _records(config: RunConfig, sources: choices.Sources) -> Iterator[JobRecord]:
    """Yield the records of jobs of all runs in the results folder."""
    for folder in sorted(Path(config.results).glob("*")):
        known = tasks_of(folder)
        if folder.name == config.run:
            known = {**_own_tasks(config, sources, folder), **known}
        yield from read_records(folder, known)


def _own_tasks(config: RunConfig, sources: choices.Sources, folder: Path) -> dict[str, Task]:
    """Return the work of this run's jobs by benchmark file, assuming the current configuration."""
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
    """Return the networks that make shards of a source, and None for rendering of kept images."""
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
    """Return the job that makes a shard, with the fields that `work` reads."""
    benchmark = _benchmark(name, network, shard)
    if network is None:
        outputs = (layout.image_shard(name, shard),)
        wildcards = {"source": name, "shard": shard}
        job = Job("render_images", (), outputs, wildcards, benchmark=benchmark)
    else:
        wildcards = {"source": name, "network": file_name(network), "shard": shard}
        outputs = (layout.feature_shard(name, network, shard),)
        job = Job("extract_features", (), outputs, wildcards, benchmark=benchmark)
    return replace(job, gpus=gpu(JobContext(job, config, sources, weight_files={})))


def _seconds_for_an_image(
    config: RunConfig,
    sources: choices.Sources,
    name: str,
    device: Device,
    records: Sequence[JobRecord],
) -> list[float]:
    """Return the seconds per image of each job that makes a shard of a source."""
    many = 1_000_000
    shard = layout.shard_name(0, many)
    found = []
    for network in _makers(config, name):
        job = _job(config, sources, name, network, shard)
        task = work(job, config, sources, device)
        seconds = estimate(job, task, records, config.run, device).seconds - START
        found.append(seconds / many)
    return found


def _size_for_minutes(minutes: float, seconds: Sequence[float], batch: int) -> int:
    """Return the number of images that the slowest job of a shard processes in some minutes.

    ``seconds`` contains the seconds per image of each job; ``batch`` is the batch size.
    """
    slowest = max(seconds, default=0.0)
    # Larger than any source.
    images = min((60 * minutes - START) / slowest, 1e9) if slowest else 1e9
    return max(1, int(images) // batch) * batch


def _size_for_cores(count: int, at_a_time: int, seconds: Sequence[float], batch: int) -> int:
    """Return the size of equal shards that keep all cores busy; see `choose_sizes`.

    ``at_a_time`` is the number of jobs that the cores can run at a time. The other parameters are
    as in `_size_for_minutes`.
    """
    largest = max(1, LARGEST // batch) * batch
    if at_a_time == 1:
        return largest
    mean = sum(seconds) / len(seconds) if seconds else 0.0
    least = min(math.ceil(WORK_FOR_START * START / mean), count) if mean else count
    rounds = math.ceil(count / (largest * at_a_time))
    shards = max(min(rounds * at_a_time, count // least), math.ceil(count / largest))
    return min(math.ceil(count / shards / batch) * batch, largest)


def _size_of_files(config: RunConfig, name: str, count: int) -> int | None:
    """Return the size of a source's existing shards, or None if there are none.

    Shards of several sizes may exist. Then the size whose shards cover most images is returned.
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
