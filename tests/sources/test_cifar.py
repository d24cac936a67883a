"""CIFAR in its authors' archive: images and classes are read unchanged."""

import gzip
import io
import json
import os
import pickle
import tarfile
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fringe.errors import ChangedError, FringeError
from fringe.files import steadiness
from fringe.sources import cifar, open_source
from fringe.sources.cifar import CifarSource, holds_records
from fringe.sources.class_labels import class_counts, class_labels, known_labels
from fringe.sources.prepare import prepare
from fringe.sources.unpacked import packed, read_unpacked, unpack

from .cifar_archives import CLASSES, records, write_archive, write_cifar10

NAMES = ("data_batch_1", "data_batch_2", "data_batch_4", "test_batch")
Batches = dict[str, tuple[np.ndarray, np.ndarray]]


@pytest.fixture
def batches() -> Batches:
    rng = np.random.default_rng(0)
    return {
        name: (rng.integers(0, 256, (n, 32, 32, 3), np.uint8), rng.integers(0, 10, n))
        for name, n in zip(NAMES, (7, 5, 6, 4), strict=True)
    }


@pytest.fixture
def path(tmp_path: Path, batches: Batches) -> Path:
    return write_cifar10(tmp_path / "cifar-10-binary.tar.gz", batches)


def joined(batches: Batches, part: int, names: tuple[str, ...] = NAMES) -> np.ndarray:
    return np.concatenate([batches[name][part] for name in names])


@pytest.mark.parametrize(
    ("select", "names"),
    [
        ("data_batch_*", NAMES[:3]),
        ("*test_batch.bin", NAMES[3:]),
        (["data_batch_4*", "data_batch_1*"], (NAMES[0], NAMES[2])),
        ("*", NAMES),
    ],
)
def test_images_classes_and_names(
    path: Path, batches: Batches, select: str | list[str], names: tuple[str, ...]
) -> None:
    source = open_source(path, select=select)
    images, labels = joined(batches, 0, names), joined(batches, 1, names)
    assert len(source) == len(images)
    assert source.resolution == (32, 32)
    assert np.array_equal(source.read(range(len(source))), images)
    order = np.random.default_rng(1).permutation(len(images))
    assert np.array_equal(source.read(order), images[order])
    found = class_labels(source)
    assert found is not None
    assert np.array_equal(found.values, labels)
    assert found.names == CLASSES
    assert found.numbered
    assert np.array_equal(class_counts(source).counts, np.bincount(labels))
    known = known_labels(source)
    assert known is not None
    assert known.names == {CLASSES[label] for label in labels}


def test_images_of_a_subset_keep_their_classes(path: Path, batches: Batches) -> None:
    source = open_source(path, select="data_batch_*", count=9, seed=3)
    images, labels = joined(batches, 0, NAMES[:3]), joined(batches, 1, NAMES[:3])
    found = class_labels(source)
    assert found is not None
    for image, label in zip(source.read(range(9)), found.values, strict=True):
        (place,) = np.flatnonzero((images == image).all(axis=(1, 2, 3)))
        assert labels[place] == label
    first = open_source(path, select="data_batch_*", count=9, order="file", resolution=16)
    assert first.read([0]).shape == (1, 16, 16, 3)
    assert np.array_equal(class_counts(first).counts, np.bincount(labels[:9]))


def test_training_and_test_images_are_not_mixed_silently(path: Path) -> None:
    with pytest.raises(FringeError) as caught:
        open_source(path)
    message = "cifar-10-binary.tar.gz: holds 4 test images and 18 training images; say which ones"
    assert message in str(caught.value)
    assert '`select: "data_batch_*"` or `select: "test_batch.bin"`' in str(caught.value)
    assert len(open_source(path, ignore="test_batch*")) == 18
    with pytest.raises(FringeError, match=r'`select: "batch_\*"` fits none of its 4 images'):
        open_source(path, select="batch_*")


def test_the_fingerprint_depends_only_on_selected_images(
    path: Path, tmp_path: Path, batches: Batches
) -> None:
    def found(batches: Batches, select: str = "data_batch_*") -> str:
        return open_source(
            write_cifar10(tmp_path / "again.tgz", batches), select=select
        ).fingerprint

    before = open_source(path, select="data_batch_*").fingerprint
    assert found(batches) == before
    images, labels = batches["test_batch"]
    other = images.copy()
    other[0, 0, 0, 0] ^= 1
    assert found(batches | {"test_batch": (other, labels)}) == before
    assert found(batches | {"data_batch_1": batches["test_batch"]}) != before
    assert found(batches, "*") != before
    images, labels = batches["data_batch_2"]
    other = images.copy()
    other[-1, -1, -1, -1] ^= 1
    assert found(batches | {"data_batch_2": (other, labels)}) != before


