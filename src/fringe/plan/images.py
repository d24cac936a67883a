"""Opening the images of a run's sources."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fringe.config.choices import is_rendered, source_spec
from fringe.config.model import RunConfig
from fringe.devices.choice import choose_device
from fringe.plan import layout
from fringe.plan.layout import hash_cache, parse_shard, run_folder
from fringe.sources import (
    ImageSource,
    KeptImages,
    RenderedShard,
    copied_to_scratch,
    source_from_spec,
)
from fringe.sources.unpacked import packed, read_unpacked

__all__ = ["images_nearby", "open_configured", "open_images", "open_seeded", "open_shard"]


def open_configured(config: RunConfig, name: str, at_least: int = 0) -> ImageSource:
    """Open the source ``name`` of a completed config, a generator on the configured device.

    A generated source has at least ``at_least`` images; image i does not depend on their number. A
    source that is compressed as a whole is read from its unpacked copy.
    """
    spec = _lengthened(source_spec(config, name), at_least)
    device = choose_device(config.device) if config.sources[name].is_trained else "cpu"
    source = source_from_spec(spec, hash_cache(config), device)
    if packed(source):
        read_unpacked(source, Path(run_folder(config), layout.unpacked_images(name)))
    return source


def _lengthened(spec: dict[str, Any], at_least: int) -> dict[str, Any]:
    return {**spec, "count": max(spec["count"], at_least)} if at_least else spec


def open_images(config: RunConfig, name: str, at_least: int = 0) -> ImageSource:
    """Open the source ``name`` for jobs that read images. Kept images are read, not made again.

    ``at_least`` is as in `open_configured`; for sources of files it has no effect.

    The configured device is used only when an image has to be made, so nodes without a GPU can read
    images that were rendered on other nodes.
    """
    if not (is_rendered(config, name) and config.extraction.keep_images):
        return open_configured(config, name, at_least if is_rendered(config, name) else 0)
    spec = _lengthened(source_spec(config, name), at_least)
    source = source_from_spec(spec, hash_cache(config))
    folder = Path(run_folder(config), layout.images(name))
    shards = []
    for path in sorted(folder.glob("*.h5")):
        if re.fullmatch("[0-9]+-[0-9]+", path.stem) is None:
            continue  # a partial file
        first, last = parse_shard(path.stem)
        if last <= len(source):
            shard = RenderedShard(path)
            if shard.fingerprint == source.fingerprint_of(first, last):
                shards.append(shard)
    return KeptImages(source, shards, partial(open_configured, config, name, at_least))


@contextmanager
def images_nearby(config: RunConfig, name: str, count: int) -> Iterator[ImageSource]:
    """Yield `open_images` for a job that reads most of the first ``count`` images.

    With ``extraction/scratch``, the kept images are read from copies on the job's node.
    """
    source = open_images(config, name)
    if not (config.extraction.scratch and isinstance(source, KeptImages)):
        yield source
        return
    with copied_to_scratch([shard for shard in source.shards if shard.first < count]) as copies:
        others = [shard for shard in source.shards if shard.first >= count]
        yield KeptImages(source.source, [*copies, *others], source.render)


@contextmanager
def open_shard(config: RunConfig, name: str, rendered: str | None) -> Iterator[ImageSource]:
    """Yield the source of a shard's images: the file ``rendered``, or the configured source.

    With ``extraction/scratch``, the file ``rendered`` is read from a copy on the job's node.
    """
    if not rendered:
        yield open_configured(config, name)
    elif config.extraction.scratch:
        with copied_to_scratch([RenderedShard(rendered)]) as (shard,):
            yield shard
    else:
        yield RenderedShard(rendered)


def open_seeded(config: RunConfig, name: str, seed: int) -> ImageSource:
    """Open the source ``name`` of a completed config with another seed, for its first image."""
    other = config.sources[name].model_copy(update={"seed": seed, "count": 2})
    return open_configured(config.model_copy(update={"sources": {name: other}}), name)
