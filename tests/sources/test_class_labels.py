"""Classes of images, in files that the tests write."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from fringe.errors import FringeError
from fringe.sources import PhotoSource, open_source, source_from_spec
from fringe.sources.class_labels import ClassLabels, class_labels, known_labels
from fringe.sources.digests import pack
from fringe.sources.memory import Memory
from fringe.sources.tar import CLASSES

from .conftest import encode, write_tar

PIXELS = np.repeat(np.arange(0, 240, 40), 8 * 8 * 3).astype(np.uint8).reshape(6, 8, 8, 3)
LABELS = np.array([2, 0, 1, 1, 5, 2])


def folders(root: Path, names: dict[str, int]) -> Path:
    for name, count in names.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for place in range(count):
            Image.fromarray(PIXELS[place]).save(root / name / f"{place}.png")
    return root


def labels_of(path: Path, **settings: object) -> ClassLabels:
    found = class_labels(open_source(str(path), **settings))  # type: ignore[arg-type]
    assert found is not None
    return found


def test_folders_are_named_after_classes(tmp_path: Path) -> None:
    found = labels_of(folders(tmp_path / "a", {"cat": 2, "dog": 3}))
    assert found.names == ("cat", "dog")
    assert found.values.tolist() == [0, 0, 1, 1, 1]
    below = labels_of(folders(tmp_path / "b", {"train/images/dog": 2, "train/images/ant": 1}))
    assert below.names == ("ant", "dog")
    assert below.values.tolist() == [0, 1, 1]
    one = labels_of(folders(tmp_path / "c", {"cat": 2}))
    assert (one.names, one.values.tolist()) == (("cat",), [0, 0])


def test_labels_follow_the_order_of_images(tmp_path: Path) -> None:
    """A random subset of images has the labels of these images."""
    root = folders(tmp_path / "a", {f"class{k}": 4 for k in range(5)})
    for path in root.rglob("*.png"):
        Image.fromarray(np.full((8, 8, 3), int(path.parent.name[-1]), np.uint8)).save(path)
    source = open_source(str(root), count=7, seed=3)
    found = class_labels(source)
    assert found is not None
    assert found.values.tolist() == source.read(range(7))[:, 0, 0, 0].tolist()
    assert len(set(found.values.tolist())) > 2
    assert found.names == tuple(f"class{k}" for k in range(5)), "of all images"


@pytest.mark.parametrize("saved", ["arr_1", "labels"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_labels_in_npz(tmp_path: Path, saved: str, save: object) -> None:
    save(tmp_path / "a.npz", arr_0=PIXELS, **{saved: LABELS})  # type: ignore[operator]
    found = labels_of(tmp_path / "a.npz")
    assert (found.names, found.values.tolist()) == (None, LABELS.tolist())
    assert labels_of(tmp_path / "a.npz", count=3, order="file").values.tolist() == [2, 0, 1]
    some = open_source(str(tmp_path / "a.npz"), count=3)
    again = class_labels(some)
    assert again is not None
    where = [PIXELS[:, 0, 0, 0].tolist().index(value) for value in some.read(range(3))[:, 0, 0, 0]]
    assert again.values.tolist() == LABELS[where].tolist()


def test_labels_in_hdf5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"], file["labels"] = PIXELS, LABELS.astype(np.uint8)
    assert labels_of(tmp_path / "a.h5").values.tolist() == LABELS.tolist()


def test_labels_in_a_column_of_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    Image.fromarray(PIXELS[0]).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    for name, values in {"a": [3, 1], "b": [0, 3]}.items():
        table = pa.table({"image": [{"bytes": data, "path": None}] * 2, "label": values})
        (tmp_path / "set").mkdir(exist_ok=True)
        parquet.write_table(table, tmp_path / "set" / f"{name}.parquet")
    assert labels_of(tmp_path / "set") == (pytest.approx([3, 1, 0, 3]), None, True)


@pytest.mark.parametrize(
    ("label", "names"),
    [
        ({"names": ["ant", "bee", "cat"], "_type": "ClassLabel"}, ("ant", "bee", "cat")),
        ({"names": ["ant", "bee"], "_type": "ClassLabel"}, None),  # and a class 2
        ({"names": ["ant", "ant", "cat"], "_type": "ClassLabel"}, None),
        ({"names": [1, 2, 3], "_type": "ClassLabel"}, None),
        ({"dtype": "int64", "_type": "Value"}, None),
        (3, None),
    ],
)
def test_names_of_classes_in_parquet(
    tmp_path: Path, label: object, names: tuple[str, ...] | None
) -> None:
    parquet_with_names(tmp_path / "a.parquet", label)
    found = labels_of(tmp_path / "a.parquet")
    assert (found.values.tolist(), found.names, found.numbered) == ([2, 0], names, True)
    known = known_labels(open_source(str(tmp_path / "a.parquet")))
    assert known is not None
    assert known.names == (names and {"ant", "cat"}), "of the classes that images have"
    assert known.numbers == {0, 2}


def test_parquet_files_with_different_names_are_refused(tmp_path: Path) -> None:
    for file, last in (("a", "cat"), ("b", "dog")):
        label = {"names": ["ant", "bee", last], "_type": "ClassLabel"}
        parquet_with_names(tmp_path / f"{file}.parquet", label)
    with pytest.raises(
        FringeError, match=r"b\.parquet: names different classes .* than .*a\.parquet"
    ):
        labels_of(tmp_path)


def parquet_with_names(path: Path, label: object) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    images = [{"bytes": encode(pixels), "path": None} for pixels in PIXELS[:2]]
    about = {"info": {"features": {"label": label}}}
    table = pa.table({"image": images, "label": [2, 0]})
    parquet.write_table(table.replace_schema_metadata({"huggingface": json.dumps(about)}), path)


def test_classes_of_samples_in_a_tar(tmp_path: Path) -> None:
    """Also with names of folders, and with several archives in one file."""
    data = [encode(pixels) for pixels in PIXELS]
    first = {"a/1.x.png": data[0], "a/1.cls": b"3\n", "b/1.cls": b"0", "b/1.png": data[1]}
    one = write_tar(tmp_path / "one.tar", first)
    other = write_tar(tmp_path / "other.tar", {"a/1.png": data[2], "a/1.cls": b" 12 "})
    both = tmp_path / "both.tar"
    both.write_bytes(one.read_bytes() + other.read_bytes())
    assert labels_of(both) == (pytest.approx([3, 0, 12]), None, True)
    source = open_source(str(both), count=2, seed=1)
    found = class_labels(source)
    assert found is not None
    where = [
        PIXELS[:, 0, 0, 0].tolist().index(value) for value in source.read(range(2))[:, 0, 0, 0]
    ]
    assert found.values.tolist() == np.array([3, 0, 12])[where].tolist()


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({}, r"a/2\.png: its sample has no `\.cls`, but others have one"),
        ({"a/2.cls": b"-1"}, r"holds '-1'; a class must be an integer of at least 0"),
        ({"a/2.cls": b"ant"}, r"holds 'ant'"),
        ({"a/2.cls": b"1" * 99}, r"holds '1111111111111111'"),
        ({"a/2.cls": b""}, r"holds ''"),
    ],
)
def test_invalid_classes_in_a_tar_are_refused(
    tmp_path: Path, stated: dict[str, bytes], message: str
) -> None:
    image = encode(PIXELS[0])
    files = {"a/1.png": image, "a/1.cls": b"1", "a/2.png": image, **stated}
    with pytest.raises(FringeError, match=message):
        labels_of(write_tar(tmp_path / "a.tar", files))


@pytest.mark.parametrize(
    ("answer", "number"),
    [(pack(b'[[[512, "7"]]]'), 7), ("0", 4), (pack(b"[[[512]]]"), 4), (pack(b"[[[[], []]]]"), 4)],
)
def test_cached_classes_of_a_tar(tmp_path: Path, answer: str, number: int) -> None:
    """An invalid entry of the cache is computed again."""
    path = write_tar(tmp_path / "a.tar", {"1.png": encode(PIXELS[0]), "1.cls": b"4"})
    about = path.stat()
    state = f"{about.st_size}:{about.st_mtime_ns}:{about.st_ctime_ns}"
    Memory(tmp_path / "cache").add(str(tmp_path), {f"{CLASSES}/a.tar": f"{state} {answer}"})
    found = class_labels(open_source(path, cache=tmp_path / "cache"))
    assert found is not None
    assert found.values.tolist() == [number]


@pytest.mark.parametrize("listed", [[["a/0.png", 4], ["a/1.png", 2]], None])
def test_a_list_of_labels_has_priority_over_folders(
    tmp_path: Path, listed: list[object] | None
) -> None:
    folders(tmp_path / "x", {"a": 2})
    (tmp_path / "x" / "dataset.json").write_text(json.dumps({"labels": listed}))
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for path in sorted((tmp_path / "x").rglob("*.*")):
            archive.write(path, path.relative_to(tmp_path / "x"))
    for path in (tmp_path / "x", tmp_path / "x.zip"):
        found = labels_of(path)
        assert found.values.tolist() == ([4, 2] if listed else [0, 0])
        assert found.names == (None if listed else ("a",))


def test_labels_in_files_of_features(tmp_path: Path) -> None:
    rows = np.zeros((6, 1280), np.float32)
    np.savez(tmp_path / "a.npz", features=rows, labels=LABELS)
    spec = {
        "kind": "features", "path": str(tmp_path / "a.npz"), "networks": ["efficientnet-lite0"]
    }  # fmt: skip
    found = class_labels(source_from_spec(spec))
    assert found is not None
    assert found.values.tolist() == LABELS.tolist()


def test_sources_without_labels(tmp_path: Path) -> None:
    assert class_labels(open_source(str(folders(tmp_path / "a", {".": 2})))) is None
    np.savez(tmp_path / "a.npz", PIXELS)
    assert class_labels(open_source(str(tmp_path / "a.npz"))) is None
    assert class_labels(PhotoSource(2, 16, 0)) is None
    assert known_labels(PhotoSource(2, 16, 0)) is None


def test_invalid_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FringeError, match=r"a/ and in b/c/, whose parent folders differ"):
        labels_of(folders(tmp_path / "a", {"a": 1, "b/c": 1}))
    with pytest.raises(FringeError, match=r"whose parent folders differ"):
        labels_of(folders(tmp_path / "b", {"a": 1, ".": 1}))
    for name, wrong, message in [
        ("few", LABELS[:4], "has 4 labels, but the file has 6 images"),
        ("floats", LABELS.astype(float), "one integer for each image"),
        ("negative", LABELS - 1, "row 1 holds -1"),
        ("images", PIXELS[..., 0], "one integer for each image"),
    ]:
        np.savez(tmp_path / f"{name}.npz", arr_0=PIXELS, labels=wrong)
        with pytest.raises(FringeError, match=message):
            labels_of(tmp_path / f"{name}.npz")
    np.savez(tmp_path / "both.npz", arr_0=PIXELS, arr_1=LABELS, labels=LABELS)
    with pytest.raises(FringeError, match="holds both `arr_1` and `labels`"):
        labels_of(tmp_path / "both.npz")


@pytest.mark.parametrize("name", ["{0:05d}/img{1:08d}.png", "{2:05d}/{1:05d}.png"])
def test_folders_of_numbered_images_are_not_classes(tmp_path: Path, name: str) -> None:
    for number in (0, 999, 1000, 2345):
        path = tmp_path / name.format(number // 1000, number, number // 1000 * 1000)
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(PIXELS[0]).save(path)
    with pytest.raises(FringeError, match=r"are not classes; give labels in `dataset\.json`"):
        labels_of(tmp_path)


def test_the_identity_changes_with_a_label(tmp_path: Path) -> None:
    def identity(values: np.ndarray) -> str:
        np.savez(tmp_path / "a.npz", arr_0=PIXELS, labels=values)
        found = known_labels(open_source(str(tmp_path / "a.npz")))
        assert found is not None
        assert found.numbers == frozenset(values.tolist())
        return found.identity

    before = identity(LABELS)
    assert identity(LABELS) == before
    assert identity(LABELS[::-1]) != before
