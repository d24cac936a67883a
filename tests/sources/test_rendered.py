"""Shards of generated images: the same pixels as their source, or an error."""

from pathlib import Path

import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.sources import (
    ImageSource,
    ImitationSource,
    KeptImages,
    RenderedShard,
    render_shard,
)


def test_a_shard_gives_its_part_of_the_source(tmp_path: Path):
    source = ImitationSource(130, 16, 0, 0.5)
    path = tmp_path / "shard.h5"
    render_shard(source, 20, 120, path, {"images": source.fingerprint_of(20, 120)})
    shard = RenderedShard(path)
    assert isinstance(shard, ImageSource)
    assert shard.simulated
    assert shard.resolution == (16, 16)
    assert shard.fingerprint == source.fingerprint_of(20, 120)
    wanted = [119, 20, 70, 20]
    assert np.array_equal(shard.read(wanted), source.read(wanted))
    for outside in (19, 120):
        with pytest.raises(FringeError, match=r"shard\.h5"):
            shard.read([outside])


def test_a_damaged_shard_is_refused(tmp_path: Path):
    source = ImitationSource(8, 16, 0, 0.5)
    path = tmp_path / "shard.h5"
    render_shard(source, 0, 8, path, {"images": "0"})
    content = bytearray(path.read_bytes())
    path.write_bytes(content[:-100])
    with pytest.raises(FringeError, match=r"shard\.h5: missing or damaged"):
        RenderedShard(path)


def test_kept_images_are_read_and_others_made(tmp_path: Path):
    source = ImitationSource(60, 16, 0, 0.5)
    for first, last in ((0, 20), (40, 60)):
        path = tmp_path / f"{first}.h5"
        render_shard(source, first, last, path, {"images": source.fingerprint_of(first, last)})
    shards = [RenderedShard(tmp_path / f"{first}.h5") for first in (40, 0)]
    opened: list[ImageSource] = []

    def render() -> ImageSource:
        opened.append(source)
        return source

    kept = KeptImages(source, shards, render)
    assert isinstance(kept, ImageSource)
    assert (len(kept), kept.resolution, kept.fingerprint) == (60, (16, 16), source.fingerprint)
    wanted = [59, 0, 19, 40, 0]
    assert np.array_equal(kept.read(wanted), source.read(wanted))
    assert opened == []
    wanted = [39, 20, 59, 0, 39]
    assert np.array_equal(kept.read(wanted), source.read(wanted))
    kept.read([30])
    assert len(opened) == 1
    with pytest.raises(FringeError, match="60"):
        kept.read([60])
    nothing = KeptImages(source, [], render)
    assert np.array_equal(nothing.read([3]), source.read([3]))
