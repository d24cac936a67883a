"""Shards of generated images: the same pixels as their source, or an error."""

from pathlib import Path

import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.sources import ImageSource, ImitationSource, RenderedShard, render_shard


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
