"""Extraction: the same bits for any shards, workers, threads and order."""

import json
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from fringe.errors import FringeError
from fringe.features import extract_shard, link_shards, open_features
from fringe.networks import Activations, FeatureNetwork, load_network
from fringe.sources import ImageSource, open_source, source_from_spec

COUNT = 40


@pytest.fixture(scope="module")
def photos() -> ImageSource:
    spec = {"kind": "photos", "count": COUNT, "resolution": 48, "seed": 1}
    return source_from_spec(spec)


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def brightness(factor: float = 1.0) -> FeatureNetwork:
    """Return a network whose features are infinite for a white image."""

    def forward(images: torch.Tensor) -> Activations:
        mean = images.float().mean((2, 3))
        return Activations(factor * mean / (mean < 255))

    return FeatureNetwork("brightness", 3, None, "0" * 64, torch.device("cpu"), forward)


class ArraySource:
    name = "array"
    fingerprint = "0" * 64
    simulated = False

    def __init__(self, images: np.ndarray) -> None:
        self.images = images
        self.resolution = images.shape[1:3]

    def __len__(self) -> int:
        return len(self.images)

    def read(self, indices: np.ndarray) -> np.ndarray:
        return self.images[indices]


@pytest.mark.parametrize("name", ["efficientnet-lite0", "untrained"])
def test_bits_do_not_depend_on_shards_workers_threads_and_order(
    name: str, photos: ImageSource, tmp_path: Path, threads: None
) -> None:
    network = load_network(name)
    torch.set_num_threads(1)
    whole = tmp_path / "whole.h5"
    extract_shard(photos, network, 0, COUNT, whole, batch_size=8)
    torch.set_num_threads(2)
    pieces = [(24, 40, 0), (8, 24, 2), (0, 8, 1)]
    for first, last, workers in pieces:
        path = tmp_path / f"{first}.h5"
        extract_shard(photos, network, first, last, path, batch_size=8, workers=workers)
    link_shards([tmp_path / f"{first}.h5" for first in (0, 8, 24)], tmp_path / "linked.h5")
    one, other = open_features(whole), open_features(tmp_path / "linked.h5")
    assert one.spaces == other.spaces
    for space in one.spaces:
        assert one.read(space).tobytes() == other.read(space).tobytes()
    bare = network(torch.from_numpy(photos.read(range(COUNT))).permute(0, 3, 1, 2))
    np.testing.assert_array_equal(one.read(), bare.features.numpy())


def test_count_that_is_not_a_multiple_of_the_batch(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (11, 4, 4, 3), dtype=np.uint8)
    extract_shard(ArraySource(images), brightness(), 0, 11, tmp_path / "a.h5", batch_size=4)
    expected = images.astype(np.float32).mean((1, 2))
    np.testing.assert_allclose(open_features(tmp_path / "a.h5").read(), expected, rtol=1e-6)


def test_content_of_a_shard(tmp_path: Path, photos: ImageSource) -> None:
    path = tmp_path / "shard.h5"
    network = load_network("untrained")
    extract_shard(photos, network, 16, 40, path, batch_size=16, provenance={"made_by": "test"})
    with h5py.File(path) as file:
        features = file["features"]
        assert (features.shape, features.dtype) == ((24, 102), np.float32)
        assert features.chunks == (16, 102)
        assert features.fletcher32
        assert list(file) == ["features"]
    about = open_features(path).attributes
    assert (about["first"], about["last"], about["batch_size"]) == (16, 40, 16)
    assert (about["network"], about["weights_sha256"]) == ("untrained", network.weight_file_sha256)
    assert about["made_by"] == "test"
    assert {"fringe", "numpy", "h5py", "torch"} <= about.keys()


def test_shard_of_a_classifier_names_its_classes(tmp_path: Path, photos: ImageSource) -> None:
    network = load_network("efficientnet-lite0")
    for bounds in ((0, 4), (4, 8)):
        path = tmp_path / f"{bounds[0]}.h5"
        extract_shard(photos, network, *bounds, path, batch_size=4)
    link_shards([tmp_path / "0.h5", tmp_path / "4.h5"], tmp_path / "all.h5")
    for name in ("0.h5", "all.h5"):
        assert open_features(tmp_path / name).class_names == network.class_names
    extract_shard(photos, load_network("untrained"), 0, 4, tmp_path / "none.h5", batch_size=4)
    assert open_features(tmp_path / "none.h5").class_names is None