def test_an_archive_is_read_once(
    path: Path, tmp_path: Path, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Path] = []
    learn = cifar._learn
    monkeypatch.setattr(cifar, "_learn", lambda path: calls.append(path) or learn(path))

    def wait(files: Iterable[os.stat_result]) -> None:
        time.sleep(2 * steadiness.STEP)
        steadiness.wait_until_settled(files)

    monkeypatch.setattr("fringe.sources.digests.wait_until_settled", wait)

    def opened(select: str) -> tuple[str, list[int]]:
        source = open_source(path, select=select, cache=tmp_path / "cache")
        assert isinstance(source, CifarSource)
        return source.fingerprint, source.labels.tolist()

    assert opened("data_batch_*") == opened("data_batch_*")
    assert opened("test*")[1] == batches["test_batch"][1].tolist()
    assert len(calls) == 1


def test_an_unpacked_archive_has_the_same_images(
    path: Path, tmp_path: Path, batches: Batches
) -> None:
    source = open_source(path, select="data_batch_*", count=11, seed=1)
    everything = source.read(range(11))
    about = packed(source)
    assert about is not None
    assert about.size == 18 * 3072
    unpack(source, tmp_path / "unpacked.h5")
    again = open_source(path, select="data_batch_*", count=11, seed=1)
    path.unlink()  # the archive is not read any more
    read_unpacked(again, tmp_path / "unpacked.h5")
    assert np.array_equal(again.read(range(11)), everything)
    write_cifar10(path, batches)
    test = open_source(path, select="test_batch*")
    read_unpacked(test, tmp_path / "unpacked.h5")  # from other images: not used
    assert np.array_equal(test.read(range(4)), batches["test_batch"][0])


def test_a_pickled_source_reads_the_same_images(path: Path, batches: Batches) -> None:
    source = open_source(path, select="*")
    again = pickle.loads(pickle.dumps(source))
    assert np.array_equal(again.read([20, 3]), joined(batches, 0)[[20, 3]])


def test_an_image_that_changes_after_opening_is_refused(
    path: Path, tmp_path: Path, batches: Batches
) -> None:
    source = open_source(path, select="data_batch_*")
    images, labels = batches["data_batch_1"]
    write_cifar10(path, batches | {"data_batch_1": (images ^ 1, labels)})
    with pytest.raises(ChangedError, match="image 2: was changed since"):
        source.read([2])
    with pytest.raises(ChangedError, match="image 0: was changed since"):
        unpack(source, tmp_path / "unpacked.h5")
    assert not (tmp_path / "unpacked.h5").exists()


def test_cifar_100_has_fine_classes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 32, 32, 3), np.uint8)
    coarse, fine = rng.integers(0, 20, 6), np.array([3, 99, 0, 3, 7, 50])
    names = [f"class {n}".replace(" ", "_") for n in range(100)]
    files = {
        "train.bin": records(images[:4], coarse[:4], fine[:4]),
        "fine_label_names.txt": "\n".join(names).encode(),
        "coarse_label_names.txt": b"fish",
        "test.bin": records(images[4:], coarse[4:], fine[4:]),
    }
    path = write_archive(tmp_path / "cifar-100-binary.tar.gz", files, "cifar-100-binary")
    source = open_source(path, select="train.bin")
    assert np.array_equal(source.read(range(4)), images[:4])
    found = class_labels(source)
    assert found is not None
    assert found.values.tolist() == [3, 99, 0, 3]
    assert found.names == tuple(names)
    with pytest.raises(FringeError, match=r'`select: "train\.bin"` or `select: "test\.bin"`'):
        open_source(path)


