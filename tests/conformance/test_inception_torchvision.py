"""torchvision's Inception-V3 compared with torchvision, on random weights."""

import hashlib
from pathlib import Path

import pytest
import torch
from tests.networks.inception_files import images
from tests.networks.weight_files import random_state
from torch import Tensor, nn
from torchvision.models import inception_v3
from torchvision.transforms import functional

from fringe.errors import FringeError
from fringe.networks import FeatureNetwork
from fringe.networks.inception_torchvision import load
from fringe.networks.resizing import IMAGENET

CPU = torch.device("cpu")


def original() -> nn.Module:
    """Return the network as torchvision builds it for its published weights."""
    return inception_v3(aux_logits=True, transform_input=True, init_weights=False)


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    with torch.device("meta"):
        shapes = original().state_dict()
    return random_state(shapes, seed=1)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, state: dict[str, Tensor]) -> Path:
    path = tmp_path_factory.mktemp("weights") / "inception_v3_google.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def network(file: Path) -> FeatureNetwork:
    return load(file, CPU)


@pytest.mark.parametrize("shape", [(256, 256), (299, 299), (500, 400)])
def test_activations_equal_torchvision(
    network: FeatureNetwork, state: dict[str, Tensor], shape: tuple[int, int]
) -> None:
    batch = images(*shape)
    ours = network(batch)

    with torch.device("meta"):
        model = original()
    model.load_state_dict(state, assign=True)
    seen: dict[str, Tensor] = {}
    model.Mixed_7c.register_forward_hook(lambda *call: seen.update(maps=call[2]))
    model.avgpool.register_forward_hook(lambda *call: seen.update(features=call[2].flatten(1)))
    pixels = functional.resize(batch.float() / 255, [299, 299], antialias=True)
    with torch.inference_mode():
        seen["logits"] = model.eval()(functional.normalize(pixels, *IMAGENET))

    assert seen["maps"].shape == (2, 2048, 8, 8)
    for space, theirs in seen.items():
        found = getattr(ours, space)
        assert found.shape == theirs.shape
        assert theirs.std() > 0.01 * theirs.abs().max()
        assert (theirs[0] - theirs[1]).abs().max() > 0.01 * theirs.abs().max()
        assert (found - theirs).abs().max() < 1e-5 * theirs.abs().max()


def test_the_attributes_of_the_network(network: FeatureNetwork, file: Path) -> None:
    assert network.weight_file_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert network.class_names is not None
    assert network.class_names[457] == "bow tie"


def test_weights_of_tensorflows_network_are_refused(
    tmp_path: Path, state: dict[str, Tensor]
) -> None:
    path = tmp_path / "weights.pth"
    columns = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    torch.save(state | columns, path)
    with pytest.raises(FringeError, match=r"weights\.pth: .*'fc\.weight' is .*\(1000, 2048\)"):
        load(path, CPU)
