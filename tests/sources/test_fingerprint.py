"""Fingerprints: only content changes them."""

import os
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.sources import fingerprint, open_source, source_from_spec
from fringe.sources import imitation as imitation_module
from fringe.sources import photos as photos_module
from fringe.sources.digests import file_digests

from .conftest import encode, entries_of, spoil, write_folder, write_h5, write_zip


def spec(path: Path, **more: object) -> dict[str, object]:
    return {"kind": "files", "path": str(path), "count": None, "resolution": None, **more}


def test_touching_and_moving_change_nothing(dataset: Path, tmp_path: Path):
    before = fingerprint(spec(dataset))
    assert len(before) == 64
    assert int(before, 16) >= 0
    os.utime(dataset, (1, 1))
    assert fingerprint(spec(dataset)) == before
    (tmp_path / "elsewhere").mkdir()
    moved = dataset.rename(tmp_path / "elsewhere" / f"renamed{dataset.suffix}")
    assert fingerprint(spec(moved)) == before
    assert open_source(moved).fingerprint == before


def test_resizing_and_count_change_the_fingerprint(dataset: Path):
    values = [
        fingerprint(spec(dataset)),
        fingerprint(spec(dataset, resolution=16)),
        fingerprint(spec(dataset, count=3)),
        fingerprint(spec(dataset, count=4)),
    ]
    assert len(set(values)) == 4


@pytest.mark.parametrize("form", ["zip", "folder", "npz", "h5"])
def test_content_changes_the_fingerprint(
    form: str, tmp_path: Path, files: dict[str, bytes], in_order: np.ndarray
):
    def write(files: dict[str, bytes], images: np.ndarray) -> dict[str, object]:
        path = tmp_path / f"data.{form}"
        if form == "zip":
            write_zip(path, files)
        elif form == "folder":
            write_folder(path, files)
        elif form == "npz":
            np.savez(path, images)
        else:
            write_h5(path, images)
        return spec(path)

    cache = tmp_path / "cache"
    before = fingerprint(write(files, in_order), cache)
    assert fingerprint(write(files, in_order), cache) == before
    changed = in_order.copy()
    changed[4, 3, 3, 0] ^= 1
    after = fingerprint(
        write(files | {"00001/img00000001.png": encode(changed[4])}, changed), cache
    )
    assert after != before
    assert fingerprint(write(files, in_order), cache) == before


@pytest.mark.parametrize("packed", [True, False])
def test_unused_images_do_not_change_the_fingerprint(
    tmp_path: Path, packed: bool, files: dict[str, bytes], pixels: np.ndarray
):
    def write(files: dict[str, bytes]) -> Path:
        if packed:
            return write_zip(tmp_path / "data.zip", files)
        return write_folder(tmp_path / "data", files)

    path = write(files)
    first, whole = fingerprint(spec(path, count=2, order="file")), fingerprint(spec(path))
    write(files | {"dataset.json": b"[]", "00001/img00000005.png": encode(pixels[0])})
    assert fingerprint(spec(path, count=2, order="file")) == first
    assert fingerprint(spec(path)) != whole


def test_repacking_a_zip_changes_nothing(tmp_path: Path, files: dict[str, bytes]):
    stored = write_zip(tmp_path / "a.zip", files)
    packed = write_zip(tmp_path / "b.zip", dict(sorted(files.items())), zipfile.ZIP_DEFLATED)
    assert stored.read_bytes() != packed.read_bytes()
    assert fingerprint(spec(stored)) == fingerprint(spec(packed))
    renamed = dict(files)
    renamed["00001/img00000009.png"] = renamed.pop("00001/img00000005.png")
    assert fingerprint(spec(write_zip(tmp_path / "c.zip", renamed))) != fingerprint(spec(stored))


def test_only_the_directory_of_a_zip_is_read(tmp_path: Path):
    block = os.urandom(1 << 20)
    path = write_zip(tmp_path / "large.zip", {f"{i:04d}.png": block for i in range(100)})
    start = time.perf_counter()
    fingerprint(spec(path))
    assert time.perf_counter() - start < 0.05  # hashing its 100 MiB takes longer


def test_hashes_are_cached(
    tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
):
    cache = tmp_path / "new" / "cache"
    path = write_folder(tmp_path / "data", files)
    h5 = write_h5(tmp_path / "a.h5", np.ones((3, 8, 8, 3), np.uint8))
    before = fingerprint(spec(path), cache), fingerprint(spec(h5), cache)
    assert len(entries_of(cache)) == 8  # one for each image, and one for the HDF5 file
    assert list(cache.parent.iterdir()) == [cache]

    with monkeypatch.context() as patch:
        patch.setattr("fringe.sources.digests._sha256", lambda _: pytest.fail("hashed again"))
        patch.setattr("fringe.sources.Hdf5Source._rows", lambda *_: pytest.fail("read again"))
        assert (fingerprint(spec(path), cache), fingerprint(spec(h5), cache)) == before

    # A change that keeps size and modification time is still detected.
    image = path / "00000/img00000000.png"
    state = image.stat()
    data = bytearray(image.read_bytes())
    data[70] ^= 1
    image.write_bytes(data)
    os.utime(image, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert fingerprint(spec(path), cache) != before[0]
    assert len(entries_of(cache)) == 8  # the hash of the former state was removed
    assert all(len([*group.iterdir()]) == 1 for group in cache.iterdir())  # files were joined

    spoil(cache)
    assert fingerprint(spec(h5), cache) == before[1]


@pytest.mark.parametrize("packed", [True, False])
def test_a_part_does_not_depend_on_other_images(
    tmp_path: Path, packed: bool, files: dict[str, bytes], pixels: np.ndarray
):
    def parts(files: dict[str, bytes]) -> list[str]:
        if packed:
            path = write_zip(tmp_path / "data.zip", files)
        else:
            path = write_folder(tmp_path / "data", files)
        return [open_source(path).fingerprint_of(*part) for part in ((0, 2), (2, 4), (4, 7))]

    before = parts(files)
    after = parts(files | {"00000/img00000004.png": encode(pixels[0])})  # the third in order
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]
    assert len(set(before)) == 3


