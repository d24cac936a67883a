"""Models of timm as networks compared with timm, on random weights: one of each family."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from fringe.networks import FeatureNetwork, load_network, network_info
from fringe.networks.timm_networks import load

pytest.importorskip("timm")

from tests.networks.timm_files import prepared, random_model, write_model

CPU = torch.device("cpu")
# The shape of the maps, and whether features are exactly their mean.
FAMILIES = {
    "vit_tiny_patch16_224.augreg_in21k_ft_in1k": ((192, 14, 14), False),
    "vit_small_patch14_reg4_dinov2.lvd142m": ((384, 37, 37), False),
    "vit_small_patch16_dinov3.lvd1689m": ((384, 16, 16), True),
    "vit_base_patch16_siglip_224.webli": ((768, 14, 14), False),
    "vit_xsmall_patch16_clip_224.tinyclip_yfcc15m": ((256, 14, 14), False),
    "eva02_tiny_patch14_224.mim_in22k": ((192, 16, 16), False),
    "convnextv2_atto.fcmae_ft_in1k": ((320, 7, 7), False),
    "swin_tiny_patch4_window7_224.ms_in1k": ((768, 7, 7), True),
    "resnet18.a1_in1k": ((512, 7, 7), True),
    "mobilenetv4_conv_small.e2400_r224_in1k": ((960, 7, 7), False),
    "hiera_tiny_224.mae": (None, False),
}


def images(height: int = 250, width: int = 250, count: int = 2) -> Tensor:
    """Return noisy images of two colours."""
    stream = torch.Generator().manual_seed(height)
    colours = torch.randint(0, 256, (count, 3, 1, 1), generator=stream)
    noise = torch.randint(-100, 100, (count, 3, height, width), generator=stream)
    return (colours + noise).clamp(0, 255).to(torch.uint8)


def assert_close(ours: Tensor, theirs: Tensor) -> None:
    """Compare to 1e-5 of the largest value, and check that images differ."""
    assert ours.shape == theirs.shape
    assert (theirs[0] - theirs[1]).abs().max() > 1e-3 * theirs.abs().max()
    assert (ours - theirs).abs().max() < 1e-5 * theirs.abs().max()


@pytest.mark.parametrize("model", FAMILIES)
def test_activations_equal_timm(tmp_path: Path, model: str) -> None:
    judge = random_model(model, seed=3)
    path = tmp_path / "model.safetensors"
    write_model(judge, path)
    batch = images()
    pixels = prepared(judge, batch)
    with torch.inference_mode():
        last = judge.forward_features(pixels)
        features = judge.forward_head(last, pre_logits=True)
        logits = judge(pixels)
    network = load_network(f"timm:{model}", path)
    info = network_info(f"timm:{model}")
    found = network(batch)
    assert_close(found.features, features)
    assert info.feature_dim == features.shape[1]
    if info.n_classes is None:
        assert found.logits is None
    else:
        assert found.logits is not None
        assert_close(found.logits, logits)
        assert network.classifier is not None
        bias = found.logits - found.features @ network.classifier.T
        assert (bias[0] - bias[1]).abs().max() < 1e-4 * logits.abs().max()
    shape, is_mean = FAMILIES[model]
    assert info.maps == (shape is not None)
    assert (found.maps is not None) == is_mean
    assert (network.split is not None) == (shape is not None and not is_mean)
    if is_mean and found.maps is not None:
        assert found.maps.shape == (2, *shape)
        assert_close(found.maps.mean((2, 3)), features)
    elif shape is not None:
        assert_split(network, batch, features, found.logits, shape)


def assert_split(
    network: FeatureNetwork,
    batch: Tensor,
    features: Tensor,
    logits: Tensor | None,
    shape: tuple[int, ...],
) -> None:
    """Check that the maps give the same features, and that the features depend on each map."""
    assert network.split is not None
    with torch.no_grad():
        maps, rest = network.split(batch)
    assert maps.shape == (2, *shape)
    maps = maps.clone().requires_grad_()
    again = rest(maps)
    assert_close(again.features.detach(), features)
    if logits is not None:
        assert again.logits is not None
        assert_close(again.logits.detach(), logits)
    slopes = torch.randn(features.shape, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(again.features, maps, slopes)
    largest = gradient.abs().amax((1, 2, 3), keepdim=True)
    # The head may have an activation whose gradient is zero for some values.
    assert ((gradient.abs() > 1e-6 * largest).double().mean((1, 2, 3)) > 0.2).all()


@pytest.mark.parametrize("model", ["vit_tiny_patch16_224.augreg_in21k_ft_in1k"])
def test_gradient_of_a_class_token_is_that_of_the_whole_model(tmp_path: Path, model: str) -> None:
    """Compare timm's complete model with the model cut where the last block normalizes."""
    judge = random_model(model, seed=4)
    path = tmp_path / "model.safetensors"
    write_model(judge, path)
    batch = images()
    cut: list[Tensor] = []

    def normalized(*call: Tensor) -> Tensor:
        cut.append(call[2].detach().requires_grad_())
        return cut[0]

    judge.blocks[-1].norm1.register_forward_hook(normalized)
    expected = judge.forward_head(judge.forward_features(prepared(judge, batch)), pre_logits=True)
    slopes = torch.randn(expected.shape, generator=torch.Generator().manual_seed(0))
    (theirs,) = torch.autograd.grad(expected, cut[0], slopes)
    network = load(f"timm:{model}", path, CPU)
    assert network.split is not None
    with torch.no_grad():
        maps, rest = network.split(batch)
    maps.requires_grad_()
    (ours,) = torch.autograd.grad(rest(maps).features, maps, slopes)
    assert_close(ours, theirs[:, 1:].transpose(1, 2).reshape(2, 192, 14, 14))


def test_tensors_that_timm_ignores_are_ignored(tmp_path: Path) -> None:
    """The files of DINOv2 have a token for training, which timm's function for files removes."""
    model = "vit_small_patch14_dinov2.lvd142m"
    state = random_model(model, seed=5).state_dict()
    path = tmp_path / "own.safetensors"
    save_file({**state, "mask_token": torch.zeros(1, 384)}, path)
    assert load(f"timm:{model}", path, CPU).feature_dim == 384
