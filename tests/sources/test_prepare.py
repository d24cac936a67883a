"""Prepared ZIPs contain exactly the images of the source, with reproducible bytes."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fringe.errors import FringeError
from fringe.sources import ZipSource, open_source
from fringe.sources.class_labels import class_labels
from fringe.sources.labels import labels_of
from fringe.sources.prepare import BLOCK, prepare

from .conftest import encode, write_tar, write_zip

COUNT = 2 * BLOCK + 3


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(COUNT):
        size = (20 + index, 30) if index % 2 else (26, 22 + index)
        image = rng.integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(image).save(folder / f"{index:03d}.png")
    return folder


@pytest.mark.parametrize(
    "options",
    [
        {"resolution": 16},
        {"resolution": 16, "filter": "box", "count": 5},
        {"resolution": 16, "count": 5, "order": "file"},
        {"resolution": 16, "count": 5, "seed": 3},
        {"crop": "wide 24x18"},
        {"crop": "wide 24x16", "filter": "box", "count": 3},
    ],
)
def test_the_zip_has_the_images_of_the_source(tmp_path: Path, raw: Path, options: dict):
    out = tmp_path / "out.zip"
    source = open_source(raw, **options)
    assert prepare(raw, out, **options) == len(source)
    prepared = open_source(out)
    assert len(prepared) == len(source) == options.get("count", len(source))
    assert np.array_equal(prepared.read(range(len(source))), source.read(range(len(source))))
    assert np.array_equal(
        open_source(out, resolution=source.resolution[0]).read([0]), source.read([0])
    )


def test_the_zip_has_the_format_of_the_dataset_tool(tmp_path: Path, raw: Path):
    prepare(raw, tmp_path / "out.zip", 16)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        infos = archive.infolist()
        assert archive.read("dataset.json") == b'{"labels": null}'
    names = [info.filename for info in infos]
    assert names[:2] == ["00000/img00000000.png", "00000/img00000001.png"]
    assert names[-2:] == [f"00000/img{COUNT - 1:08d}.png", "dataset.json"]
    assert {info.compress_type for info in infos} == {zipfile.ZIP_STORED}
    assert labels_of(ZipSource(tmp_path / "out.zip")) is None


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"resolution": 16},
        {"resolution": 16, "count": 9},
        {"resolution": 16, "count": 9, "order": "file"},
        {"resolution": 16, "select": "*[13579].png", "workers": 3},
        {"crop": "wide 24x18"},
        {"crop": "wide 24x18", "count": 5, "seed": 2},
    ],
)
def test_labels_are_written(tmp_path: Path, raw: Path, options: dict, packed: bool):
    """Each image has the label of its original image, for any selection of images."""
    names = sorted(path.name for path in raw.iterdir())
    shade = {name: np.full((24, 32, 3), 6 * int(name[:3]), np.uint8) for name in names}
    for name in names:
        small = name[:3] in {"004", "011"}  # too small for the wide crop
        Image.fromarray(shade[name][:10] if small else shade[name]).save(raw / name)
    labels = json.dumps({"labels": [[name, int(name[:3])] for name in names]})
    (raw / "dataset.json").write_text(labels)
    path = raw
    if packed:
        path = tmp_path / "raw.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in raw.iterdir():
                archive.write(file, file.name)
    n = prepare(path, tmp_path / "out.zip", **options)
    prepared = ZipSource(tmp_path / "out.zip")
    found = labels_of(prepared)
    assert found is not None
    middles = prepared.read(range(n))[:, 8, 8, 0]
    assert [6 * label for label in found] == middles.tolist()
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        first = json.loads(archive.read("dataset.json"))["labels"][0]
    assert first == ["00000/img00000000.png", found[0]]
    # Prepare the prepared ZIP again.
    prepare(tmp_path / "out.zip", tmp_path / "again.zip", 8)
    assert labels_of(ZipSource(tmp_path / "again.zip")) == found


def test_invalid_labels_are_refused(tmp_path: Path, raw: Path):
    (raw / "dataset.json").write_text('{"labels": [["000.png", 1]]}')
    with pytest.raises(FringeError, match=r"dataset\.json: has no label for 001\.png; add it"):
        prepare(raw, tmp_path / "out.zip", 16)
    assert not (tmp_path / "out.zip").exists()


def test_the_bytes_do_not_depend_on_the_number_of_workers(tmp_path: Path, raw: Path):
    for workers in (1, 2, 5):
        prepare(raw, tmp_path / f"{workers}.zip", 16, workers=workers)
    first = (tmp_path / "1.zip").read_bytes()
    assert (tmp_path / "2.zip").read_bytes() == first
    assert (tmp_path / "5.zip").read_bytes() == first


@pytest.mark.parametrize("workers", [1, 3])
def test_a_damaged_image_leaves_no_file(tmp_path: Path, raw: Path, workers: int):
    (raw / "020.png").write_bytes(b"none")
    (tmp_path / "out").mkdir()
    with pytest.raises(FringeError, match=r"020\.png: is damaged"):
        prepare(raw, tmp_path / "out" / "a.zip", 16, workers=workers)
    assert not list((tmp_path / "out").iterdir())


def test_invalid_options_are_refused(tmp_path: Path, raw: Path):
    with pytest.raises(FringeError, match=r"a\.tar: must end in \.zip"):
        prepare(raw, tmp_path / "a.tar", 16)
    with pytest.raises(FringeError, match="workers is 0"):
        prepare(raw, tmp_path / "a.zip", 16, workers=0)
    with pytest.raises(FringeError, match="fewer than the 99"):
        prepare(raw, tmp_path / "a.zip", 16, count=99)


def test_damaged_jpegs_are_counted_or_refused(
    tmp_path: Path, raw: Path, capsys: pytest.CaptureFixture[str]
):
    for name in ("005.png", "020.png"):
        image = Image.open(raw / name)
        (raw / name).unlink()
        path = (raw / name).with_suffix(".jpg")
        image.save(path)
        path.write_bytes(path.read_bytes()[:-50].rstrip(b"\xff") + b"\xff\xd9")
    assert prepare(raw, tmp_path / "out.zip", 16, workers=2) == COUNT
    printed = capsys.readouterr().err
    warning = "Corrupt JPEG data: premature end of data segment"
    assert f"warning: {raw}: 2 images of {COUNT} had damaged data" in printed
    assert f"({raw}/005.jpg: {warning}; {raw}/020.jpg: {warning})" in printed
    with pytest.raises(FringeError, match=r"005\.jpg: has damaged data"):
        prepare(raw, tmp_path / "strict.zip", 16, strict=True)
    assert not (tmp_path / "strict.zip").exists()
    prepare(tmp_path / "out.zip", tmp_path / "again.zip", 8, strict=True)
    assert "warning" not in capsys.readouterr().err


LABELS = [int(number) for number in np.random.default_rng(1).integers(0, 4, COUNT)]


def shades(count: int) -> np.ndarray:
    """Return images whose pixels are their index."""
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 8, 8, 3))


def write_npz(path: Path) -> Path:
    np.savez(path / "a.npz", shades(COUNT), np.array(LABELS))
    return path / "a.npz"


def write_hdf5(path: Path) -> Path:
    with h5py.File(path / "a.h5", "w") as file:
        file["images"], file["labels"] = shades(COUNT), np.array(LABELS)
    return path / "a.h5"


def write_parquet(path: Path) -> Path:
    images = [encode(image) for image in shades(COUNT)]
    pq.write_table(pa.table({"image": images, "fine": LABELS}), path / "a.parquet")
    return path / "a.parquet"


def write_tar_of_samples(path: Path) -> Path:
    files = {}
    for number, (image, label) in enumerate(zip(shades(COUNT), LABELS, strict=True)):
        files |= {f"{number:04d}.png": encode(image), f"{number:04d}.cls": str(label).encode()}
    return write_tar(path / "a.tar", files)


@pytest.mark.parametrize("options", [{}, {"count": 9}, {"count": 7, "order": "file"}])
@pytest.mark.parametrize("write", [write_npz, write_hdf5, write_parquet, write_tar_of_samples])
def test_labels_of_every_format_are_written(
    tmp_path: Path, write: Callable[[Path], Path], options: dict
) -> None:
    path = write(tmp_path)
    if path.suffix == ".parquet":
        options = {**options, "label_column": "fine"}
    n = prepare(path, tmp_path / "out.zip", 8, **options)
    prepared = ZipSource(tmp_path / "out.zip")
    places = prepared.read(range(n))[:, 0, 0, 0]
    assert labels_of(prepared) == [LABELS[place] for place in places]
    prepare(path, tmp_path / "none.zip", 8, labels=False, **options)
    assert labels_of(ZipSource(tmp_path / "none.zip")) is None


def test_a_missing_column_is_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path)
    with pytest.raises(FringeError, match=r"a\.parquet: has no column `coarse` \(`label_col"):
        prepare(path, tmp_path / "out.zip", 8, label_column="coarse")
    assert prepare(path, tmp_path / "out.zip", 8) == COUNT  # no column `label`, no labels
    assert labels_of(ZipSource(tmp_path / "out.zip")) is None
    with pytest.raises(FringeError, match=r"a\.npz: is not Parquet, but `label_column`"):
        prepare(write_npz(tmp_path), tmp_path / "out.zip", 8, label_column="fine")


def test_labels_that_are_not_classes_are_refused_or_left_out(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", shades(COUNT), np.linspace(0, 1, COUNT))
    with pytest.raises(FringeError, match="arr_1"):
        prepare(tmp_path / "a.npz", tmp_path / "out.zip", 8)
    assert prepare(tmp_path / "a.npz", tmp_path / "out.zip", 8, labels=False) == COUNT


def test_folders_become_classes_with_names(tmp_path: Path) -> None:
    names = ["dog", "ant", "cat"]
    for number, image in enumerate(shades(9)):
        path = tmp_path / "raw" / "train" / names[number % 3] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(image))
    prepare(tmp_path / "raw", tmp_path / "out.zip", 8, count=5)
    prepared = open_source(tmp_path / "out.zip")
    found = class_labels(prepared)
    assert found is not None
    assert (found.names, found.numbered) == (("ant", "cat", "dog"), True)
    places = prepared.read(range(5))[:, 0, 0, 0]
    assert [found.names[one] for one in found.values] == [names[place % 3] for place in places]
    prepare(tmp_path / "out.zip", tmp_path / "again.zip", 8)
    again = class_labels(open_source(tmp_path / "again.zip"))
    assert again is not None
    assert again.names == found.names
    assert again.values.tolist() == found.values.tolist()


@pytest.mark.parametrize(
    "members",
    [
        ["all/0.png", "all/1.png"],  # one folder
        ["a/0.png", "b/c/1.png"],  # not siblings
        ["00000/img00000000.png", "00001/img00001000.png"],  # folders of numbered images
    ],
)
def test_folders_that_are_not_classes_give_no_labels(tmp_path: Path, members: list[str]) -> None:
    for member, image in zip(members, shades(2), strict=True):
        (tmp_path / "raw" / member).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "raw" / member).write_bytes(encode(image))
    prepare(tmp_path / "raw", tmp_path / "out.zip", 8)
    assert labels_of(ZipSource(tmp_path / "out.zip")) is None


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ("cat", "not a list of strings"),
        ([1, 2], "not a list of strings"),
        (["a", "a"], "contain a name twice"),
    ],
)
def test_invalid_names_of_classes_are_refused(tmp_path: Path, stated: object, message: str) -> None:
    content = json.dumps({"labels": [["0.png", 0]], "class_names": stated}).encode()
    write_zip(tmp_path / "a.zip", {"0.png": encode(shades(1)[0]), "dataset.json": content})
    with pytest.raises(FringeError, match=rf"dataset\.json: its `class_names` .*{message}"):
        class_labels(open_source(tmp_path / "a.zip"))