PHOTOS = {"kind": "photos", "count": 8, "resolution": 32, "seed": 1}
IMITATION = {**PHOTOS, "kind": "imitation", "severity": 0.5}


@pytest.mark.parametrize("base", [PHOTOS, IMITATION])
def test_fingerprints_of_photographs(base: dict[str, object], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        photos_module, "loaded_photographs", lambda: pytest.fail("photographs were decoded")
    )
    before = fingerprint(base)
    assert source_from_spec(base).fingerprint == before
    assert fingerprint(base | {"framing": "free"}) == before
    changes: list[dict[str, object]] = [{"count": 9}, {"resolution": 33}, {"seed": 2}]
    changes += [{"framing": "aligned"}]
    if base is IMITATION:
        changes += [{"severity": 0}, {"severity": 1.0}]
    values = {before, *(fingerprint(base | change) for change in changes)}
    assert len(values) == 1 + len(changes)
    module = photos_module if base is PHOTOS else imitation_module
    monkeypatch.setattr(module, "REVISION", -1)
    assert fingerprint(base) != before


@pytest.mark.parametrize("base", [PHOTOS, IMITATION])
def test_a_part_of_the_photographs_does_not_depend_on_the_count(base: dict[str, object]):
    few, many = source_from_spec(base), source_from_spec(base | {"count": 80})
    assert few.fingerprint_of(0, 8) == many.fingerprint_of(0, 8)
    assert few.fingerprint != many.fingerprint


@pytest.mark.parametrize(
    ("base", "stored"),
    [(PHOTOS, "a59ff5929f5956bc"), (IMITATION, "03c2162737c5816e")],
    ids=["photos", "imitation"],
)
def test_fingerprints_of_free_crops_equal_those_of_the_first_version(
    base: dict[str, object], stored: str, monkeypatch: pytest.MonkeyPatch
):
    """So that results of users remain valid."""
    for module in (photos_module, imitation_module):
        monkeypatch.setattr(module, "photo_hashes", lambda: (("cat", "0"),))
    assert fingerprint(base)[:16] == stored


def test_a_composition_only_changes_fingerprints_of_aligned_crops(monkeypatch: pytest.MonkeyPatch):
    aligned = PHOTOS | {"framing": "aligned"}
    before = fingerprint(PHOTOS), fingerprint(aligned)
    monkeypatch.setitem(photos_module.COMPOSITIONS, "cat", 0.5)
    assert fingerprint(PHOTOS) == before[0]
    assert fingerprint(aligned) != before[1]


@pytest.mark.usefixtures("changed_photographs")
def test_files_of_photographs_change_the_fingerprint(monkeypatch: pytest.MonkeyPatch):
    before = fingerprint(PHOTOS)
    monkeypatch.setitem(photos_module.PHOTOGRAPHS, "cat", ("skimage", "data/coffee.png"))
    photos_module.photo_hashes.cache_clear()
    assert fingerprint(PHOTOS) != before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "lmdb"}, "kind is 'lmdb'; it must be one of files, .*photos, .*imitation"),
        ({"kind": "imitation"}, "`severity` is missing"),
        ({"severity": 0.5}, "unknown key 'severity'"),
        ({"count": None}, "`count` is missing"),
        ({"count": 2.0}, "`count` is 2.0; it must be of type int"),
        ({"seed": True}, "`seed` is True; it must be of type int"),
        ({"seed": -1}, "seed is -1; it must be at least 0"),
        ({"resolution": 8}, "resolution is 8; it must be at least 16"),
        ({"framing": "centred"}, "framing is 'centred'; it must be free or aligned"),
        ({"kind": "imitation", "severity": float("nan")}, "severity is nan"),
        ({"kind": "imitation", "severity": -0.1}, "severity is -0.1"),
    ],
)
def test_invalid_specifications_are_refused(change: dict[str, object], message: str):
    with pytest.raises(FringeError, match=message):
        source_from_spec(PHOTOS | change)


def test_specification_of_files(dataset: Path, in_order: np.ndarray):
    source = source_from_spec({"kind": "files", "path": str(dataset), "count": 5, "order": "file"})
    assert np.array_equal(source.read(range(5)), in_order[:5])
    assert source_from_spec(spec(dataset, resolution=16)).resolution == (16, 16)
    with pytest.raises(FringeError, match="`path` is missing"):
        source_from_spec({"kind": "files"})


def test_only_sets_with_tiffs_have_the_revision_of_tiffs(tmp_path: Path, pixels: np.ndarray):
    """Features that earlier versions extracted from sets without TIFFs remain valid."""
    from fringe.sources.base import REVISION, digest

    png = write_folder(tmp_path / "png", {"a.png": encode(pixels[0])})
    tif = write_folder(
        tmp_path / "tif", {"a.tif": encode(pixels[0], "TIFF"), "b.png": encode(pixels[1])}
    )
    for path, is_same in ((png, True), (tif, False)):
        source = open_source(path)
        members = [(name, file_digests([path / name])[0]) for name in source.members]
        before = digest([len(source), digest(["folder", REVISION, None, *members])])
        assert (source.fingerprint == before) == is_same
