"""Inception-V3 as in other tools, compared with these tools, on random weights."""

from __future__ import annotations

from pathlib import Path

import cleanfid.resize
import numpy as np
import pytest
import pytorch_fid.inception
import torch
from tests.networks.inception_files import images, inception_state, tensorflow_graph, write_state
from torch import Tensor
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from fringe.networks import FeatureNetwork, network_info, network_weight_files
from fringe.networks.inception import load
from fringe.networks.inception_variants import (
    clean,
    load_clean,
    load_pytorch_fid,
    load_spatial,
)
from fringe.networks.inception_variants import (
    pytorch_fid as preprocess_of_pytorch_fid,
)

CPU = torch.device("cpu")
SHAPES = [(32, 32), (256, 256), (299, 299), (200, 340)]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "pt_inception.pth"
    write_state(path, inception_state(seed=1))
    return path


@pytest.fixture(scope="module")
def judge(file: Path) -> FeatureExtractorInceptionV3:
    """Return torch-fidelity's network, with TensorFlow 1's resize and all layers by name."""
    return FeatureExtractorInceptionV3("judge", ["2048"], feature_extractor_weights_path=str(file))


@pytest.fixture(scope="module")
def judge_of_pytorch_fid(file: Path) -> torch.nn.Module:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            pytorch_fid.inception,
            "load_state_dict_from_url",
            lambda *_, **__: torch.load(file, weights_only=True),
        )
        return pytorch_fid.inception.InceptionV3([3]).eval()


def assert_close(ours: Tensor, theirs: Tensor) -> None:
    """Compare to 1e-5 of the largest value, and check that images differ."""
    assert ours.shape == theirs.shape
    assert (theirs[0] - theirs[1]).abs().max() > 0.01 * theirs.abs().max()
    assert (ours - theirs).abs().max() < 1e-5 * theirs.abs().max()


@pytest.mark.parametrize("shape", SHAPES)
def test_pytorch_fid_s_network(
    file: Path, judge_of_pytorch_fid: torch.nn.Module, shape: tuple[int, int]
) -> None:
    batch = images(*shape)
    network = load_pytorch_fid(file, CPU)
    with torch.inference_mode():
        (expected,) = judge_of_pytorch_fid(batch.float() / 255)
    assert_close(network(batch).features, expected[:, :, 0, 0])
    assert_is_a_classifier(network, "inception-pytorch-fid", batch)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_resize_of_clean_fid(shape: tuple[int, int]) -> None:
    batch = images(*shape)
    resize = cleanfid.resize.build_resizer("clean")
    theirs = np.stack([resize(image.permute(1, 2, 0).numpy()) for image in batch])
    expected = (torch.from_numpy(theirs).permute(0, 3, 1, 2) - 128) / 128
    torch.testing.assert_close(clean(batch), expected, rtol=0, atol=2e-6)


def test_the_network_of_clean_fid(file: Path, judge: FeatureExtractorInceptionV3) -> None:
    batch = images(64, 64)
    network = load_clean(file, CPU)
    resize = cleanfid.resize.build_resizer("clean")
    theirs = np.stack([resize(image.permute(1, 2, 0).numpy()) for image in batch])
    trunk = load(file, CPU)
    # Images of 299 x 299 are not resized again, but they must have whole grey levels. So the pixels
    # are passed to the layers of torch-fidelity's network.
    pixels = (torch.from_numpy(theirs).permute(0, 3, 1, 2) - 128) / 128
    with torch.inference_mode():
        expected = by_layers(judge, pixels).mean((2, 3))
    assert_close(network(batch).features, expected)
    assert (network(batch).features - trunk(batch).features).abs().max() > 1e-3
    assert_is_a_classifier(network, "inception-clean", batch)


def by_layers(judge: FeatureExtractorInceptionV3, pixels: Tensor) -> Tensor:
    """Return the last maps of torch-fidelity's network for prepared pixels."""
    names = ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "MaxPool_1"]
    names += ["Conv2d_3b_1x1", "Conv2d_4a_3x3", "MaxPool_2"]
    names += [f"Mixed_{block}" for block in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e")]
    names += [f"Mixed_{block}" for block in ("7a", "7b", "7c")]
    for name in names:
        pixels = getattr(judge, name)(pixels)
    return pixels


def assert_is_a_classifier(network: FeatureNetwork, name: str, batch: Tensor) -> None:
    """Check that the logits are the features times ``classifier``, plus a bias."""
    found = network(batch)
    assert network.name == name
    assert network.class_names is not None
    assert network.class_names[817] == "bow tie"
    assert network.classifier is not None
    assert network.classifier.shape == (1008, 2048)
    assert found.logits is not None
    bias = found.logits - found.features @ network.classifier.T
    assert (bias[0] - bias[1]).abs().max() < 1e-4 * found.logits.abs().max()


@pytest.mark.parametrize("shape", SHAPES)
def test_spatial_features_are_those_of_adm(
    file: Path, judge: FeatureExtractorInceptionV3, shape: tuple[int, int]
) -> None:
    batch = images(*shape)
    network = load_spatial(file, CPU)
    seen: list[Tensor] = []
    handle = judge.Mixed_6d.branch1x1.register_forward_hook(
        lambda _, __, maps: seen.append(maps.detach().clone())  # after ReLU
    )
    with torch.inference_mode():
        judge(batch)
    handle.remove()
    assert seen[0].shape == (2, 192, 17, 17)
    assert (seen[0] >= 0).all()
    # ADM takes [..., :7] of TensorFlow's layout (N, 17, 17, 192) and flattens it.
    expected = seen[0].permute(0, 2, 3, 1)[..., :7].reshape(2, 2023)
    assert_close(network(batch).features, expected)
    assert (network.name, network.feature_dim, network.class_names) == (
        "inception-spatial",
        2023,
        None,
    )


def test_spatial_features_from_tensorflow_s_graph(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "classify_image_graph_def.pb"
    path.write_bytes(tensorflow_graph(inception_state(seed=1)))
    batch = images(64, 64)
    found = load_spatial(path, CPU)(batch).features
    assert torch.equal(found, load_spatial(file, CPU)(batch).features)


def test_the_split_of_spatial_features_gives_the_same_features(file: Path) -> None:
    batch = images(64, 64, 3)
    network = load_spatial(file, CPU)
    assert network.split is not None
    maps, rest = network.split(batch)
    features = network(batch).features
    assert maps.shape == (3, 7, 17, 17)
    assert torch.equal(rest(maps).features, features)
    assert torch.equal(maps[2, 5], features[2].reshape(17, 17, 7)[:, :, 5])


def test_pixels_of_pytorch_fid_are_not_antialiased() -> None:
    stripes = torch.zeros(1, 3, 598, 598, dtype=torch.uint8)
    stripes[..., ::2] = 255
    pixels = preprocess_of_pytorch_fid(stripes)
    # Half-pixel centres: each new pixel is between a white and a black pixel.
    torch.testing.assert_close(pixels, torch.zeros(1, 3, 299, 299), rtol=0, atol=1e-6)
    torch.testing.assert_close(
        preprocess_of_pytorch_fid(stripes[..., :299, :299]),
        stripes[..., :299, :299].float() / 127.5 - 1,
        rtol=0,
        atol=1e-6,
    )


@pytest.mark.parametrize("name", ["inception-clean", "inception-pytorch-fid", "inception-spatial"])
def test_the_variants_use_the_weight_files_of_inception(name: str) -> None:
    assert network_weight_files(name) == network_weight_files("inception")
    assert network_info(name).trained_on == network_info("inception").trained_on
