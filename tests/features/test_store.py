"""Feature files: reading, and the detection of damaged files."""

import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from fringe.cli import main
from fringe.errors import FringeError
from fringe.evaluation import gaussian_of
from fringe.features import link_shards, open_features, top1_classes, verify
from fringe.files.hdf5 import create_h5

BOUNDS = [(0, 64), (64, 128), (128, 150)]
ROWS = np.random.default_rng(0).normal(size=(150, 6)).astype(np.float32)


def write_shard(path: Path, first: int, last: int, **about: str | int) -> Path:
    with create_h5(path, {"first": first, "last": last, "network": "tiny", **about}) as file:
        for space, rows in (("features", ROWS), ("logits", ROWS[:, :2] * 2)):
            file.create_dataset(
                space, data=rows[first:last], chunks=(8, rows.shape[1]), fletcher32=True
            )
    return path


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    shards = [write_shard(tmp_path / "shards" / f"{a}-{b}.h5", a, b) for a, b in BOUNDS]
    link_shards(shards, tmp_path / "all.h5", {"source": "somewhere"})
    return tmp_path / "all.h5"


def test_features_are_read_as_written(linked: Path) -> None:
    features = open_features(linked)
    assert len(features) == 150
    assert features.spaces == ("features", "logits")
    assert (features.dim("features"), features.dim("logits")) == (6, 2)
    assert np.array_equal(features.read(), ROWS)
    assert np.array_equal(features.read("logits", stop=70), ROWS[:70, :2] * 2)
    assert features.attributes["network"] == "tiny"
    assert features.attributes["source"] == "somewhere"
    assert np.array_equal(pickle.loads(pickle.dumps(features)).read(), ROWS)


@pytest.mark.parametrize("rows", [1, 7, 64, 4096])
def test_blocks_contain_every_row_once(linked: Path, rows: int) -> None:
    blocks = list(open_features(linked).blocks("features", stop=131, rows=rows))
    assert [first for first, _ in blocks] == list(range(0, 131, rows))
    assert np.array_equal(np.concatenate([block for _, block in blocks]), ROWS[:131])


@pytest.mark.parametrize("indices", [[149, 0, 64, 0, 63, 149], [], range(150), np.arange(9)[::-1]])
def test_rows_are_read_in_any_order(linked: Path, indices: object) -> None:
    order = np.asarray(indices, dtype=int)
    assert np.array_equal(open_features(linked).read(indices=indices), ROWS[order])


def test_many_rows_are_read_from_several_blocks(tmp_path: Path) -> None:
    rows = np.arange(20_000, dtype=np.float32)[:, None]
    with create_h5(tmp_path / "long.h5", {"first": 0, "last": 20_000}) as file:
        file.create_dataset("features", data=rows, chunks=(64, 1), fletcher32=True)
    order = np.random.default_rng(1).integers(0, 20_000, 5_000)
    assert np.array_equal(open_features(tmp_path / "long.h5").read(indices=order), rows[order])


def test_missing_spaces_and_rows_are_refused(linked: Path) -> None:
    features = open_features(linked)
    with pytest.raises(FringeError, match=r"all\.h5: has no 'maps', only features, logits"):
        features.read("maps")
    with pytest.raises(
        FringeError, match="cannot read 151 images, because there are features of only 150"
    ):
        features.read(stop=151)
    with pytest.raises(FringeError, match="cannot read rows -1 to 3, because there are only 150"):
        features.read(indices=[3, -1])
    with pytest.raises(FringeError, match="cannot read rows 3 to 100, because there are only 80"):
        features.read(indices=[3, 100], stop=80)


