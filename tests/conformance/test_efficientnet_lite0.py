"""EfficientNet-Lite0 compared with its package, and on photographs with known classes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fringe.errors import FringeError
from fringe.networks import FeatureNetwork, load_network
from fringe.networks.efficientnet_lite0 import SHA256, preprocess, published

skimage_data = pytest.importorskip("skimage.data")


@pytest.fixture(scope="module")
def network() -> FeatureNetwork:
    return load_network("efficientnet-lite0")


def central_square(image: np.ndarray) -> torch.Tensor:
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    square = image[top : top + side, left : left + side].copy()
    return torch.from_numpy(square).permute(2, 0, 1)[None]


@pytest.mark.parametrize(
    ("photograph", "sensible"),
    [
        ("chelsea", {"Egyptian cat", "tiger cat", "tabby"}),
        ("coffee", {"espresso"}),
        ("rocket", {"missile", "projectile", "space shuttle"}),
    ],
)
def test_top_1_of_a_photograph(
    network: FeatureNetwork, photograph: str, sensible: set[str]
) -> None:
    image = central_square(getattr(skimage_data, photograph)())
    logits = network(image).logits
    assert logits is not None
    assert network.class_names is not None
    assert network.class_names[int(logits.argmax())] in sensible


def test_the_folded_network_equals_the_published_network(network: FeatureNetwork) -> None:
    images = torch.cat(
        [
            torch.nn.functional.interpolate(
                central_square(getattr(skimage_data, name)()).float(), (96, 96)
            )
            for name in ("chelsea", "coffee", "astronaut", "rocket", "cat")
        ]
    ).to(torch.uint8)
    result = network(images)
    original = published()
    with torch.inference_mode():
        pixels = preprocess(images).contiguous()
        maps = original.extract_features(pixels)
        logits = original(pixels)
    pairs = ((result.maps, maps), (result.features, maps.mean((2, 3))), (result.logits, logits))
    for ours, theirs in pairs:
        assert ours is not None
        assert ours.shape == theirs.shape
        assert (ours - theirs).abs().max() < 1e-4 * theirs.abs().max()


def test_features_are_the_mean_of_the_maps(network: FeatureNetwork) -> None:
    result = network(torch.randint(0, 256, (3, 3, 50, 70), dtype=torch.uint8))
    assert result.maps is not None
    assert result.maps.shape == (3, 1280, 7, 7)
    torch.testing.assert_close(result.features, result.maps.mean((2, 3)), rtol=1e-5, atol=1e-6)


def test_the_weight_file_has_the_registered_digest(network: FeatureNetwork) -> None:
    assert network.weight_file_sha256 == SHA256


def test_the_message_about_another_weight_file_has_both_digests(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"_fc.bias": torch.zeros(1000)}, path)
    with pytest.raises(FringeError, match=rf"other\.pth.*SHA-256 is \w{{64}}, expected {SHA256}"):
        load_network("efficientnet-lite0", weight_file=path)


def test_a_missing_weight_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FringeError, match=r"no such weight file .*absent\.pth: does not exist"):
        load_network("efficientnet-lite0", weight_file=tmp_path / "absent.pth")
