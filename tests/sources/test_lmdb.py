"""LMDB environments, read by sources, threads and processes, compared with the library."""

import gc
import multiprocessing
import os
import pickle
import random
import shutil
from pathlib import Path

import lmdb
import numpy as np
import pytest

from fringe.errors import FringeError
from fringe.sources import LmdbSource, fingerprint, open_source

from .conftest import encode, write_lmdb


def stored(source: LmdbSource) -> list[tuple[str, bytes]]:
    """Return the keys and encoded values that a source reads."""
    return [
        (source._label(index).removeprefix(f"{source.path}!"), source._bytes(index))
        for index in range(len(source))
    ]


# The header of a bitmap of one pixel: with it, any value begins like an image.
HEADER = encode(np.zeros((1, 1, 3), np.uint8), "BMP")[:54]


def random_values(count: int, largest: int, seed: int = 0) -> dict[bytes, bytes]:
    rng = random.Random(seed)
    return {
        f"{rng.randrange(1 << 64):016x}{'k' * rng.randrange(40)}".encode(): HEADER
        + rng.randbytes(int(largest ** rng.random()))
        for _ in range(count)
    }


def in_order(values: dict[bytes, bytes]) -> list[tuple[str, bytes]]:
    return [(key.decode(), values[key]) for key in sorted(values)]