def test_batches_are_always_full_and_aligned(tmp_path: Path) -> None:
    seen = []

    def forward(images: torch.Tensor) -> Activations:
        seen.append(images[:, 0, 0, 0].tolist())
        return Activations(images.float().mean((2, 3)))

    network = FeatureNetwork("spy", 3, None, "0" * 64, torch.device("cpu"), forward)
    images = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    extract_shard(ArraySource(images), network, 4, 10, tmp_path / "a.h5", batch_size=4)
    assert seen == [[4, 5, 6, 7], [8, 9, 9, 9]]


def test_message_on_infinite_features_names_the_image(tmp_path: Path) -> None:
    images = np.zeros((10, 4, 4, 3), dtype=np.uint8)
    images[7] = 255
    with pytest.raises(FringeError, match="array: image 7 gives NaN or infinite features in netw"):
        extract_shard(ArraySource(images), brightness(), 4, 10, tmp_path / "a.h5", batch_size=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("first", "last", "batch", "message"),
    [
        (2, 8, 4, "shard bounds 2 and 8 must be multiples of the batch size 4"),
        (0, 6, 4, "shard bounds 0 and 6 must be multiples of the batch size 4"),
        (8, 12, 4, "cannot extract images 8 to 12; give a range within its 10"),
        (4, 4, 4, "cannot extract images 4 to 4;"),
        (0, 10, 0, "batch size 0 is below 1"),
    ],
)
def test_bounds_that_do_not_fit_are_refused(
    tmp_path: Path, first: int, last: int, batch: int, message: str
) -> None:
    source = ArraySource(np.zeros((10, 4, 4, 3), dtype=np.uint8))
    with pytest.raises(FringeError, match=message):
        extract_shard(source, brightness(), first, last, tmp_path / "a.h5", batch_size=batch)


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A folder of 10 JPEGs. Images 2, 3, 5 and 9 lack the last third of their data."""
    folder = tmp_path / "jpegs"
    folder.mkdir()
    rng = np.random.default_rng(3)
    for index in range(10):
        path = folder / f"{index}.jpg"
        Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8)).save(path)
        data = path.read_bytes()
        if index in {2, 3, 5, 9}:
            path.write_bytes(data[: len(data) * 2 // 3].rstrip(b"\xff") + b"\xff\xd9")
    return folder


@pytest.mark.parametrize(("workers", "n_threads"), [(0, 1), (0, 3), (2, 1)])
def test_images_with_warnings_of_decoders_are_counted(
    damaged: Path,
    tmp_path: Path,
    workers: int,
    n_threads: int,
    threads: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    torch.set_num_threads(n_threads)
    source = open_source(damaged)
    network = brightness()
    shards = []
    for first, last in ((0, 2), (2, 8), (8, 10)):
        path = tmp_path / f"{first}.h5"
        extract_shard(source, network, first, last, path, batch_size=2, workers=workers)
        shards.append(path)
    message = "Corrupt JPEG data: premature end of data segment"
    expected = [[f"{damaged}/{index}.jpg", message] for index in (2, 3, 5)]
    with h5py.File(shards[1]) as file:
        assert file.attrs["warned"] == 3
        assert json.loads(file.attrs["first_warned"]) == expected
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "3 images of 6" in line]
    assert line.startswith(f"warning: {damaged}: 3 images of 6 had damaged data")
    assert f"{damaged}/2.jpg: {message}; {damaged}/3.jpg: {message}" in line

    link_shards(shards, tmp_path / "linked.h5")
    features = open_features(tmp_path / "linked.h5")
    assert features.attributes["warned"] == 4
    assert json.loads(features.attributes["first_warned"]) == expected
    assert open_features(shards[0]).attributes["warned"] == 0


def test_files_of_earlier_versions_have_no_count_of_warnings(damaged: Path, tmp_path: Path) -> None:
    source = open_source(damaged)
    for first in (0, 2):
        extract_shard(
            source, brightness(), first, first + 2, tmp_path / f"{first}.h5", batch_size=2
        )
    with h5py.File(tmp_path / "0.h5", "a") as file:
        del file.attrs["warned"], file.attrs["first_warned"]
    link_shards([tmp_path / "0.h5", tmp_path / "2.h5"], tmp_path / "linked.h5")
    assert "warned" not in open_features(tmp_path / "linked.h5").attributes


def test_a_strict_source_refuses_damaged_images(damaged: Path, tmp_path: Path) -> None:
    source = open_source(damaged, strict=True)
    with pytest.raises(FringeError, match=r"2\.jpg: has damaged data"):
        extract_shard(source, brightness(), 2, 4, tmp_path / "2.h5", batch_size=2)
    assert not (tmp_path / "2.h5").exists()
    extract_shard(source, brightness(), 0, 2, tmp_path / "0.h5", batch_size=2)
    assert source.fingerprint == open_source(damaged).fingerprint
