"""The choice and the order of images, and their effect on fingerprints."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.seeds import random_stream
from fringe.sources import ImageSource, open_source
from fringe.sources.base import FileSource
from fringe.sources.decoding import size_of
from fringe.sources.prefetch import decoded

from .conftest import (
    encode,
    write_folder,
    write_h5,
    write_lmdb,
    write_parquet,
    write_tar,
    write_zip,
)

# Bitmaps of one pixel, written by hand so that the digests below depend on no encoder.
HEADER = struct.pack("<2sIIIIiiHHIIiiII", b"BM", 58, 0, 54, 40, 1, 1, 1, 24, 0, 4, 0, 0, 0, 0)
DATA = {
    f"{kind}/{number}.bmp": HEADER + bytes([kind, number, 0, 0])
    for kind in range(2)
    for number in range(4)
}
PIXELS = (np.arange(8 * 4 * 4 * 3) % 251).astype(np.uint8).reshape(8, 4, 4, 3)


def write_each(form: str, folder: Path) -> Path:
    """Write the eight entries of DATA, or PIXELS, in a format."""
    path = folder / f"data.{form}"
    if form == "npz":
        np.savez(path, PIXELS)
        return path
    if form == "hdf5":
        return write_h5(path, PIXELS)
    if form == "parquet":
        return write_parquet(path, [*DATA.values()])
    if form == "lmdb":
        return write_lmdb(folder / "data", {name.encode(): data for name, data in DATA.items()})
    if form == "folder":
        return write_folder(folder / "data", DATA)
    return write_zip(path, DATA) if form == "zip" else write_tar(path, DATA)


# Fingerprints of all images, of the first five, and of a part, from before random orders existed.
# If they change, all users must extract all features again.
DIGESTS = {
    "folder": ("76e49f25dbede8ee", "1032e03239060716", "8939505b87e8d622"),
    "hdf5": ("6ef0c4f4b6a6585e", "1f5642b472377a95", "aaa420a2acaed301"),
    "lmdb": ("a33196ca83ff13f3", "9950aea1cd909d21", "04ec82c0c62ea78e"),
    "npz": ("a73c18f6aca63824", "388cb918893ae64a", "acd7c401d9af598e"),
    "parquet": ("e7d68abc7dec7fb4", "3c7ea93fbbe08614", "e3d77d8e3ba14c2e"),
    "tar": ("521ae1edb5b12a35", "35a65d92d89b9378", "ffa2fc776a07e6be"),
    "zip": ("fdf6298acccedd66", "bea166491da710c6", "c95ea33ad958fa53"),
}


@pytest.mark.parametrize("form", DIGESTS)
def test_fingerprints_in_the_order_of_files_do_not_change(tmp_path: Path, form: str) -> None:
    path = write_each(form, tmp_path)
    every, few = open_source(path), open_source(path, count=5, order="file")
    found = (every.fingerprint, few.fingerprint, every.fingerprint_of(2, 5))
    assert tuple(one[:16] for one in found) == DIGESTS[form]


@pytest.mark.parametrize("form", DIGESTS)
def test_scattered_images_have_their_own_fingerprints(tmp_path: Path, form: str) -> None:
    path, cache = write_each(form, tmp_path), tmp_path / "memory"
    source = open_source(path, cache=cache)
    assert isinstance(source, FileSource)
    asked = [[6, 1, 3], [6, 3, 1], [1, 3, 6], [6, 1], [7, 1, 3], [6, 1, 3, 0]]
    found = [source.fingerprint_at(indices) for indices in asked]
    assert len(set(found)) == len(asked)
    # Independent of the cache and of earlier requests.
    for one in (open_source(path, cache=cache), open_source(path), source):
        assert isinstance(one, FileSource)
        assert [one.fingerprint_at(np.array(indices)) for indices in asked] == found
        assert one.fingerprint_of(2, 5)[:16] == DIGESTS[form][2]
    if form != "npz":  # NPZ has one checksum, of all images
        assert source.fingerprint_at([2, 3, 4])[:16] == DIGESTS[form][2]


def permutation(count: int, seed: int = 0) -> np.ndarray:
    return random_stream(seed, "order").permutation(count)


def test_every_format_supports_a_random_order(dataset: Path, in_order: np.ndarray) -> None:
    for options in ({"count": 5}, {"least": 6}, {"count": 6, "least": 2, "seed": 3}):
        source = open_source(dataset, **options)
        wanted = in_order[permutation(7, options.get("seed", 0))[: options.get("count", 7)]]
        assert np.array_equal(source.read(range(len(source))), wanted), options
        assert np.array_equal(source.read([3, 0, 3, 4]), wanted[[3, 0, 3, 4]])
        data = pickle.dumps(source)
        assert len(data) < 3000
        assert np.array_equal(pickle.loads(data).read([4, 1]), wanted[[4, 1]])
        with ThreadPoolExecutor(3) as pool:
            for index, images in enumerate(pool.map(source.read, [[i] for i in range(5)] * 4)):
                assert np.array_equal(images[0], wanted[index % 5])
    with pytest.raises(FringeError, match="image 5 was asked for, but the 5 images"):
        open_source(dataset, count=5).read([5])
    with pytest.raises(FringeError, match=r"holds 7 images, fewer than the 8 asked for"):
        open_source(dataset, count=8)


def test_a_set_that_claims_too_many_images_is_refused(
    tmp_path: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_lmdb(tmp_path / "set", {b"%d" % i: encode(one) for i, one in enumerate(pixels)})
    monkeypatch.setattr("fringe.sources.selection.LARGEST", 6)
    with pytest.raises(FringeError, match=r"holds 7 images, but at most 6 .*order: file"):
        open_source(path, count=3)
    assert np.array_equal(open_source(path, count=3, order="file").read(range(3)), pixels[:3])
    assert len(open_source(path)) == 7


@pytest.mark.parametrize("dataset", ["lmdb", "parquet", "hdf5-chunked"], indirect=True)
def test_processes_read_a_random_order(dataset: Path, in_order: np.ndarray) -> None:
    source = open_source(dataset, count=6)
    batches = decoded(source, [(0, 2), (2, 4), (4, 6)], workers=2)
    assert np.array_equal(np.concatenate(list(batches)), in_order[permutation(7)[:6]])


def test_a_set_that_is_used_completely_is_in_the_order_of_files(
    dataset: Path, in_order: np.ndarray
) -> None:
    before = open_source(dataset, order="file")
    for options in ({}, {"count": 7}, {"least": 7}, {"count": 7, "least": 9}, {"seed": 5}):
        source = open_source(dataset, **options)
        assert np.array_equal(source.read(range(7)), in_order)
        assert source.fingerprint == before.fingerprint
        assert source.fingerprint_of(2, 5) == before.fingerprint_of(2, 5)
    first = open_source(dataset, count=4, least=2, seed=9, order="file")
    assert np.array_equal(first.read(range(4)), in_order[:4])
    with pytest.raises(FringeError, match="order is 'sorted'; it must be one of random, file"):
        open_source(dataset, order="sorted")
    with pytest.raises(FringeError, match="seed is -1; it must be at least 0"):
        open_source(dataset, seed=-1)


def test_a_larger_subset_contains_a_smaller_one(dataset: Path) -> None:
    """Equal seeds give equal subsets, different seeds give different subsets."""
    sources = [open_source(dataset, count=count) for count in (4, 5, 6)]
    sources += [open_source(dataset, least=2)]
    assert len({source.fingerprint_of(0, 2) for source in sources}) == 1
    assert len({source.fingerprint_of(2, 4) for source in sources}) == 1
    assert len({source.fingerprint for source in sources}) == 4
    assert np.array_equal(sources[0].read(range(4)), sources[-1].read(range(4)))
    assert open_source(dataset, count=5).fingerprint == sources[1].fingerprint
    found = {open_source(dataset, count=5, seed=seed).fingerprint for seed in range(4)}
    assert len(found) == 4
    assert open_source(dataset, count=5, order="file").fingerprint not in found


def test_a_random_subset_has_the_classes_of_the_whole(tmp_path: Path) -> None:
    """A folder sorted by class: 10 classes of 40 images, whose pixels are their class."""
    encoded = [encode(np.full((2, 2, 3), one, np.uint8)) for one in range(10)]
    write_folder(
        tmp_path / "set",
        {f"class{one}/{number:02d}.png": encoded[one] for one in range(10) for number in range(40)},
    )

    def classes(count: int, **options: object) -> np.ndarray:
        source = open_source(tmp_path / "set", least=count, **options)
        return np.bincount(source.read(range(count))[:, 0, 0, 0], minlength=10)

    assert classes(200, order="file").tolist() == [40] * 5 + [0] * 5
    for seed in range(8):
        for count in (50, 100, 200, 399):
            # The count of a class, drawn without replacement, is hypergeometric.
            deviation = np.sqrt(count * 0.1 * 0.9 * (400 - count) / 399)
            assert np.abs(classes(count, seed=seed) - count / 10).max() < 4 * deviation + 1


FORMS = [form for form in DIGESTS if form != "npz"]  # its only checksum covers all images


@pytest.mark.parametrize("form", FORMS)
def test_only_the_shard_of_a_changed_image_changes(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parts() -> list[str]:
        (tmp_path / "set").mkdir(exist_ok=True)
        source = open_source(write_each(form, tmp_path / "set"), count=6)
        return [source.fingerprint_of(first, first + 2) for first in (0, 2, 4)]

    before, order = parts(), permutation(8)
    for place, index in enumerate(order.tolist()):
        with monkeypatch.context() as patch:
            patch.setitem(DATA, [*DATA][index], HEADER + b"new!")
            pixels = PIXELS.copy()
            pixels[index] ^= 1
            patch.setitem(globals(), "PIXELS", pixels)
            after = parts()
        changed = [one != other for one, other in zip(before, after, strict=True)]
        assert changed == [place // 2 == shard for shard in range(3)]


@pytest.mark.parametrize("form", ["lmdb", "tar", "parquet", "hdf5"])
def test_only_the_images_of_a_random_subset_are_read(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, cache = write_each(form, tmp_path), tmp_path / "memory"
    kind = type(open_source(path))
    read: list[int] = []
    stored = kind._stored  # type: ignore[attr-defined]

    def counted(self: FileSource, indices: Sequence[int]) -> Iterator[bytes]:
        read.extend(indices)
        assert list(indices) == sorted(indices)
        return stored(self, indices)

    monkeypatch.setattr(kind, "_stored", counted)
    order = permutation(8).tolist()
    few = open_source(path, count=3, cache=cache).fingerprint
    assert sorted(read) == sorted(order[:3])
    assert open_source(path, count=3, cache=cache).fingerprint == few
    assert len(read) == 3
    more = open_source(path, count=5, cache=cache).fingerprint
    assert read[3:] == sorted(order[3:5])
    every = open_source(path, cache=cache).fingerprint
    assert sorted(read) == list(range(8)), "each image was read once"
    # Cached hashes of scattered images do not affect the images between them.
    fresh = [open_source(path, count=count).fingerprint for count in (3, 5, None)]
    assert fresh == [few, more, every]


@pytest.mark.parametrize("cached", [False, True])
def test_the_wide_crop_selects_large_images_in_random_order(tmp_path: Path, cached: bool) -> None:
    rng = np.random.default_rng(0)
    large = [index % 5 != 0 for index in range(60)]
    shapes = [(24, 32, 3) if one else (10, 12, 3) for one in large]
    values = {
        f"{index:02d}".encode(): encode(rng.integers(0, 256, shape, np.uint8))
        for index, shape in enumerate(shapes)
    }
    path, cache = write_lmdb(tmp_path / "set", values), tmp_path / "memory" if cached else None

    def opened(**options: object) -> ImageSource:
        return open_source(path, crop="wide 32x24", cache=cache, **options)

    every = opened()
    assert len(every) == 48
    rank = np.cumsum(large) - 1  # rank of each large image among the large images
    wanted = every.read([rank[index] for index in permutation(60) if large[index]])
    for options in ({"count": 10}, {"count": 10}, {"count": 30}, {"least": 47}, {"count": 47}):
        source = opened(**options)
        assert np.array_equal(source.read(range(len(source))), wanted[: len(source)]), options
        assert len(source) == options.get("count", 48)
    for options in ({"count": 48}, {"least": 48}, {"count": 48, "least": 50}):
        assert opened(**options).fingerprint == every.fingerprint
    assert np.array_equal(opened(count=10, order="file").read(range(10)), every.read(range(10)))
    assert len({opened(count=10, seed=seed).fingerprint_of(0, 5) for seed in range(4)}) == 4
    with pytest.raises(FringeError, match="holds 48 images, fewer than the 49 asked for"):
        opened(count=49)


def test_headers_are_read_until_enough_images_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = encode(np.zeros((24, 32, 3), np.uint8))
    files = {f"{index:04d}.png": image for index in range(500)}
    path, cache = write_zip(tmp_path / "set.zip", files), tmp_path / "memory"
    read: list[int] = []
    monkeypatch.setattr(
        "fringe.sources.base.size_of",
        lambda data, label, **options: read.append(1) or size_of(data, label, **options),
    )
    for count, wanted in (
        (10, 11),
        (10, 11),
        (20, 21),
        (5, 21),
    ):  # one more, which shows that there are others
        assert len(open_source(path, crop="wide 32x24", count=count, cache=cache)) == count
        assert len(read) == wanted
