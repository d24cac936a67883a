"""LMDB, HDF5 and Parquet files with wrong declarations, bombs or foreign links."""

import io
import os
import random
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tests.hostile.bounds import bounded
from tests.hostile.containers import (
    PAGE,
    Environment,
    footer_of_parts,
    number,
    parquet_of_footer,
)

from fringe.errors import FringeError
from fringe.sources import open_source
from fringe.sources.hdf5_chunks import check_chunks
from fringe.sources.limits import LIMITS, Limits


def png(number: int, size: int = 8) -> bytes:
    """Return an image of random pixels."""
    pixels = np.random.default_rng(number).integers(0, 256, (size, size, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def read_all(path: Path, limits: Limits = LIMITS) -> int:
    """Plan and read all images of a data set, and return their number."""
    resolution = None if path.suffix == ".h5" else 8
    source = open_source(path, resolution=resolution, limits=limits)
    assert source.fingerprint
    for index in range(len(source)):
        source.read([index])
    return len(source)


def refused(path: Path, limits: Limits = LIMITS, *, memory: int = 64 << 20) -> str:
    """Return the message of the refusal of a file, within limits on time and memory."""
    outcome = bounded(read_all, path, limits, memory=memory, seconds=20)
    assert outcome.kind == "refused", outcome
    message: str = outcome.result
    assert str(path) in message
    return message


def read_variants(path: Path, places: Sequence[int], seed: int, count: int) -> dict[str, int]:
    """Read many variants of a file, each damaged at some of the places, and count the outcomes."""
    whole = path.read_bytes()
    rng = random.Random(seed)
    found = {"read": 0, "refused": 0}
    for _ in range(count):
        content = bytearray(whole)
        for _ in range(rng.choice([1, 1, 2, 4])):
            place = rng.choice(places) if rng.random() < 0.8 else rng.randrange(len(whole) - 8)
            size = rng.choice([1, 1, 2, 4, 8])
            content[place : place + size] = rng.choice(
                [rng.randbytes(size), b"\0" * size, b"\xff" * size]
            )
        path.write_bytes(content[: len(whole)])
        try:
            read_all(path)
            found["read"] += 1
        except FringeError:
            found["refused"] += 1
    return found


# LMDB

SMALL = {b"img%04d" % number: png(number) for number in range(120)}
LARGE = {b"img%04d" % number: png(number, 60) for number in range(6)}


@pytest.mark.parametrize("size", [20_000, 1 << 30, (1 << 32) - 1])
@pytest.mark.parametrize("pages", ["true", "false"])
def test_lmdb_with_a_wrong_size_of_a_large_value_is_refused(tmp_path: Path, size: int, pages: str):
    """A size beyond the file once ended the process; a size inside it returned other values."""
    environment = Environment(tmp_path, LARGE)
    place = environment.entry(b"img0002")
    environment.set(place, "HH", size & 0xFFFF, size >> 16)
    if pages == "false":
        environment.set(environment.overflow(b"img0002") + 12, "I", 0xFFFFFFFF)
    message = refused(environment.write())
    assert "img0002" in message
    assert f"{size:,} bytes" in message


def test_lmdb_with_a_wrong_size_of_a_small_value_is_refused(tmp_path: Path):
    environment = Environment(tmp_path, SMALL)
    place = environment.entry(b"img0002")
    true = environment.get(place, "H")
    for size, words in [(true + 4, "overlap other values"), (65535, "exceed its page")]:
        environment.set(place, "H", size)
        message = refused(environment.write())
        assert "data.mdb!img0002: is damaged (its size is" in message
        assert words in message


def _first_child(environment: Environment) -> int:
    return next(environment.entries(environment.root))


def _second_child(environment: Environment) -> int:
    return [*environment.entries(environment.root)][1]


def _second_leaf(environment: Environment) -> int:
    return [*environment.leaves()][1]


def _share(environment: Environment) -> None:
    """Let two values share nearly all their pages."""
    size = len(environment.content) - 4 * PAGE
    for key in (b"img0002", b"img0004"):
        environment.set(environment.entry(key), "HH", size & 0xFFFF, size >> 16)
        environment.set(environment.entry(key) + 8 + len(key), "Q", 2)


TREES: dict[str, tuple[Callable[[Environment], None], str]] = {
    "root beyond the file": (lambda e: e.meta(128, "Q", 1 << 40), "leads to page"),
    "root is a meta page": (lambda e: e.meta(128, "Q", 1), "leads to page 1 of"),
    "root is a leaf": (lambda e: e.set(e.root + 10, "H", 2), "which has another number or kind"),
    "root is its own child": (
        lambda e: e.set(_first_child(e), "HHH", e.root // PAGE, 0, 0),
        "which has another number or kind",
    ),
    "child beyond the file": (lambda e: e.set(_first_child(e), "HHH", 0, 9, 0), "leads to page"),
    "child of 48 bits": (lambda e: e.set(_first_child(e), "HHH", 0, 0, 65535), "leads to page"),
    "a leaf twice": (
        lambda e: e.set(_second_child(e), "HHH", next(e.leaves()) // PAGE, 0, 0),
        "not in order",
    ),
    "a page that says another number": (
        lambda e: e.set(_second_leaf(e), "Q", 7),
        "which has another number or kind",
    ),
    "a leaf of fixed keys": (
        lambda e: e.set(_second_leaf(e) + 10, "H", 0x22),
        "which has another number or kind",
    ),
    "an empty leaf": (lambda e: e.set(_second_leaf(e) + 12, "H", 16), "is invalid"),
    "more entries than fit": (lambda e: e.set(_second_leaf(e) + 12, "H", 65534), "is invalid"),
    "free space beyond the page": (lambda e: e.set(_second_leaf(e) + 14, "H", 5000), "is invalid"),
    "an entry beyond its page": (lambda e: e.set(_second_leaf(e) + 16, "H", 4095), "outside it"),
    "an entry among pointers": (lambda e: e.set(_second_leaf(e) + 16, "H", 16), "outside it"),
    "a key beyond its page": (lambda e: e.set(e.entry(b"img0100") + 6, "H", 60000), "in order"),
    "keys out of order": (lambda e: e.set(e.entry(b"img0100") + 8, "B", 0), "not in order"),
    "no depth": (lambda e: e.meta(94, "H", 0), "0 pages deep"),
    "a depth beyond LMDB's": (lambda e: e.meta(94, "H", 60_000), "60000 pages deep"),
    "another depth": (lambda e: e.meta(94, "H", 9), "which has another number or kind"),
    "fewer values than there are": (lambda e: e.meta(120, "Q", 100), "more than the 100 values"),
    "more values than there are": (lambda e: e.meta(120, "Q", 130), "has 120 values, not 130"),
    "values without room": (lambda e: e.meta(120, "Q", 1 << 60), "for which it has no room"),
    "pages of 3 bytes": (lambda e: e.meta(40, "I", 3), "pages of 3 bytes"),
    "pages of 1 GiB": (lambda e: e.meta(40, "I", 1 << 30), "pages of 1,073,741,824 bytes"),
}


@pytest.mark.parametrize("attempt", TREES)
def test_lmdb_with_damaged_trees_is_refused(tmp_path: Path, attempt: str):
    change, words = TREES[attempt]
    environment = Environment(tmp_path, SMALL)
    assert environment.get(environment.newest + 94, "H") == 2  # pages deep
    change(environment)
    path = environment.write()
    with pytest.raises(FringeError, match=r"data\.mdb.* is damaged") as raised:
        read_all(path)
    assert words in str(raised.value)


def test_lmdb_values_that_share_pages_are_refused(tmp_path: Path):
    """A small file could claim that each of a million values is the whole file."""
    environment = Environment(tmp_path, LARGE)
    _share(environment)
    with pytest.raises(FringeError, match="values are larger than the file"):
        open_source(environment.write(), ignore="img000[24]")


def test_lmdb_with_damaged_named_databases_is_refused(tmp_path: Path):
    """The record of a named database is in the tree, and is checked like the main record."""
    environment = Environment(tmp_path, SMALL, named=b"images")
    record = environment.entry(b"images") + 8 + len(b"images")
    assert read_all(environment.write()) == len(SMALL)
    for offset, form, value, words in [(6, "H", 99, "99 pages deep"), (40, "Q", 77, "page 77 of")]:
        before = environment.get(record + offset, form)
        environment.set(record + offset, form, value)
        with pytest.raises(FringeError, match=words):
            read_all(environment.write())
        environment.set(record + offset, form, before)
    for flags, words in [(2, "a database under a key"), (4, "several values under one key")]:
        other = Environment(tmp_path / words, SMALL)
        other.set(other.entry(b"img0007") + 4, "H", flags)
        with pytest.raises(FringeError, match=rf"img0007: is damaged \({words}"):
            read_all(other.write())


@pytest.mark.parametrize("values", [SMALL, LARGE], ids=["small", "large"])
def test_random_lmdb_variants_are_read_or_refused(tmp_path: Path, values: dict[bytes, bytes]):
    environment = Environment(tmp_path, dict([*values.items()][:40]))
    pages = range(0, len(environment.content), PAGE)
    places = [page + offset for page in pages for offset in range(180)]
    outcome = bounded(read_variants, environment.path, places, 0, 100, memory=128 << 20)
    assert outcome.kind == "value", outcome
    assert min(outcome.result.values()) > 5


# Parquet

MB = 1 << 20
SMALL_LIMITS = Limits(bytes=8 * MB)
BIG = png(0) + b"\0" * MB  # bytes after an image are ignored


def write(path: Path, values: Sequence[bytes | None], **options: Any) -> Path:
    pq.write_table(pa.table({"image": pa.array(values, pa.binary())}), path, **options)
    return path


def varints(path: Path, before: int, after: int) -> Path:
    """Replace a number by another of the same length, in the header of the first page."""
    content = bytearray(path.read_bytes())
    place = content.index(number(before), 4, 40)
    assert len(number(before)) == len(number(after))
    content[place : place + len(number(after))] = number(after)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "options",
    [
        {"dictionary_pagesize_limit": 4 * MB},  # one entry, 44 times
        {"use_dictionary": False, "column_encoding": {"image": "DELTA_BYTE_ARRAY"}},  # the same
        {"use_dictionary": False, "data_page_size": 256 * MB},  # a page of 44 images
        {"use_dictionary": False, "column_encoding": {"image": "DELTA_LENGTH_BYTE_ARRAY"}},
    ],
    ids=["dictionary", "prefixes", "page", "lengths"],
)
def test_parquet_pages_that_unpack_to_many_bytes_are_refused(
    tmp_path: Path, options: dict[str, Any]
):
    path = write(tmp_path / "a.parquet", [BIG] * 44, compression="zstd", **options)
    assert path.stat().st_size < MB // 50
    message = refused(path, SMALL_LIMITS, memory=40 * MB)
    assert "row group 0 has" in message
    assert "`limits/bytes`" in message
    assert bounded(read_all, path, Limits(bytes=80 * MB)).result == 44


@pytest.mark.parametrize("is_struct", [False, True])
def test_parquet_dictionaries_count_once(tmp_path: Path, is_struct: bool):
    """A whole dictionary counts once, even if few rows are unpacked at a time."""
    images = [png(index) + bytes(MB // 2) for index in range(10)]
    column = pa.DictionaryArray.from_arrays(pa.array([*range(10)] * 3, pa.int32()), images)
    if is_struct:
        column = pa.StructArray.from_arrays([column, ["x"] * 30], ["bytes", "path"])
    path = tmp_path / "a.parquet"
    table = pa.table({"image": column})
    pq.write_table(table, path, compression="none", dictionary_pagesize_limit=16 * MB)
    source = open_source(path, resolution=8, limits=Limits(bytes=20 * MB))
    assert [source._bytes(index) for index in range(30)] == images * 3  # type: ignore[attr-defined]
    with pytest.raises(FringeError, match="row group 0 has"):
        read_all(path, Limits(bytes=12 * MB))


def test_a_parquet_page_with_a_wrong_size_is_refused(tmp_path: Path):
    """The true size is 60 MB."""
    options = {"use_dictionary": False, "data_page_size": 256 * MB, "compression": "zstd"}
    path = write(tmp_path / "a.parquet", [BIG] * 60, **options)
    true = sum(4 + len(BIG) for _ in range(60)) + 4 + 2  # lengths, values, levels of nulls
    assert "is damaged" in refused(varints(path, true, 3 * MB), SMALL_LIMITS, memory=40 * MB)


def test_parquet_pages_with_a_wrong_number_of_rows_are_refused(tmp_path: Path):
    path = write(tmp_path / "a.parquet", [png(0)] * 60, use_dictionary=False)
    message = refused(varints(path, 60, 63))
    assert "pages of 63 rows in a group of 60" in message


def test_parquet_rows_without_images_are_refused(tmp_path: Path):
    path = write(tmp_path / "a.parquet", [png(0), *[None] * 2_000_000])
    assert "group 0 claims 1,048,576 rows, whose images have" in refused(path, memory=16 * MB)


@pytest.mark.parametrize(
    ("footer", "words"),
    [
        (footer_of_parts(1, 0, claimed=1_000_000), "a list of 1,000,000"),
        (footer_of_parts(1, 0, claimed=(1 << 31) - 1), "a list of 2,147,483,647"),
        (footer_of_parts(1, 100_000), "its footer has more than 65,536 parts"),
        (footer_of_parts(1_000, 100), "its footer has more than 65,536 parts"),
        (b"\x1c" * 50_000, "structs nested too deeply"),
        (b"\x18\xff\xff\xff\xff\x07", "2,147,483,647 bytes of a text"),
        (b"\x19\x19" * 50_000, "lists nested too deeply"),
        (b"\x16" + b"\xff" * 20, "more than 64 bits"),
    ],
)
def test_huge_parquet_footers_are_refused(tmp_path: Path, footer: bytes, words: str):
    """pyarrow makes 687 MB from 42 bytes."""
    path = parquet_of_footer(tmp_path / "a.parquet", footer)
    assert words in refused(path, SMALL_LIMITS, memory=16 * MB)


def test_a_parquet_footer_that_ends_pyarrow_is_read_or_refused(tmp_path: Path):
    """pyarrow aborts the process when it reads the metadata of a column in this footer."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"image": [png(0)]}), path)
    content = path.read_bytes()
    begin = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    # The numbers of null and of other rows; one of the two is removed.
    both, one = b"\x19\x26\x00\x02", b"\x19\x16\x02"
    footer = content[begin:-8]
    assert footer.count(both) == 1
    footer = footer.replace(both, one)
    path.write_bytes(content[:begin] + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    assert "histogram size mismatch" in refused(path)
    assert bounded(ask_pyarrow, path).result == "SIGABRT"


def ask_pyarrow(path: Path) -> None:
    """Read the metadata of a column in a footer."""
    pq.ParquetFile(path).metadata.row_group(0).column(0)


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_random_parquet_variants_are_read_or_refused(tmp_path: Path, compression: str):
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = [{"bytes": png(index), "path": f"{index}.png"} for index in range(12)]
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"image": pa.array(rows, kind)}), path, row_group_size=5, compression=compression
    )
    size = path.stat().st_size
    footer = int.from_bytes(path.read_bytes()[-8:-4], "little")
    places = [*range(4, 60), *range(size - footer - 8, size)]
    outcome = bounded(read_variants, path, places, 0, 150, memory=256 << 20)
    assert outcome.kind == "value", outcome
    assert min(outcome.result.values()) > 5


# HDF5

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), np.uint8)
CHUNKS: dict[str, Any] = {"chunks": (2, 16, 16, 3), "compression": "gzip"}


def hdf5(path: Path, **options: Any) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=PIXELS, **options)
    return path


def test_hdf5_links_out_of_the_file_are_refused(tmp_path: Path):
    """Each of these once returned the pixels of another file, or waited for ever."""
    other = hdf5(tmp_path / "other.h5")
    fifo = tmp_path / "fifo.h5"
    os.mkfifo(fifo)
    for target, place in [
        ("/out/images", other),
        ("out/images", other),
        ("/again", other),
        ("/out/images", fifo),
    ]:
        path = tmp_path / "a.h5"
        with h5py.File(path, "w") as file:
            file["out"] = h5py.ExternalLink(place, "/")
            file["again"] = h5py.SoftLink("/out/images")
            file["images"] = h5py.SoftLink(target)
        assert "is in other files" in refused(path)
    with h5py.File(tmp_path / "search.h5", "w") as file:
        file["out"] = h5py.ExternalLink(fifo, "/")
        file["deep/array"] = PIXELS
    assert bounded(read_all, tmp_path / "search.h5").result == 6


def test_hdf5_links_inside_the_file_are_read(tmp_path: Path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["data/train"] = PIXELS
        # HDF5 has no parent groups: ".." is an ordinary name
        file["data/back"] = h5py.SoftLink("../data")
        file["one"] = h5py.SoftLink("two")
        file["two"] = h5py.SoftLink("/data/./train")
        file["images"] = h5py.SoftLink("one")
    assert np.array_equal(open_source(path).read(range(6)), PIXELS)
    with h5py.File(path, "a") as file:
        del file["two"]
        file["two"] = h5py.SoftLink("/images")
    assert "endless chain of links" in refused(path)
    with h5py.File(path, "a") as file:
        del file["images"]
        file["images"] = h5py.SoftLink("/data/back/x")
    assert np.array_equal(open_source(path).read([2]), PIXELS[[2]])  # the only array


def test_endless_hdf5_groups_are_refused(tmp_path: Path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("g")
        group["loop"] = file["/"]
        group["again"] = group
        group["array"] = PIXELS
    assert bounded(read_all, path).result == 6
    with h5py.File(path, "w", libver="latest") as file:
        group = file.id
        for _ in range(1500):
            group = h5py.h5g.create(group, b"g")
    assert "more than 1000 others" in refused(path)


def test_hdf5_names_that_are_not_text_are_refused(tmp_path: Path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file[b"\xff\xfe"] = PIXELS
        file["x"] = np.arange(3)
    assert np.array_equal(open_source(path).read([1]), PIXELS[[1]])


def direct(path: Path, chunk: bytes, **options: Any) -> Path:
    """Write a file whose first chunk, of two images, contains the given bytes."""
    hdf5(path, **options)
    with h5py.File(path, "a") as file:
        file["images"].id.write_direct_chunk((0, 0, 0, 0), chunk)
    return path


PACKED = zlib.compress(PIXELS[:2].tobytes())


@pytest.mark.parametrize(
    ("chunk", "options"),
    [
        (zlib.compress(bytes(100 << 20)), CHUNKS),
        (zlib.compress(PIXELS[:2].tobytes() + b"\0"), CHUNKS),
        (zlib.compress(PIXELS[:2].tobytes()[:-1]), CHUNKS),  # once read beyond the buffer
        (PACKED[:-30], CHUNKS),
        (b"x", CHUNKS),
        (PACKED + bytes(4), {**CHUNKS, "shuffle": True}),
        (PACKED[:40], {**CHUNKS, "fletcher32": True}),
        (b"\x03abcd", {**CHUNKS, "compression": "lzf"}),
        (b"\xff" * 40, {**CHUNKS, "compression": "lzf"}),
        (b"abcd", {"chunks": CHUNKS["chunks"], "shuffle": True}),
        (b"abcd", {"chunks": CHUNKS["chunks"], "fletcher32": True}),
    ],
)
def test_hdf5_chunks_with_wrong_sizes_are_refused(
    tmp_path: Path, chunk: bytes, options: dict[str, Any]
):
    path = direct(tmp_path / "a.h5", chunk, **options)
    if chunk == PACKED + bytes(4):  # bytes after the packed data are ignored
        assert bounded(read_all, path).result == 6
        return
    message = refused(path, memory=32 << 20)
    assert "is damaged" in message


@pytest.mark.parametrize("filters", ["gzip", "lzf", None])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("fletcher32", [True, False])
@pytest.mark.parametrize("chunks", [(2, 16, 16, 3), (4, 5, 7, 2), (1, 16, 16, 3)])
def test_valid_hdf5_chunks_are_read(
    tmp_path: Path, filters: str, shuffle: bool, fletcher32: bool, chunks: tuple[int, ...]
):
    path = hdf5(
        tmp_path / "a.h5",
        chunks=chunks,
        compression=filters,
        shuffle=shuffle,
        fletcher32=fletcher32,
    )
    assert np.array_equal(open_source(path).read([5, 0, 3]), PIXELS[[5, 0, 3]])


def test_hdf5_with_many_chunks_is_read_in_linear_time(tmp_path: Path):
    """The last chunks take no longer than the first chunks."""
    path = tmp_path / "a.h5"
    count = 50_000
    packed = zlib.compress(bytes(range(1, 13)))
    with h5py.File(path, "w") as file:
        images = file.create_dataset(
            "images", (count, 2, 2, 3), "u1", chunks=(1, 2, 2, 3), compression="gzip"
        )
        for number in range(count):
            images.id.write_direct_chunk((number, 0, 0, 0), packed)

    def seconds(first: int) -> float:
        with h5py.File(path) as file:
            began = time.process_time()
            check_chunks(file["images"], first, first + 500, "a.h5")
            return time.process_time() - began

    assert seconds(count - 500) < 5 * seconds(0) + 0.1


def test_hdf5_filters_other_than_the_allowed_ones_are_refused(tmp_path: Path):
    """HDF5 would look for a plugin in a folder that the environment names."""
    path = tmp_path / "a.h5"
    for code, words in [(32015, "number 32015"), (h5py.h5z.FILTER_NBIT, "nbit")]:
        with h5py.File(path, "w") as file:
            about = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            about.set_chunk((2, 16, 16, 3))
            about.set_filter(code, h5py.h5z.FLAG_OPTIONAL)
            space = h5py.h5s.create_simple(PIXELS.shape)
            h5py.h5d.create(file.id, b"images", h5py.h5t.NATIVE_UINT8, space, about)
        message = refused(path)
        assert words in message
        assert "only gzip, lzf, shuffle, fletcher32 are read" in message
    with h5py.File(path, "w") as file:
        about = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        about.set_chunk((2, 16, 16, 3))
        about.set_deflate(9)
        about.set_filter(h5py.h5z.FILTER_DEFLATE, 0, (9,))
        space = h5py.h5s.create_simple(PIXELS.shape)
        h5py.h5d.create(file.id, b"images", h5py.h5t.NATIVE_UINT8, space, about)
    assert "packed several times" in refused(path)


def test_huge_hdf5_shapes_are_refused(tmp_path: Path):
    path = tmp_path / "a.h5"
    for shape, chunks, words in [
        ((1 << 40, 8, 8, 3), (1, 8, 8, 3), "claims 1,099,511,627,776 images in a file of"),
        ((1 << 40, 8, 8, 3), None, "claims 1,099,511,627,776 images in a file of"),
        ((9, 4000, 4000, 3), (1, 4000, 4000, 3), "a chunk of its `/images` has 48,000,000 bytes"),
        ((9, 1 << 20, 1 << 20, 3), None, "has 1048576 x 1048576 pixels"),
    ]:
        with h5py.File(path, "w") as file:
            file.create_dataset("images", shape, "u1", chunks=chunks)
        assert words in refused(path, SMALL_LIMITS, memory=16 * MB)


@pytest.mark.parametrize("options", [CHUNKS, {}], ids=["packed", "one piece"])
def test_random_hdf5_variants_are_read_or_refused(tmp_path: Path, options: dict[str, Any]):
    path = hdf5(tmp_path / "a.h5", **options)
    with h5py.File(path, "a") as file:
        del file["images"]
        file.create_dataset("group/array", data=PIXELS, **options)
    content = path.read_bytes()
    marks = (b"TREE", b"HEAP", b"SNOD", b"\x89HDF")
    begins = [at for at in range(len(content)) if content.startswith(marks, at)]
    places = [begin + offset for begin in begins for offset in range(100)]
    places += range(96, 1200)
    places = [place for place in places if place < len(content) - 8]
    outcome = bounded(read_variants, path, places, 0, 100, memory=256 << 20)
    assert outcome.kind == "value", outcome
    assert min(outcome.result.values()) > 5
