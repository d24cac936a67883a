"""Shards of generated images: the same pixels as their source, or an error."""

from pathlib import Path

import numpy as np
import pytest

from fringe.errors import DamagedFileError, FringeError
from fringe.sources import (
    ImageSource,
    ImitationSource,
    KeptImages,
    RenderedShard,
    copied_to_scratch,
    render_shard,
)


def test_a_shard_equals_its_part_of_the_source(tmp_path: Path):
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


def test_shards_are_read_from_copies_in_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    source = ImitationSource(40, 16, 0, 0.5)
    for first, last in ((0, 20), (20, 40)):
        render_shard(source, first, last, tmp_path / f"{first}.h5", {"images": "0"}, scratch=True)
    there = [RenderedShard(tmp_path / f"{first}.h5") for first in (0, 20)]
    with copied_to_scratch(there) as shards:
        assert [shard.path for shard in shards] == [shard.path for shard in there]
        assert sorted(path.name for path in scratch.rglob("*.h5")) == ["0.h5", "20.h5"]
        (tmp_path / "0.h5").write_bytes(b"no longer read")
        assert np.array_equal(shards[0].read([3, 19]), source.read([3, 19]))
        assert np.array_equal(shards[1].read([30]), source.read([30]))
        shards[1].copy.write_bytes(b"damaged")
        with pytest.raises(DamagedFileError, match=rf"^{tmp_path}/20\.h5") as caught:
            shards[1].read([30])
        assert caught.value.path == tmp_path / "20.h5", "the file that must be created again"
    assert list(scratch.iterdir()) == []


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
    path = tmp_path / "overlap.h5"
    render_shard(source, 10, 50, path, {"images": source.fingerprint_of(10, 50)})
    overlapping = KeptImages(source, [*shards, RenderedShard(path)], render)
    assert np.array_equal(overlapping.read(range(60)), source.read(range(60)))
    nothing = KeptImages(source, [], render)
    assert np.array_equal(nothing.read([3]), source.read([3]))
