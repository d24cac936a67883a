"""Parquet files: the column of images, and the content of rows."""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fringe.errors import FringeError
from fringe.sources import open_source

from .conftest import encode, write_parquet, write_shards

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@pytest.fixture
def pngs(pixels: np.ndarray) -> list[bytes]:
    return [encode(image) for image in pixels]


def write(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_the_column_of_images(tmp_path: Path, pngs: list[bytes], pixels: np.ndarray):
    other = pa.array(pngs[::-1], pa.binary())
    structs = pa.array([{"bytes": data, "path": None} for data in pngs], IMAGE)
    labels = pa.array(range(7))
    for columns in (
        {"label": labels, "photo": structs},
        {"label": labels, "photo": pa.array(pngs, pa.large_binary())},
        {"label": labels, "photo": pa.array(pngs, pa.binary()).dictionary_encode()},
        {"mask": other, "img": structs},
        {"img": other, "image": pa.array(pngs, pa.binary()), "mask": other},
    ):
        path = write(tmp_path / "a.parquet", **columns)
        assert np.array_equal(open_source(path).read(range(7)), pixels)
    for columns, message in (
        ({"left": other, "right": structs}, r"several columns of .*\(left, right\); name"),
        ({"label": labels, "text": pa.array(["a"] * 7)}, "no column of image bytes"),
        (
            {"views": pa.array([[data, data] for data in pngs])},
            "has several images in each row of 'views'; store each image in its own row",
        ),
        (
            {"views": pa.array([[{"bytes": pngs[0]}]] * 7)},
            "has several images in each row of 'views'",
        ),
    ):
        with pytest.raises(FringeError, match=rf"a\.parquet: {message}"):
            open_source(write(tmp_path / "a.parquet", **columns))


def test_shards_of_two_data_sets_are_refused(tmp_path: Path, pngs: list[bytes]):
    write_parquet(tmp_path / "a.parquet", pngs)
    write_parquet(tmp_path / "b.parquet", pngs, "img")
    with pytest.raises(FringeError, match=r"b\.parquet: .*'img', but .*a\.parquet in 'image'"):
        open_source(tmp_path)


def test_rows_without_bytes_are_refused(tmp_path: Path, pngs: list[bytes]):
    rows = [
        {"bytes": pngs[0], "path": None},
        {"bytes": None, "path": "/etc/passwd"},
        {"bytes": None, "path": None},
        None,
    ]
    source = open_source(write(tmp_path / "a.parquet", image=pa.array(rows, IMAGE)))
    with pytest.raises(FringeError, match=r"image of row 1: names a file \(/etc/passwd\).*embed"):
        source.read([0, 1])
    for row in (2, 3):
        with pytest.raises(FringeError, match=rf"image of row {row}: contains no image"):
            source.read([row])


def test_rows_that_only_name_files_are_refused(tmp_path: Path):
    rows = pa.array([{"bytes": None, "path": f"/data/{row}.png"} for row in range(100)], IMAGE)
    path = write(tmp_path / "a.parquet", image=rows)
    with pytest.raises(FringeError, match="embedded images") as caught:
        open_source(path)
    assert "damaged" not in str(caught.value)


def test_messages_name_the_row_in_its_file(tmp_path: Path, pngs: list[bytes]):
    files = {f"0000/{index}.png": data for index, data in enumerate(pngs)}
    files["0000/6.png"] = b"none"
    source = open_source(write_shards(tmp_path / "set", "parquet", files))
    with pytest.raises(FringeError, match=r"shard-000002\.parquet: image of row 2: is damaged"):
        source.read([6])


def test_each_group_is_read_once_in_order(
    tmp_path: Path, pngs: list[bytes], monkeypatch: pytest.MonkeyPatch
):
    reads = []
    read = pq.ParquetFile.iter_batches
    monkeypatch.setattr(
        pq.ParquetFile,
        "iter_batches",
        lambda *args, **options: reads.extend(options["row_groups"]) or read(*args, **options),
    )
    source = open_source(write_parquet(tmp_path / "a.parquet", pngs, group=3))
    source.read([4, 0, 6, 1, 3, 2])
    source.read([6, 6])
    assert reads == [0, 1, 2]


def test_a_flipped_bit_is_refused(tmp_path: Path, pngs: list[bytes]):
    path = write_parquet(tmp_path / "a.parquet", pngs)
    content = path.read_bytes()
    part = pngs[4][200:240]
    assert part in content
    # At each occurrence, because statistics of pages repeat values.
    path.write_bytes(content.replace(part, part[:20] + bytes([part[20] ^ 1]) + part[21:]))
    with pytest.raises(FringeError, match=r"a\.parquet: is damaged"):
        open_source(path).read(range(7))


def test_the_message_without_pyarrow_says_how_to_install_it(
    tmp_path: Path, pngs: list[bytes], monkeypatch: pytest.MonkeyPatch
):
    path = write_parquet(tmp_path / "a.parquet", pngs)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FringeError, match=r"a\.parquet: .*package pyarrow.*pip install"):
        open_source(path)
