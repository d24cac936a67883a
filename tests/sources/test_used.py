"""If only part of a data set is used, only that part is read and fingerprinted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import lmdb
import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.sources import LmdbSource, open_source
from fringe.sources import lmdb as lmdb_module
from fringe.sources.base import FileSource

from .conftest import encode, write_h5, write_lmdb, write_parquet, write_shards, write_tar

Write = Callable[[Path, np.ndarray], Path]


def named(pixels: np.ndarray) -> dict[str, bytes]:
    return {f"0000/{number:02d}.png": encode(image) for number, image in enumerate(pixels)}


def to_lmdb(path: Path, pixels: np.ndarray) -> Path:
    return write_lmdb(path, {name.encode(): data for name, data in named(pixels).items()})


FORMS: dict[str, Write] = {
    "lmdb": to_lmdb,
    "tar": lambda path, pixels: write_tar(path.with_suffix(".tar"), named(pixels)),
    "tars": lambda path, pixels: write_shards(path, "tar", named(pixels)),
    "parquet": lambda path, pixels: write_parquet(
        path.with_suffix(".parquet"), [*named(pixels).values()]
    ),
    "parquets": lambda path, pixels: write_shards(path, "parquet", named(pixels)),
    "hdf5": lambda path, pixels: write_h5(path.with_suffix(".h5"), pixels),
}


@pytest.fixture(params=FORMS)
def write(request: pytest.FixtureRequest) -> Write:
    return FORMS[request.param]


def parts(path: Path, count: int | None = None, cache: Path | None = None) -> list[str]:
    """Return the fingerprints of images 0 and 1, of 2 and 3, and of all used images."""
    source = open_source(path, count=count, cache=cache, order="file")
    return [*(source.fingerprint_of(*part) for part in ((0, 2), (2, 4))), source.fingerprint]


def test_fingerprints_depend_only_on_used_images(
    write: Write, tmp_path: Path, pixels: np.ndarray
) -> None:
    def changed(*numbers: int) -> Path:
        images = pixels.copy()
        images[list(numbers)] ^= 1
        folder = tmp_path / str(numbers)
        folder.mkdir()
        return write(folder / "data", images)

    first, second, whole = parts(changed(), 4)
    assert parts(changed(4, 6), 4) == [first, second, whole]
    for number, expected in ((0, [False, True, False]), (3, [True, False, False])):
        found = parts(changed(number), 4)
        assert [a == b for a, b in zip(found, (first, second, whole), strict=True)] == expected
    # With another count, a shard stays the same, but the whole does not.
    of_all = parts(changed(5))
    assert of_all[:2] == [first, second]
    assert of_all[2] != whole


def test_only_used_images_are_read(
    write: Write, tmp_path: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, cache = write(tmp_path / "data", pixels), tmp_path / "memory"
    kind = type(open_source(path))
    read: list[int] = []
    stored = kind._stored

    def counted(self: FileSource, indices: Sequence[int]) -> object:
        for data in stored(self, indices):
            read.append(len(data))
            yield data

    monkeypatch.setattr(kind, "_stored", counted)
    few = parts(path, 4, cache)
    assert len(read) == 4
    assert parts(path, 4, cache) == few
    assert len(read) == 4, "cached"
    many = parts(path, 6, cache)
    assert len(read) == 6, "of more images, only the new images are read"
    assert many == parts(path, 6)
    assert len(read) == 6 + 6, "without a cache, each source reads each image once"
    assert parts(path, 4, cache) == few
    (tmp_path / "other").mkdir()
    assert open_source(
        path, crop="wide 24x18", count=2, order="file", cache=tmp_path / "other"
    ).fingerprint
    assert len(read) == 12 + 2, "for a crop, up to the last large enough image"


def test_an_image_is_read_again_if_its_file_changed(
    write: Write, tmp_path: Path, pixels: np.ndarray
) -> None:
    cache = tmp_path / "memory"
    before = parts(write(tmp_path / "data", pixels), 4, cache)
    if (tmp_path / "data/data.mdb").exists():
        (tmp_path / "data/data.mdb").unlink()
    pixels[1] ^= 1
    after = parts(write(tmp_path / "data", pixels), 4, cache)
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, True, False]


def test_archives_after_the_last_image_are_not_opened(tmp_path: Path, pixels: np.ndarray) -> None:
    for form in ("tar", "parquet"):
        path = write_shards(tmp_path / form, form, named(pixels))
        (path / f"shard-000002.{form}").write_bytes(b"unreadable")
        before = parts(path, 4)
        (path / f"shard-000002.{form}").write_bytes(b"unreadable, too")
        assert parts(path, 4) == before
        with pytest.raises(FringeError, match="shard-000002"):
            open_source(path, count=5, order="file")


def test_the_layout_of_an_lmdb_does_not_change_the_fingerprint(
    tmp_path: Path, pixels: np.ndarray
) -> None:
    path = to_lmdb(tmp_path / "data", pixels)
    before = parts(path)
    with lmdb.open(str(path)) as environment, environment.begin(write=True) as transaction:
        for number in range(50):
            transaction.put(f"zz{number}".encode(), b"x" * 5000)
    assert parts(path, 7) == before
    values = {f"other{number}".encode(): encode(image) for number, image in enumerate(pixels)}
    assert parts(write_lmdb(tmp_path / "renamed", values)) == before


def test_the_compression_of_an_hdf5_does_not_change_the_fingerprint(
    tmp_path: Path, pixels: np.ndarray
) -> None:
    before = parts(write_h5(tmp_path / "a.h5", pixels))
    packed = write_h5(tmp_path / "b.h5", pixels, chunks=(2, 20, 24, 3), compression="gzip")
    assert parts(packed) == before
    with h5py.File(packed, "a") as file:
        file["more"] = np.zeros(1000)
    assert parts(packed) == before
    # The same bytes with another shape are different images.
    assert parts(write_h5(tmp_path / "c.h5", pixels.reshape(7, 24, 20, 3))) != before


def test_keys_are_read_up_to_the_last_requested_image(
    tmp_path: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lmdb_module, "KEYS", 2)
    values = {f"{number:03d}".encode(): encode(pixels[number % 7]) for number in range(90)}
    source = LmdbSource(write_lmdb(tmp_path / "data", values))
    lengths = []
    for index in (0, 1, 2, 30, 89):
        assert np.array_equal(source.read([index])[0], pixels[index % 7])
        lengths.append(len(source._keys))
    assert lengths == [2, 2, 4, 31, 90]