def test_linked_file_moves_with_its_shards_and_copies_nothing(linked: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    shutil.move(linked, moved / linked.name)
    shutil.move(tmp_path / "shards", moved / "shards")
    assert np.array_equal(open_features(moved / linked.name).read(), ROWS)
    with h5py.File(moved / linked.name) as file:
        assert file["features"].is_virtual
        assert [source.file_name for source in file["features"].virtual_sources()] == [
            "shards/0-64.h5",
            "shards/64-128.h5",
            "shards/128-150.h5",
        ]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def overwrite(path: Path) -> None:
    path.write_text("not HDF5")


DAMAGES = [cut, halve, empty, overwrite, Path.unlink]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("part", ["all.h5", "shards/64-128.h5"])
def test_damage_is_found_on_opening(
    linked: Path, tmp_path: Path, damage: Callable[[Path], None], part: str
) -> None:
    assert verify(linked) is None
    damage(tmp_path / part)
    with pytest.raises(FringeError, match=rf"{Path(part).name}: missing or damaged .* run again"):
        open_features(linked)
    assert Path(part).name in str(verify(linked))


def test_a_flipped_bit_is_found_on_reading(linked: Path, tmp_path: Path) -> None:
    shard = tmp_path / "shards" / "64-128.h5"
    content = bytearray(shard.read_bytes())
    content[content.index(ROWS[100].tobytes()) + 3] ^= 1
    shard.write_bytes(content)
    assert verify(linked) is None  # the sizes are right, so only a checksum detects this
    for path in (linked, shard):
        assert "damaged" in str(verify(path, deep=True))
        with pytest.raises(FringeError, match="missing or damaged"):
            open_features(path).read()
    assert np.array_equal(open_features(linked).read(stop=64), ROWS[:64])


def test_any_flipped_bit_is_found_or_harmless(tmp_path: Path) -> None:
    path = write_shard(tmp_path / "shard.h5", 0, 64)
    content = path.read_bytes()
    found = 0
    for place in np.random.default_rng(2).integers(0, len(content), 150):
        changed = bytearray(content)
        changed[place] ^= 1 << int(place) % 8
        path.write_bytes(changed)
        if verify(path, deep=True) is None:
            assert np.array_equal(open_features(path).read(), ROWS[:64])
        else:
            found += 1
    assert found > 15


def test_shard_of_another_extraction_is_refused(linked: Path, tmp_path: Path) -> None:
    write_shard(tmp_path / "shards" / "64-128.h5", 64, 128, weights_sha256="other")
    with pytest.raises(FringeError, match=r"64-128\.h5: is not the shard that .*all\.h5 links"):
        open_features(linked)


def test_exchanged_shards_are_refused(linked: Path, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "shards" / "0-64.h5", tmp_path / "shards" / "64-128.h5")
    with pytest.raises(FringeError, match="is not the shard that"):
        open_features(linked)


def test_mislabelled_shard_is_refused(tmp_path: Path) -> None:
    path = write_shard(tmp_path / "a.h5", 0, 64)
    with h5py.File(path, "a") as file:
        file.attrs["last"] = 65
    with pytest.raises(FringeError, match="holds 64 images but is labelled 0 to 65"):
        open_features(path)


def test_file_without_features_is_refused(tmp_path: Path) -> None:
    with create_h5(tmp_path / "other.h5", {}) as file:
        file["scores"] = [1, 2]
    with pytest.raises(FringeError, match="is not a file of features"):
        open_features(tmp_path / "other.h5")


def test_shards_that_do_not_fit_are_not_linked(tmp_path: Path) -> None:
    a, b, c = (write_shard(tmp_path / f"{first}.h5", first, last) for first, last in BOUNDS)
    to = tmp_path / "all.h5"
    with pytest.raises(FringeError, match=r"128\.h5: starts at image 128, expected 64"):
        link_shards([a, c], to)
    with pytest.raises(FringeError, match=r"64\.h5: starts at image 64, expected 0"):
        link_shards([b, a], to)
    with pytest.raises(FringeError, match="no shards to link"):
        link_shards([], to)
    write_shard(b, 64, 128, batch_size=7)
    with pytest.raises(
        FringeError, match=r"64\.h5: was extracted .* \(batch_size is 7 here and None"
    ):
        link_shards([a, b, c], to)
    cut(c)
    with pytest.raises(FringeError, match=r"128\.h5: missing or damaged"):
        link_shards([a, c], to)
    assert not to.exists()


def test_shards_of_other_package_versions_are_linked(tmp_path: Path) -> None:
    one = write_shard(tmp_path / "a.h5", 0, 64, torch="2.6")
    other = write_shard(tmp_path / "b.h5", 64, 128, torch="2.7")
    link_shards([one, other], tmp_path / "all.h5")
    features = open_features(tmp_path / "all.h5")
    assert len(features) == 128
    assert "torch" not in features.attributes


def test_no_row_is_read_through_the_linked_file(linked: Path, tmp_path: Path) -> None:
    """HDF5 returns the fill value for a shard that disappears after the file is opened."""
    features = open_features(linked)
    shard = tmp_path / "shards" / "64-128.h5"
    shard.rename(tmp_path / "elsewhere.h5")
    with h5py.File(linked) as file:
        assert np.isnan(file["features"][64:128]).all()
    with pytest.raises(FringeError, match=r"64-128\.h5: missing or damaged"):
        features.read()
    assert np.array_equal(features.read(stop=64), ROWS[:64])
    write_shard(shard, 64, 100)
    with pytest.raises(FringeError, match=r"64-128\.h5: does not hold features of shape \(64, 6\)"):
        features.read(indices=[70])
    shutil.copy(linked, shard)
    with pytest.raises(FringeError, match=r"64-128\.h5: does not hold features"):
        features.read(indices=[70])


READER = """
import resource, sys
import h5py, numpy as np
from fringe.cli import main
from fringe.evaluation import gaussian_of
from fringe.features import open_features, top1_classes, verify

path, rows = sys.argv[1], np.load(sys.argv[2])
with h5py.File(path) as file:
    assert np.array_equal(file["features"][:], rows)
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
with h5py.File(path) as file:  # HDF5 returns this without an error
    assert np.isnan(file["features"][:]).any()
features = open_features(path)
order = np.random.default_rng(0).permutation(len(rows))
assert np.array_equal(features.read(), rows)
assert np.array_equal(features.read(indices=order), rows[order])
assert np.array_equal(np.concatenate([block for _, block in features.blocks(rows=7)]), rows)
assert np.array_equal(features.matrix()[3:90], rows[3:90])
assert np.array_equal(top1_classes(features), rows[:, :2].argmax(axis=1))
assert np.allclose(gaussian_of(features).mean, rows.mean(axis=0))
assert verify(path, deep=True) is None
assert main(["export", "features", path, sys.argv[3]]) == 0
assert np.array_equal(np.load(sys.argv[3])["features"], rows)
"""


def test_more_shards_than_a_process_may_open_files(tmp_path: Path) -> None:
    rows = np.random.default_rng(3).normal(size=(100, 6)).astype(np.float32)
    shards = [tmp_path / "shards" / f"{number:03d}.h5" for number in range(100)]
    for number, path in enumerate(shards):
        about = {"first": number, "last": number + 1, "network": "tiny"}
        with create_h5(path, about) as file:
            file["features"] = rows[number : number + 1]
            file["logits"] = rows[number : number + 1, :2]
    link_shards(shards, tmp_path / "all.h5")
    np.save(tmp_path / "rows.npy", rows)
    places = [str(tmp_path / name) for name in ("all.h5", "rows.npy", "out.npz")]
    done = subprocess.run(
        [sys.executable, "-c", READER, *places], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_that_no_extraction_writes_are_refused(
    linked: Path, tmp_path: Path, value: float
) -> None:
    with h5py.File(tmp_path / "shards" / "64-128.h5", "a") as file:
        file["logits"][3, 1] = value
    features = open_features(linked)
    message = r"64-128\.h5: row 3 of its logits holds NaN or infinity.*delete the file"
    for read in (
        lambda: features.read("logits"),
        lambda: features.read("logits", [70, 67]),
        lambda: list(features.blocks("logits")),
        lambda: features.matrix("logits")[60:70],
        lambda: top1_classes(features),
        lambda: gaussian_of(features, "logits"),
    ):
        with pytest.raises(FringeError, match=message):
            read()
    assert main(["export", "features", str(linked), str(tmp_path / "out.npz")]) == 1
    assert re.search(message, str(verify(linked, deep=True)))
    assert not (tmp_path / "out.npz").exists()
    assert np.array_equal(features.read(), ROWS), "features are whole"


def test_an_empty_selection_reads_nothing(linked: Path) -> None:
    features = open_features(linked)
    assert features.read(stop=0).shape == (0, 6)
    assert features.matrix()[64:64].shape == (0, 6)
    assert list(features.blocks(stop=0)) == []
