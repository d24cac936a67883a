"""Prepared ZIPs hold just what the source gives, and the same bytes every time."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fringe.errors import FringeError
from fringe.sources import ZipSource, open_source
from fringe.sources.labels import labels_of
from fringe.sources.prepare import BLOCK, prepare

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
def test_holds_what_the_source_gives(tmp_path: Path, raw: Path, options: dict):
    out = tmp_path / "out.zip"
    source = open_source(raw, **options)
    assert prepare(raw, out, **options) == len(source)
    prepared = open_source(out)
    assert len(prepared) == len(source) == options.get("count", len(source))
    assert np.array_equal(prepared.read(range(len(source))), source.read(range(len(source))))
    assert np.array_equal(
        open_source(out, resolution=source.resolution[0]).read([0]), source.read([0])
    )


def test_is_written_as_the_dataset_tool_does(tmp_path: Path, raw: Path):
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
def test_keeps_labels(tmp_path: Path, raw: Path, options: dict, packed: bool):
    """Each image has the label of the one that it is made of, whichever are kept."""
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
    # And once more, by what was prepared.
    prepare(tmp_path / "out.zip", tmp_path / "again.zip", 8)
    assert labels_of(ZipSource(tmp_path / "again.zip")) == found


def test_labels_that_cannot_be_kept_are_refused(tmp_path: Path, raw: Path):
    (raw / "dataset.json").write_text('{"labels": [["000.png", 1]]}')
    with pytest.raises(FringeError, match=r"dataset\.json: has no label for 001\.png; add it"):
        prepare(raw, tmp_path / "out.zip", 16)
    assert not (tmp_path / "out.zip").exists()


def test_the_same_bytes_whatever_the_workers(tmp_path: Path, raw: Path):
    for workers in (1, 2, 5):
        prepare(raw, tmp_path / f"{workers}.zip", 16, workers=workers)
    first = (tmp_path / "1.zip").read_bytes()
    assert (tmp_path / "2.zip").read_bytes() == first
    assert (tmp_path / "5.zip").read_bytes() == first


@pytest.mark.parametrize("workers", [1, 3])
def test_a_damaged_image_leaves_nothing_behind(tmp_path: Path, raw: Path, workers: int):
    (raw / "020.png").write_bytes(b"none")
    (tmp_path / "out").mkdir()
    with pytest.raises(FringeError, match=r"020\.png: is damaged"):
        prepare(raw, tmp_path / "out" / "a.zip", 16, workers=workers)
    assert not list((tmp_path / "out").iterdir())


def test_options_that_do_not_fit(tmp_path: Path, raw: Path):
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
    said = capsys.readouterr().err
    told = "Corrupt JPEG data: premature end of data segment"
    assert f"warning: {raw}: 2 images of {COUNT} had damaged data" in said
    assert f"({raw}/005.jpg: {told}; {raw}/020.jpg: {told})" in said
    with pytest.raises(FringeError, match=r"005\.jpg: has damaged data"):
        prepare(raw, tmp_path / "strict.zip", 16, strict=True)
    assert not (tmp_path / "strict.zip").exists()
    prepare(tmp_path / "out.zip", tmp_path / "again.zip", 8, strict=True)
    assert "warning" not in capsys.readouterr().err