def test_damaged_archives_are_refused(path: Path, tmp_path: Path, batches: Batches) -> None:
    whole = path.read_bytes()
    for damaged in (whole[:-400], whole[: len(whole) // 2], whole[:-20] + bytes(20)):
        path.write_bytes(damaged)
        with pytest.raises(FringeError, match=r"binary\.tar\.gz: is damaged"):
            open_source(path, select="data_batch_*")
    flipped = bytearray(gzip.decompress(whole))
    flipped[2000] ^= 1
    path.write_bytes(gzip.compress(bytes(flipped))[:-8] + whole[-8:])  # the previous checksum
    with pytest.raises(FringeError, match=r"binary\.tar\.gz: is damaged"):
        open_source(path, select="data_batch_*")
    images, labels = batches["data_batch_1"]
    files = {
        "data_batch_1.bin": records(images, labels),
        "data_batch_2.bin": records(images, labels)[:-1],
        "batches.meta.txt": b"a\nb\n",
    }
    write_archive(path, files, "x")
    with pytest.raises(FringeError, match=r"x/data_batch_2\.bin: has 21,510 bytes, which is not"):
        open_source(path, select="data_batch_*")
    del files["data_batch_2.bin"], files["batches.meta.txt"]
    write_archive(path, files, "x")
    with pytest.raises(FringeError, match=r"has none of batches\.meta\.txt and fine_label"):
        open_source(path, select="data_batch_*")


def test_an_archive_that_unpacks_to_a_huge_size_is_refused(
    path: Path, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file may unpack to any size, inside the tar or after its end."""
    plain = gzip.decompress(path.read_bytes())
    monkeypatch.setattr(cifar, "MOST", len(plain) + (2 << 20))
    path.write_bytes(gzip.compress(plain + bytes(1 << 20)))
    assert len(open_source(path, select="*")) == 22
    path.write_bytes(gzip.compress(plain + bytes(4 << 20)))
    with pytest.raises(FringeError, match="unpacks to more than"):
        open_source(path, select="*")
    files = {"data_batch_1.bin": records(*batches["data_batch_1"]), "more": bytes(4 << 20)}
    write_archive(path, files | {"batches.meta.txt": b"a"}, "x")
    with pytest.raises(FringeError, match="unpacks to more than"):
        open_source(path, select="*")


def test_a_duplicate_file_of_records_is_refused(path: Path, batches: Batches) -> None:
    data = records(*batches["data_batch_1"])
    with tarfile.open(path, "w:gz") as archive:
        for name, content in (("a.bin", data), ("./a.bin", data), ("batches.meta.txt", b"a")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    with pytest.raises(FringeError, match=r"binary\.tar\.gz!a\.bin: occurs twice"):
        open_source(path, select="*")


def test_other_compressed_tars_are_recognized(tmp_path: Path, batches: Batches) -> None:
    images = write_archive(tmp_path / "a.tar.gz", {"a.png": b"no image"}, "x")
    assert not holds_records(images)
    with pytest.raises(FringeError, match=r"a\.tar\.gz: is a compressed tar"):
        open_source(images)
    # The search ends after the first 64 MB.
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz", compresslevel=1) as archive:
        info = tarfile.TarInfo("large")
        info.size = 65 << 20
        archive.addfile(info, io.BytesIO(bytes(info.size)))
        data = records(*batches["data_batch_1"])
        info = tarfile.TarInfo("data_batch_1.bin")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    assert not holds_records(tmp_path / "b.tar.gz")
    # The Python version contains pickles, which are never read.
    python = write_archive(tmp_path / "p.tar.gz", {"data_batch_1": pickle.dumps(1)}, "x")
    assert not holds_records(python)


def test_folders_and_python_versions_have_clear_messages(path: Path, tmp_path: Path) -> None:
    with pytest.raises(FringeError, match=r"binary\.tar\.gz: is a CIFAR archive; give its path"):
        open_source(tmp_path)
    for version, name in (("cifar-10", "cifar10"), ("cifar-100", "cifar100")):
        python = write_archive(tmp_path / f"{version}-python.tar.gz", {"meta": b""}, "x")
        message = rf"holds pickles, .*{version}-binary\.tar\.gz \(`published:cifar/{name}`\)"
        with pytest.raises(FringeError, match=message):
            open_source(python)


def test_a_prepared_zip_keeps_the_classes(path: Path, tmp_path: Path, batches: Batches) -> None:
    assert prepare(path, tmp_path / "out.zip", 32, select="data_batch_*") == 18
    prepared = open_source(tmp_path / "out.zip")
    assert np.array_equal(prepared.read(range(18)), joined(batches, 0, NAMES[:3]))
    found = class_labels(prepared)
    assert found is not None
    assert np.array_equal(found.values, joined(batches, 1, NAMES[:3]))
    assert found.names == CLASSES


def test_too_few_names_of_classes_are_left_out(tmp_path: Path, batches: Batches) -> None:
    path = write_cifar10(tmp_path / "a.tar.gz", batches, names=CLASSES[:3])
    found = class_labels(open_source(path, select="*"))
    assert found is not None
    assert found.names is None


def test_real_images_survive_the_format(shared: Path, tmp_path: Path) -> None:
    """The first 1,000 test images, written in their authors' format and read again."""
    archive = shared / "data" / "cifar10-test.zip"
    if not archive.is_file():
        pytest.skip(f"{archive.name} does not exist")
    with zipfile.ZipFile(archive) as file:
        pairs = json.loads(file.read("dataset.json"))["labels"][:1000]
        images = np.stack(
            [np.asarray(Image.open(io.BytesIO(file.read(name)))) for name, _ in pairs]
        )
    labels = np.array([label for _, label in pairs])
    path = write_cifar10(tmp_path / "a.tar.gz", {"test_batch": (images, labels)})
    source = open_source(path)
    assert isinstance(source, CifarSource)
    assert np.array_equal(source.read(range(1000)), images)
    assert np.array_equal(source.labels, labels)
    # Compare with the ZIP itself.
    of_zip = open_source(archive, count=1000, order="file")
    assert np.array_equal(of_zip.read(range(1000)), images)
    assert np.array_equal(class_counts(of_zip).counts, class_counts(source).counts)
