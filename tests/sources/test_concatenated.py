"""Several files in a row in one file: they are refused, not read in part."""

from pathlib import Path

import h5py
import lmdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fringe.errors import FringeError
from fringe.sources import open_source

from .conftest import encode, write_h5, write_lmdb


def refused(path: Path, *parts: Path) -> None:
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(FringeError, match=rf"{path.name}: holds several \w+ files in a row"):
        open_source(path)


@pytest.mark.parametrize("libver", ["earliest", "v108", "v110", "latest"])
@pytest.mark.parametrize("chunked", [False, True])
def test_hdf5(tmp_path: Path, pixels: np.ndarray, libver: str, chunked: bool):
    for name in ("a", "b"):
        with h5py.File(tmp_path / f"{name}.h5", "w", libver=libver) as file:
            options = {"chunks": (2, 20, 24, 3), "compression": "gzip"} if chunked else {}
            file.create_dataset("images", data=pixels, **options)
    a, b = tmp_path / "a.h5", tmp_path / "b.h5"
    assert np.array_equal(open_source(a).read(range(7)), pixels)
    refused(tmp_path / "c.h5", a, b)
    with a.open("ab") as file:
        file.write(bytes(1000))  # some writers leave space at the end
    assert np.array_equal(open_source(a).read(range(7)), pixels)


def test_hdf5_with_a_user_block(tmp_path: Path, pixels: np.ndarray):
    path = write_h5(tmp_path / "a.h5", pixels)
    path.write_bytes(b"#!" + bytes(510) + path.read_bytes())  # the user block
    assert np.array_equal(open_source(path).read(range(7)), pixels)


@pytest.mark.parametrize(
    "options",
    [{}, {"write_page_index": True}, {"compression": "none"}, {"row_group_size": 2},
     {"use_dictionary": False, "write_page_index": True}, {"version": "1.0"}],
)  # fmt: skip
def test_parquet(tmp_path: Path, pixels: np.ndarray, options: dict):
    """Two files of equal size: pyarrow would read the first with the footer of the second."""
    images = [encode(image, "BMP") for image in pixels]

    def write(name: str, some: list[bytes]) -> Path:
        path = tmp_path / f"{name}.parquet"
        table = pa.table(
            {"image": some, "label": [str(number) * 50 for number in range(len(some))]}
        )
        pq.write_table(table, path, **options)
        return path

    three, others, all_seven = write("a", images[:3]), write("b", images[3:6]), write("c", images)
    for path, wanted in ((three, pixels[:3]), (all_seven, pixels)):
        assert np.array_equal(open_source(path).read(range(len(wanted))), wanted)
    refused(tmp_path / "d.parquet", three, others)
    refused(tmp_path / "d.parquet", three, all_seven)
    refused(tmp_path / "d.parquet", all_seven, three)
    refused(tmp_path / "d.parquet", three, others, all_seven)


def test_lmdb(tmp_path: Path, pixels: np.ndarray):
    values = {f"{index}".encode(): encode(image) for index, image in enumerate(pixels)}
    a = write_lmdb(tmp_path / "a", values) / "data.mdb"
    b = write_lmdb(tmp_path / "b", values) / "data.mdb"
    refused(tmp_path / "c.mdb", a, b)
    with a.open("ab") as file:
        file.write(bytes(8192))  # space for more pages
    assert np.array_equal(open_source(a).read(range(7)), pixels)
    # Free pages after the pages in use.
    with lmdb.open(str(tmp_path / "a"), map_size=1 << 24, writemap=True) as environment:
        with environment.begin(write=True) as transaction:
            for number in range(300):
                transaction.put(f"z{number}".encode(), bytes(5000))
        with environment.begin(write=True) as transaction:
            for number in range(300):
                transaction.delete(f"z{number}".encode())
    assert np.array_equal(open_source(a).read(range(7)), pixels)