@pytest.mark.parametrize(
    ("count", "largest", "depth"), [(1, 100, 1), (40, 9000, 2), (3000, 300, 3), (400, 20000, 2)]
)
def test_keys_and_values_are_read_in_sorted_order(
    tmp_path: Path, count: int, largest: int, depth: int
):
    values = random_values(count, largest)
    path = write_lmdb(tmp_path / "set_lmdb", values)
    with lmdb.open(str(path), readonly=True, lock=False) as environment:
        assert environment.stat()["depth"] == depth
    assert stored(LmdbSource(path)) == in_order(values)
    few = LmdbSource(path, count=count // 2 + 1)
    assert stored(few) == in_order(values)[: count // 2 + 1]


def test_the_newest_state_is_read(tmp_path: Path):
    values = random_values(300, 9000)
    path = write_lmdb(tmp_path / "set", values)
    for turn in range(3):  # an odd and an even number, because the two meta pages alternate
        gone = sorted(values)[turn * 50 : turn * 50 + 40]
        new = random_values(20, 9000, seed=turn + 1)
        with (
            lmdb.open(str(path), map_size=1 << 24) as environment,
            environment.begin(write=True) as t,
        ):
            for key in gone:
                t.delete(key)
            for key, value in new.items():
                t.put(key, value)
        values = {key: value for key, value in values.items() if key not in gone} | new
        assert stored(LmdbSource(path)) == in_order(values)


def test_reading_needs_no_lock_and_writes_nothing(tmp_path: Path, pixels: np.ndarray):
    path = write_lmdb(tmp_path / "set", {b"a": encode(pixels[0])})
    (path / "lock.mdb").unlink()
    before = (path / "data.mdb").read_bytes()
    path.chmod(0o500)
    try:
        assert np.array_equal(open_source(path).read([0]), pixels[:1])
        assert [entry.name for entry in path.iterdir()] == ["data.mdb"]
    finally:
        path.chmod(0o700)
    assert (path / "data.mdb").read_bytes() == before


def test_several_sources_may_read_one_file(tmp_path: Path, pixels: np.ndarray):
    path = write_lmdb(tmp_path / "set", {b"a": encode(pixels[0]), b"b": encode(pixels[1])})
    (tmp_path / "link").symlink_to(path)
    sources = [open_source(p) for p in (path, path / "data.mdb", tmp_path / "link")]
    sources += [open_source(path, count=1), pickle.loads(pickle.dumps(sources[0]))]
    for source in sources:
        assert np.array_equal(source.read([0]), pixels[:1])
    del sources[1:], source
    assert np.array_equal(sources[0].read([1]), pixels[1:2])


def test_the_library_may_have_the_file_open(tmp_path: Path, pixels: np.ndarray):
    path = write_lmdb(tmp_path / "set", {b"a": encode(pixels[0])})
    with lmdb.open(str(path)):
        source = open_source(path)
    with lmdb.open(str(path)):
        assert np.array_equal(source.read([0]), pixels[:1])


@pytest.mark.parametrize("in_place", [True, False])
def test_a_replaced_file_is_detected(tmp_path: Path, in_place: bool):
    old, new = random_values(50, 9000, seed=0), random_values(60, 9000, seed=1)
    path = write_lmdb(tmp_path / "set", old)
    other = write_lmdb(tmp_path / "other", new) / "data.mdb"
    source, more = LmdbSource(path), LmdbSource(path, count=50)
    assert stored(source) == in_order(old)
    (shutil.copyfile if in_place else shutil.move)(other, path / "data.mdb")
    assert stored(LmdbSource(path)) == in_order(new)
    with pytest.raises(FringeError, match=r"mdb![0-9a-fk]+: no longer exists.*open it again"):
        stored(source)
    write_lmdb(tmp_path / "few", dict([*new.items()][:40]))
    shutil.move(tmp_path / "few/data.mdb", path / "data.mdb")
    with pytest.raises(FringeError, match=r"has 40 values, not 50"):
        stored(more)


def _read_in_child(path: Path, source: LmdbSource) -> list[list[tuple[str, bytes]]]:
    found = [stored(source)]  # through the parent's handle
    os.truncate(
        path, path.stat().st_size + 1
    )  # any change after which the file must be opened again
    return [*found, stored(source), stored(LmdbSource(path))]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_may_open_the_file_again(tmp_path: Path):
    values = random_values(50, 9000)
    path = write_lmdb(tmp_path / "set", values) / "data.mdb"
    source = LmdbSource(path)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(_read_in_child, (path, source)) == [in_order(values)] * 3
    assert stored(source) == in_order(values)


def _give_up_and_read(path: Path, inherited: list[LmdbSource]) -> None:
    inherited.clear()
    gc.collect()
    stored(LmdbSource(path))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_may_drop_inherited_sources(tmp_path: Path):
    path = write_lmdb(tmp_path / "set", random_values(50, 9000))
    sources = [LmdbSource(path)]
    child = multiprocessing.get_context("fork").Process(
        target=_give_up_and_read, args=(path, sources)
    )
    child.start()
    child.join()
    assert child.exitcode == 0
    assert len(stored(sources[0])) == 50


def pngs(pixels: np.ndarray, name: str = "img{:04d}") -> dict[bytes, bytes]:
    return {name.format(number).encode(): encode(image) for number, image in enumerate(pixels)}


@pytest.mark.parametrize(
    "notes",
    [
        {b"length": b"7"},
        {b"num-samples": b"7"},
        {b"__len__": b"\x80\x04K\x07.", b"__keys__": b"\x80\x04]."},
        {b"__dir__cache__": b"{}", b"metadata": b"{}", b"count": b"7", b"zz": b""},
    ],
)
@pytest.mark.parametrize("name", ["img{:04d}", "{:05d}", "Z{}", "zoo/{}.png"])
def test_notes_of_tools_are_left_out(
    tmp_path: Path, pixels: np.ndarray, notes: dict[bytes, bytes], name: str
):
    images = pngs(pixels, name)
    notes = {key: value for key, value in notes.items() if key != b"zz"}
    path = write_lmdb(tmp_path / "set", {**images, **notes})
    plain = open_source(write_lmdb(tmp_path / "plain", images))
    source = open_source(path)
    assert len(source) == 7
    for index in (6, 0, 3):  # in this order, keys are read in several steps
        assert np.array_equal(source.read([index]), pixels[[index]])
    assert np.array_equal(pickle.loads(pickle.dumps(source)).read(range(7)), pixels)
    assert source.fingerprint == plain.fingerprint
    assert len(open_source(path, count=7)) == 7
    with pytest.raises(FringeError, match="holds 7 images, fewer than the 8"):
        open_source(path, count=8)


def test_images_under_names_of_notes_are_images(tmp_path: Path, pixels: np.ndarray):
    images = dict(zip([b"__a__", b"length", b"size"], map(encode, pixels[:3]), strict=True))
    source = open_source(write_lmdb(tmp_path / "set", images))
    assert np.array_equal(source.read(range(3)), pixels[:3])


def test_keys_are_read_in_steps_past_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    values = random_values(300, 100)
    notes = {b"__len__": b"3", b"length": b"300", b"info": b"{}", b"num_images": b"300"}
    source = LmdbSource(write_lmdb(tmp_path / "set", {**values, **notes}))
    monkeypatch.setattr("fringe.sources.lmdb.KEYS", 3)
    assert stored(source) == in_order(values)
    one = LmdbSource(tmp_path / "set")
    assert one._bytes(4) == in_order(values)[4][1]
    assert len(one._keys) == 5  # and not more


def test_hashes_cached_when_notes_counted_are_not_used(tmp_path: Path, pixels: np.ndarray):
    images, cache = pngs(pixels, "a{}"), tmp_path / "cache"
    notes = {b"__len__": encode(pixels[0])}  # an image, so it counts, and comes first
    path = write_lmdb(tmp_path / "set", {**images, **notes})
    assert len(open_source(path, cache=cache)) == 8
    assert open_source(path, cache=cache).fingerprint
    state = (path / "data.mdb").stat()
    write_lmdb(path, {b"__len__": b"7" * len(notes[b"__len__"])})
    os.utime(path / "data.mdb", ns=(state.st_atime_ns, state.st_mtime_ns))
    plain = open_source(write_lmdb(tmp_path / "plain", images)).fingerprint
    assert open_source(path, cache=cache).fingerprint == plain


@pytest.mark.parametrize("key", [b"000", b"zzz", b"label-7"])
def test_unknown_notes_at_both_ends_are_refused_at_opening(
    tmp_path: Path, pixels: np.ndarray, key: bytes
):
    path = write_lmdb(tmp_path / "set", {**pngs(pixels), key: b"?"})
    if key > b"img":  # not among the first
        assert len(LmdbSource(path, count=5).read(range(5))) == 5
    with pytest.raises(FringeError, match=rf"data\.mdb!{key.decode()}: .*not an image.*`ignore: "):
        open_source(path)
    source = open_source(path, select="img*")
    assert open_source(path, ignore=key.decode()).fingerprint == source.fingerprint
    assert np.array_equal(source.read(range(7)), pixels)


def test_the_message_for_a_value_that_is_not_an_image_names_its_key(
    tmp_path: Path, pixels: np.ndarray
):
    """All used values are checked while the run is planned."""
    values = {**pngs(pixels), b"img0003\xff": b"x" * 5000}
    path = write_lmdb(tmp_path / "set", values)
    message = r"data\.mdb!img0003\\xff: is damaged or not an image"
    with pytest.raises(FringeError, match=message):
        open_source(path).read(range(7))
    with pytest.raises(FringeError, match=message):
        fingerprint({"kind": "files", "path": str(path)})
    assert LmdbSource(path, count=4).fingerprint


def test_labels_next_to_images(tmp_path: Path, pixels: np.ndarray):
    """The format of text recognition: one pattern leaves out all labels, or selects all images."""
    images = {b"image-%09d" % index: data for index, data in enumerate(pngs(pixels).values())}
    labels = {b"label-%09d" % index: b"word" for index in range(len(images))}
    path = write_lmdb(tmp_path / "set", {**images, **labels, b"num-samples": b"%d" % len(images)})
    with pytest.raises(FringeError, match=r'all such notes with `ignore: "label-\*"`'):
        open_source(path)
    for choice in ({"ignore": "label-*"}, {"select": "image-*"}):
        assert len(open_source(path, **choice)) == len(images)


def test_images_in_several_sizes_are_refused(tmp_path: Path):
    """The format of StyleGAN2's PyTorch port: keys of a size and a number."""

    def image(size: int, value: int) -> bytes:
        return encode(np.full((size, size, 3), value, np.uint8))

    values = {
        f"{size}-{index:05d}".encode(): image(size, index)
        for size in (8, 16, 128)
        for index in range(3)
    }
    path = write_lmdb(tmp_path / "set", {**values, b"length": b"3"})
    message = (
        r"set: holds images in several sizes \(8, 16, 128, by their keys.*`select: \"128-\*\"`"
    )
    for resolution in (None, 8):
        with pytest.raises(FringeError, match=message):
            open_source(path, resolution=resolution)
    with pytest.raises(FringeError, match=r"several sizes \(8, 128, by"):
        open_source(path, resolution=8, ignore=["16-*"])
    assert len(open_source(path, resolution=8, select="*")) == 9
    with pytest.raises(FringeError, match=r'set: `select: "32-\*"` fits none of its 10 images'):
        open_source(path, select="32-*")
    chosen = open_source(path, select="16-*", ignore="length", cache=tmp_path / "cache")
    assert chosen.read(range(3))[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert chosen.left_out == "6 values"  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(chosen)).resolution == (16, 16)
    one = write_lmdb(tmp_path / "one", {k: v for k, v in values.items() if k.startswith(b"16-")})
    assert open_source(one).fingerprint == chosen.fingerprint
    other = open_source(path, select="8-*", cache=tmp_path / "cache")
    assert other.fingerprint != chosen.fingerprint
    # Sizes that are half of the numbers.
    halved = {
        f"{size}-{index:05d}".encode(): image(size // 2, index)
        for size in (16, 32)
        for index in range(3)
    }
    with pytest.raises(FringeError, match=r'several sizes \(16, 32, by .* `select: "32-\*"`'):
        open_source(write_lmdb(tmp_path / "halved", halved), resolution=8)
    # Numbers that are not sizes: years, persons.
    years = {f"{year}-{index}".encode(): image(8, 0) for year in (1999, 2000) for index in range(2)}
    assert len(open_source(write_lmdb(tmp_path / "years", years))) == 4


def write_databases(path: Path, databases: dict[bytes, dict[bytes, bytes]]) -> Path:
    with lmdb.open(str(path), max_dbs=4, map_size=1 << 20) as environment:
        for name, values in databases.items():
            database = environment.open_db(name)
            with environment.begin(write=True, db=database) as transaction:
                for key, value in values.items():
                    transaction.put(key, value)
    return path


def test_a_single_named_database_is_read(tmp_path: Path, pixels: np.ndarray):
    path = write_databases(tmp_path / "one", {b"images": {**pngs(pixels), b"length": b"7"}})
    source = open_source(path)
    assert np.array_equal(source.read(range(7)), pixels)
    assert np.array_equal(pickle.loads(pickle.dumps(source)).read(range(7)), pixels)
    assert (
        source.fingerprint == open_source(write_lmdb(tmp_path / "main", pngs(pixels))).fingerprint
    )
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert np.array_equal(pool.apply(source.read, ([3],)), pixels[[3]])
    with pytest.raises(FringeError, match=r"data\.mdb: holds named databases \(images, labels\)"):
        open_source(write_databases(tmp_path / "two", {b"images": pngs(pixels), b"labels": {}}))
    # Values with the length of a database's record.
    values = {b"a": HEADER[:48], b"b": encode(pixels[0])}
    with pytest.raises(FringeError, match=r"data\.mdb!a: is damaged"):
        open_source(write_lmdb(tmp_path / "short", values))


def outcome_of(path: Path) -> list[tuple[str, bytes]] | str:
    """Return the keys and values of a file, or the message of the error."""
    try:
        return stored(LmdbSource(path))
    except FringeError as error:
        return str(error)


@pytest.mark.parametrize("largest", [200, 9000])
def test_truncated_files_are_refused(tmp_path: Path, largest: int):
    """Unless only bytes that belong to no value are missing."""
    values = random_values(200, largest)
    path = write_lmdb(tmp_path / "set", values)
    whole = (path / "data.mdb").read_bytes()
    ends = [0, 1, 16, 100, 152, 4095, 4096, 4100, 4248, 8191, 8192, 8193, 12288]
    ends += [*range(12289, len(whole), len(whole) // 20), len(whole) - 4096, len(whole) - 1]
    assert outcome_of(path) == in_order(values)
    cut = tmp_path / "cut.mdb"
    refused = 0
    for end in ends:
        cut.write_bytes(whole[:end])
        message = outcome_of(cut)
        if not isinstance(message, str):
            assert message == in_order(values)
            continue
        refused += 1
        assert message.startswith(f"{cut}: is {'damaged' if end else 'empty'}")
        assert message.endswith("again" if end else "fetch or copy it again")
        assert end <= 8192 or f"it has {end} bytes instead of {len(whole)}" in message
    assert refused >= len(ends) - 1


def test_unwritten_pages_at_the_end_are_allowed(tmp_path: Path):
    """LMDB may free the last pages before it writes them; the file then ends before them."""
    values = random_values(20, 200)
    path = write_lmdb(tmp_path / "set", values) / "data.mdb"
    content = bytearray(path.read_bytes())
    for page in (0, 4096):
        content[page + 136 : page + 144] = (len(content) // 4096).to_bytes(8, "little")
    path.write_bytes(content)
    assert outcome_of(path) == in_order(values)


def test_a_file_truncated_after_opening_is_refused(tmp_path: Path):
    path = write_lmdb(tmp_path / "set", random_values(200, 9000)) / "data.mdb"
    source = LmdbSource(path)
    stored(source)
    os.truncate(path, 8192)
    with pytest.raises(FringeError, match=r"data\.mdb: is damaged \(it has 8192 bytes"):
        stored(source)


def test_garbage_in_the_first_pages_is_refused(tmp_path: Path):
    whole = (write_lmdb(tmp_path / "set", random_values(20, 200)) / "data.mdb").read_bytes()
    rng = random.Random(0)
    refused = []
    for number in range(60):
        damaged = bytearray(whole)
        page = 4096 * (number % 2)
        begin = rng.choice([0, 16, 24])  # the page's header, magic number, the rest
        damaged[page + begin : page + 200] = rng.randbytes(200 - begin)
        path = tmp_path / f"{number}.mdb"
        path.write_bytes(damaged)
        refused += [found for found in [outcome_of(path)] if isinstance(found, str)]
    assert len(refused) > 30
    assert all("is damaged" in message or "holds no image" in message for message in refused)


@pytest.mark.parametrize("claim", [2, 1000])
def test_a_wrong_number_of_values_is_refused(tmp_path: Path, pixels: np.ndarray, claim: int):
    path = write_lmdb(tmp_path / "set", {b"a": encode(pixels[0])})
    content = bytearray((path / "data.mdb").read_bytes())
    for page in (0, 4096):  # LMDB's main database, 48 bytes, the number of entries 32 bytes in
        begin = page + 16 + 24 + 48 + 32
        content[begin : begin + 8] = claim.to_bytes(8, "little")
    (path / "data.mdb").write_bytes(content)
    with pytest.raises(FringeError, match=r"data\.mdb: has 1 values, not \d+: it is damaged"):
        open_source(path).read([0])


def test_other_versions_and_empty_environments_are_refused(tmp_path: Path, pixels: np.ndarray):
    path = write_lmdb(tmp_path / "set", {b"a": encode(pixels[0])})
    content = bytearray((path / "data.mdb").read_bytes())
    content[20] = 77
    (path / "data.mdb").write_bytes(content)
    with pytest.raises(FringeError, match=r"data\.mdb: is damaged or not.*v77 is not supported"):
        open_source(path)
    with pytest.raises(FringeError, match="holds no image"):
        open_source(write_lmdb(tmp_path / "empty", {}))
