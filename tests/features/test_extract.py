"""Extraction: the same bits whatever the shards, workers, threads or order."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.features import extract_shard, link_shards, open_features
from fringe.networks import Activations, FeatureNetwork, load_network
from fringe.sources import ImageSource, source_from_spec

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
    """Return a network that is infinite for a white image."""

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
def test_same_bits_whatever_shards_workers_threads_and_order(
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


def test_count_that_no_batch_divides(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (11, 4, 4, 3), dtype=np.uint8)
    extract_shard(ArraySource(images), brightness(), 0, 11, tmp_path / "a.h5", batch_size=4)
    expected = images.astype(np.float32).mean((1, 2))
    np.testing.assert_allclose(open_features(tmp_path / "a.h5").read(), expected, rtol=1e-6)


def test_what_a_shard_holds(tmp_path: Path, photos: ImageSource) -> None:
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
    assert (about["network"], about["weights_sha256"]) == ("untrained", network.weights_sha256)
    assert about["made_by"] == "test"
    assert {"fringe", "numpy", "h5py", "torch"} <= about.keys()


def test_a_classifier_says_what_its_logits_are(tmp_path: Path, photos: ImageSource) -> None:
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


def test_infinite_features_are_refused_by_image(tmp_path: Path) -> None:
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
        (8, 12, 4, "images 8 to 12 asked for, but there are 10"),
        (4, 4, 4, "images 4 to 4 asked for"),
        (0, 10, 0, "batch size 0 is below 1"),
    ],
)
def test_bounds_that_do_not_fit(
    tmp_path: Path, first: int, last: int, batch: int, message: str
) -> None:
    source = ArraySource(np.zeros((10, 4, 4, 3), dtype=np.uint8))
    with pytest.raises(FringeError, match=message):
        extract_shard(source, brightness(), first, last, tmp_path / "a.h5", batch_size=batch)
