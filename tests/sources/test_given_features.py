"""Features of other tools, of runs and of `fringe export` in NPZ and HDF5; wrong files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from fringe.errors import ChangedError, FringeError
from fringe.exchange import write_features
from fringe.features import link_shards, open_features
from fringe.features.importing import import_features
from fringe.seeds import random_stream
from fringe.sources import GivenFeatures, source_from_spec

FID, CONTROL = "efficientnet-lite0", "untrained"  # 1,280 features and 1,000 classes; 102 features
N = 12

Arrays = dict[str, npt.NDArray[Any]]


def rows(width: int, count: int = N, seed: int = 0) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


@pytest.fixture
def arrays() -> Arrays:
    """The arrays of a valid file."""
    return {
        "features": rows(1280),
        "logits": rows(1000, seed=1),
        CONTROL: rows(102, seed=2),
        "labels": np.arange(N) % 5,
    }


def npz(folder: Path, arrays: Arrays, name: str = "a.npz") -> Path:
    np.savez(folder / name, **arrays)
    return folder / name


def hdf5(folder: Path, arrays: Arrays, network: str = "") -> Path:
    path = folder / "a.h5"
    with h5py.File(path, "w") as file:
        for key, values in arrays.items():
            file.create_dataset(key, data=values)
        if network:
            file.attrs["network"] = network
    return path


def both(path: Path, **options: Any) -> GivenFeatures:
    return GivenFeatures(path, [FID, CONTROL], **options)


def test_npz_and_hdf5_have_the_same_features(tmp_path: Path, arrays: Arrays) -> None:
    first = both(npz(tmp_path, arrays))
    assert (len(first), first.networks) == (N, [FID, CONTROL])
    assert first.has_logits(FID)
    assert not first.has_logits(CONTROL)
    found = first.features_in(FID)
    assert list(found) == ["features", "logits"]
    assert np.array_equal(found["features"], arrays["features"])
    assert np.array_equal(found["logits"], arrays["logits"])
    assert list(first.features_in(CONTROL)) == ["features"]
    assert np.array_equal(first.features_in(CONTROL)["features"], arrays[CONTROL])
    labels = first.classes()
    assert labels is not None
    assert labels.dtype == np.int64
    assert labels.tolist() == arrays["labels"].tolist()
    second = both(hdf5(tmp_path, arrays))
    assert second.fingerprint == first.fingerprint
    assert second.fingerprint_in(CONTROL) == first.fingerprint_in(CONTROL)
    np.savez_compressed(tmp_path / "packed.npz", **arrays)
    assert both(tmp_path / "packed.npz").fingerprint == first.fingerprint


@pytest.mark.parametrize("write", [npz, hdf5])
def test_arrays_may_be_named_by_their_network(
    tmp_path: Path, arrays: Arrays, write: Callable[[Path, Arrays], Path]
) -> None:
    """The name in the configuration or in paths of files; groups in HDF5."""
    named = {
        f"{FID}/features": arrays["features"],
        f"{FID}/logits": arrays["logits"],
        CONTROL: arrays[CONTROL].astype(np.float64),
        "classes": arrays["labels"].astype(np.uint8),
        "features": rows(3, 5),  # other features: names of networks have priority
        "other": np.zeros((2, 2)),
    }
    source = both(write(tmp_path, named))
    assert np.array_equal(source.features_in(FID)["logits"], arrays["logits"])
    assert np.array_equal(source.features_in(CONTROL)["features"], arrays[CONTROL])
    assert source.classes() is not None


def test_logits_and_labels_may_be_missing(tmp_path: Path, arrays: Arrays) -> None:
    del arrays["labels"], arrays["logits"]
    source = both(npz(tmp_path, arrays))
    assert not source.has_logits(FID)
    assert source.classes() is None
    assert list(source.features_in(FID)) == ["features"]


def test_fewer_images_are_a_random_subset(tmp_path: Path, arrays: Arrays) -> None:
    """The same subset as for image files; each prefix is a random subset, too."""
    path = npz(tmp_path, arrays)
    order = random_stream(3, "order").permutation(N)
    few = both(path, count=5, seed=3)
    assert (len(few), few.drawn_from) == (5, N)
    assert np.array_equal(few.features_in(FID)["features"], arrays["features"][order[:5]])
    labels = few.classes()
    assert labels is not None
    assert labels.tolist() == arrays["labels"][order[:5]].tolist()
    every = both(path, seed=3, least=7)
    assert np.array_equal(every.features_in(CONTROL)["features"], arrays[CONTROL][order])
    first = both(path, count=5, order="file")
    assert np.array_equal(first.features_in(FID)["features"], arrays["features"][:5])
    assert both(path, least=N).drawn_from is None
    prints = {one.fingerprint for one in (few, every, first, both(path), both(path, count=5))}
    assert len(prints) == 5


def test_the_fingerprint_depends_on_the_used_rows(tmp_path: Path, arrays: Arrays) -> None:
    cache = tmp_path / "cache"
    path = npz(tmp_path, arrays)
    before = both(path, cache=cache)
    prints = before.fingerprint_in(FID), before.fingerprint_in(CONTROL), before.fingerprint
    assert both(path, cache=cache).fingerprint == prints[2], "cached"
    assert both(npz(tmp_path, {**arrays, "others": np.ones(3)})).fingerprint == prints[2]
    arrays[CONTROL][3, 3] += 1
    after = both(npz(tmp_path, arrays), cache=cache)
    assert after.fingerprint_in(FID) == prints[0]
    assert after.fingerprint_in(CONTROL) != prints[1]
    assert after.fingerprint != prints[2]


def test_values_are_read_once(
    tmp_path: Path, arrays: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, cache = npz(tmp_path, arrays), tmp_path / "cache"
    known = both(path, cache=cache).fingerprint
    monkeypatch.setattr("fringe.sources.feature_arrays.StoredArray._blocks", None)
    assert both(path, cache=cache).fingerprint == known


@pytest.mark.parametrize("count", [None, 7])
def test_imported_features_are_a_feature_file(
    tmp_path: Path, arrays: Arrays, count: int | None
) -> None:
    source = both(npz(tmp_path, arrays), count=count)
    import_features(source, FID, tmp_path / "out.h5", {"images": source.fingerprint_in(FID)})
    file = open_features(tmp_path / "out.h5")
    assert (len(file), file.spaces) == (count or N, ("features", "logits"))
    assert np.array_equal(file.read(), source.features_in(FID)["features"])
    assert np.array_equal(file.read("logits"), source.features_in(FID)["logits"])
    assert file.attributes["network"] == FID
    assert file.class_names is not None
    assert file.class_names[0] == "tench"
    assert np.array_equal(np.asarray(file.labels()), np.asarray(source.classes()))
    import_features(source, CONTROL, tmp_path / "out.h5")
    assert open_features(tmp_path / "out.h5").class_names is None


def test_a_changed_file_is_not_imported(tmp_path: Path, arrays: Arrays) -> None:
    path = npz(tmp_path, arrays)
    source = both(path)
    assert source.fingerprint
    arrays["features"][4, 4] = 7
    npz(tmp_path, arrays)
    with pytest.raises(ChangedError, match=r"a\.npz: `features`: was changed since"):
        import_features(source, FID, tmp_path / "out.h5")
    npz(tmp_path, {**arrays, "features": rows(1280, 11)})
    with pytest.raises(ChangedError, match=r"`features`: was changed since"):
        import_features(source, FID, tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


def shard(folder: Path, first: int, last: int, network: str = FID) -> Path:
    """Write a shard of features like extraction."""
    path = folder / network / f"{first:07d}-{last:07d}.h5"
    path.parent.mkdir(exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs.update({"first": first, "last": last, "network": network})
        for space, width in (("features", 1280), ("logits", 1000)):
            file.create_dataset(space, data=rows(width)[first:last], fletcher32=True)
    return path


def test_features_of_a_run_are_read(tmp_path: Path) -> None:
    """From its shards, and from exported files."""
    shards = [shard(tmp_path, 0, 5), shard(tmp_path, 5, N)]
    linked = tmp_path / f"{FID}.h5"
    link_shards(shards, linked)
    source = GivenFeatures(linked, [FID])
    assert np.array_equal(source.features_in(FID)["features"], rows(1280))
    order = random_stream(0, "order").permutation(N)
    drawn = GivenFeatures(linked, [FID], count=8).features_in(FID)["logits"]
    assert np.array_equal(drawn, rows(1000)[order[:8]])
    file = open_features(linked)
    write_features(tmp_path / "b.npz", file.read(), file.read("logits"), FID)
    exported = GivenFeatures(tmp_path / "b.npz", [FID])
    assert np.array_equal(exported.features_in(FID)["features"], rows(1280))
    with h5py.File(shards[1], "r+") as damaged:
        damaged["features"][2, 0] = np.nan
    with pytest.raises(FringeError, match=r"`features`: row 7 holds NaN or infinity"):
        assert GivenFeatures(linked, [FID]).fingerprint
    for path in (linked, tmp_path / "b.npz"):
        with pytest.raises(
            FringeError,
            match=r"no array of features in resnet50, .* its features are of efficientnet-lite0",
        ):
            GivenFeatures(path, ["resnet50"])


def test_shards_must_be_below_the_file_that_links_them(tmp_path: Path) -> None:
    linked = tmp_path / "a.h5"
    link_shards([shard(tmp_path, 0, N)], linked)
    for names, message in (
        ('["../x.h5"]', "points outside"),
        ('["gone.h5"]', r"gone\.h5: does not exist"),
        ('["a.h5"]', "its `features` is in other files"),  # the file itself
        ('["a.h5", "a.h5"]', "links a shard twice"),
        ('["a.h5"', "its attribute `shards` is damaged"),
        ("7", "its attribute `shards` is damaged"),
    ):
        with h5py.File(linked, "r+") as file:
            file.attrs["shards"] = names
        with pytest.raises(FringeError, match=message):
            GivenFeatures(linked, [FID])


def put(key: str, values: Any) -> Callable[[Arrays], None]:
    return lambda arrays: arrays.update({key: np.asarray(values)})


def spoil(key: str, place: Any, value: float) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[key] = arrays[key].astype(np.float64) if key != "labels" else arrays[key].copy()
        arrays[key][place] = value

    return change


BAD: list[tuple[Callable[[Arrays], None], str]] = [
    (
        lambda a: a.pop("features"),
        r"no array of features in efficientnet-lite0, but .*; add an array named",
    ),
    (
        lambda a: a.pop(CONTROL),
        "no array of features in untrained, but .* array named after each network",
    ),
    (spoil("features", (4, 7), np.nan), "`features`: row 4 holds NaN or infinity"),
    (spoil("features", (9, 0), -np.inf), "`features`: row 9 holds NaN or infinity"),
    (spoil("logits", (0, 999), 1e300), "`logits`: row 0 holds NaN or infinity"),
    (
        spoil("labels", 11, -1),
        "`labels`: row 11 holds -1; labels must be class numbers of at least 0",
    ),
    (put("features", rows(2048)), "has 2048 columns, but features of efficientnet-lite0 have 1280"),
    (put("logits", rows(1008)), "has 1008 columns, but logits of efficientnet-lite0 have 1000"),
    (put("untrained/logits", rows(5)), "`untrained/logits`: untrained is not a classifier"),
    (put("features", rows(1280).ravel()), r"has shape \(15360,\); it must have one row for each"),
    (put("features", rows(1280)[None]), r"has shape \(1, 12, 1280\); it must"),
    (put("features", rows(1280) > 0), "`features`: is of type bool; it must hold numbers"),
    (put("features", rows(1280).astype("c8")), "is of type complex64"),
    (put("labels", rows(1)), r"`labels`: is of type float32 and shape \(12, 1\); labels must be"),
    (put("classes", np.arange(N)), "holds both `labels` and `classes`"),
    (put("labels", np.arange(N - 1)), "`labels`: has 11 rows, but .*`features` has 12"),
    (put(CONTROL, rows(102, 13)), "`untrained`: has 13 rows, but .*`features` has 12"),
]


@pytest.mark.parametrize("write", [npz, hdf5])
@pytest.mark.parametrize(("change", "message"), BAD, ids=[message[:30] for _, message in BAD])
def test_wrong_arrays_are_refused(
    tmp_path: Path,
    arrays: Arrays,
    write: Callable[[Path, Arrays], Path],
    change: Callable[[Arrays], object],
    message: str,
) -> None:
    change(arrays)
    if write is hdf5 and "untrained/logits" in arrays:
        arrays["untrained/features"] = arrays.pop("untrained")
    path = write(tmp_path, arrays)
    with pytest.raises(FringeError, match=message) as caught:
        assert both(path).fingerprint
    assert str(caught.value).startswith(f"{path}: ")


def test_nothing_is_unpickled(tmp_path: Path, arrays: Arrays) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
            return os.system, (f"touch {tmp_path}/run",)

    arrays["features"] = np.array([[Evil()] * 2] * N, dtype=object)
    with pytest.raises(FringeError, match="`features`: is of type object; it must hold numbers"):
        both(npz(tmp_path, arrays))
    assert not (tmp_path / "run").exists()


def test_wrong_files_are_refused(tmp_path: Path, arrays: Arrays) -> None:
    path = npz(tmp_path, arrays)
    with pytest.raises(FringeError, match="holds 12 images, fewer than the 13 asked for"):
        both(path, count=13)
    with pytest.raises(FringeError, match=r"b\.npz: does not exist"):
        both(tmp_path / "b.npz")
    with pytest.raises(
        FringeError, match=r"a\.npy: not a file of features; give an \.npz, \.h5 or \.hdf5 file"
    ):
        both(tmp_path / "a.npy")
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(FringeError, match=r"a\.npz: is damaged"):
        both(path)
    arrays["features"] = np.asfortranarray(arrays["features"])
    with pytest.raises(FringeError, match="`features`: is in Fortran order"):
        both(npz(tmp_path, arrays))
    with h5py.File(tmp_path / "hole.h5", "w") as file:
        file.create_dataset(CONTROL, (N, 102), "f4", chunks=(4, 102))[:8] = 1
    with pytest.raises(FringeError, match="`untrained`: row 8 was never written"):
        GivenFeatures(tmp_path / "hole.h5", [CONTROL])
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file[CONTROL] = h5py.ExternalLink("hole.h5", CONTROL)
    with pytest.raises(FringeError, match="its `untrained` is in other files"):
        GivenFeatures(tmp_path / "link.h5", [CONTROL])


def test_a_flipped_byte_is_refused(tmp_path: Path, arrays: Arrays) -> None:
    path = npz(tmp_path, arrays)
    data = bytearray(path.read_bytes())
    data[data.find(arrays["features"].tobytes()[:64]) + 40] ^= 1
    path.write_bytes(data)
    with pytest.raises(FringeError, match="Bad CRC-32"):
        assert both(path).fingerprint


def test_a_specification_opens_the_source(tmp_path: Path, arrays: Arrays) -> None:
    spec = {"kind": "features", "path": str(npz(tmp_path, arrays)), "networks": [FID, CONTROL]}
    source = source_from_spec(spec)
    assert isinstance(source, GivenFeatures)
    assert len(source) == N
    with pytest.raises(FringeError, match="contains features but no images"):
        source.read([0])


def test_an_unknown_network_is_reported_elsewhere(tmp_path: Path) -> None:
    source = GivenFeatures(npz(tmp_path, {"features": rows(7)}), ["incepton"])
    assert source.features_in("incepton")["features"].shape == (N, 7)
