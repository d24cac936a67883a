"""A compressed NPZ, unpacked once: the same images as from the stream, in any order."""

import pickle
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from fringe.errors import DamagedFileError, FringeError
from fringe.sources import NpzSource, open_source
from fringe.sources.unpacked import Packed, packed, read_unpacked, unpack


@pytest.fixture(params=[3, 1], ids=["rgb", "gray"])
def images(request: pytest.FixtureRequest) -> np.ndarray:
    """Enough small images for several chunks."""
    shape = (100, 20, 24, request.param)
    return np.random.default_rng(0).integers(0, 9, shape, np.uint8) * 20


@pytest.fixture
def path(tmp_path: Path, images: np.ndarray) -> Path:
    np.savez_compressed(tmp_path / "a.npz", images)
    return tmp_path / "a.npz"


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("the array was read again")


OPTIONS = [
    {},
    {"resolution": 8},
    {"count": 30},
    {"count": 30, "order": "file", "resolution": 8},
    {"least": 10, "seed": 5},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_unpacked_images_equal_those_of_the_stream(
    path: Path,
    tmp_path: Path,
    images: np.ndarray,
    options: dict,
    monkeypatch: pytest.MonkeyPatch,
):
    streamed = open_source(path, **options)
    everything = range(len(streamed))
    expected = streamed.read(everything)
    monkeypatch.setattr("fringe.sources.unpacked.BLOCK", 10_000)
    unpack(open_source(path, **options), tmp_path / "unpacked.h5")
    with h5py.File(tmp_path / "unpacked.h5") as file:
        assert np.array_equal(file["images"], images), "the whole stored array"
        assert file["images"].chunks[0] > 1
        assert file["images"].fletcher32

    monkeypatch.setattr("fringe.sources.npz._open_pixels", refuse)
    monkeypatch.setattr("fringe.sources.npz._read_to_the_end", refuse)
    source = open_source(path, **options)
    read_unpacked(source, tmp_path / "unpacked.h5")
    assert source.fingerprint == streamed.fingerprint
    assert source.resolution == streamed.resolution
    assert np.array_equal(source.read(everything), expected)
    order = np.random.default_rng(1).permutation(len(source))[:20]
    assert np.array_equal(pickle.loads(pickle.dumps(source)).read(order), expected[order])


def test_packed_returns_the_whole_array(path: Path, tmp_path: Path, images: np.ndarray):
    found = packed(open_source(path))
    assert found == Packed(NpzSource(path).identity, images.size)
    assert packed(open_source(path, count=3, resolution=8)) == found, "the whole array, for any use"
    np.savez(tmp_path / "stored.npz", images)
    for source in (open_source(tmp_path / "stored.npz"), open_source(tmp_path / "stored.npz", 8)):
        assert packed(source) is None
        with pytest.raises(FringeError, match=r"stored\.npz: has nothing to unpack"):
            unpack(source, tmp_path / "unpacked.h5")
    assert not (tmp_path / "unpacked.h5").exists()


def test_an_unpacked_file_of_another_array_is_not_read(
    path: Path, tmp_path: Path, images: np.ndarray
):
    place = tmp_path / "unpacked.h5"
    unpack(open_source(path), place)
    np.savez_compressed(path, 255 - images)
    source = open_source(path)
    for content in (None, b"", b"not HDF5"):
        if content is not None:
            place.write_bytes(content)
        read_unpacked(source, place)
        assert np.array_equal(source.read([7])[..., :1], 255 - images[[7]][..., :1])
    place.unlink()
    read_unpacked(source, place)
    assert np.array_equal(source.read([8])[..., :1], 255 - images[[8]][..., :1])


def test_a_damaged_array_leaves_no_file(path: Path, tmp_path: Path):
    content = bytearray(path.read_bytes())
    crc = NpzSource(path)._content[2].to_bytes(4, "little")
    while (place := content.find(crc)) >= 0:
        content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(FringeError, match=r"a\.npz: is damaged.*Bad CRC-32"):
        unpack(open_source(path), tmp_path / "new" / "unpacked.h5")
    assert [one.name for one in tmp_path.rglob("*.h5")] == []


def test_the_message_for_a_damaged_file_names_it(path: Path, tmp_path: Path, images: np.ndarray):
    place = tmp_path / "unpacked.h5"
    unpack(open_source(path), place)
    content = bytearray(place.read_bytes())
    content[content.index(images[60].tobytes()) + 9] ^= 1
    place.write_bytes(content)
    source = open_source(path)
    read_unpacked(source, place)
    with pytest.raises(DamagedFileError, match=r"unpacked\.h5: missing or damaged") as caught:
        source.read([60])
    assert caught.value.path == place, "so that a run renames it"


def test_a_full_disk_is_reported(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    message = r"unpacked\.h5: cannot be written .*a\.npz take 0\.0 GB, .*`extraction/keep_images: f"
    with pytest.raises(FringeError, match=message):
        unpack(open_source(path), tmp_path / "images" / "unpacked.h5")
