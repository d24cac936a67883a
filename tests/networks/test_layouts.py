"""Weight files of every network in the layouts of training scripts and hubs are read equally.

The files store one number for each tensor, expanded to the tensor's shape, so they are small.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch_fidelity.feature_extractor_clip import CLIPVisual
from torchvision.models import inception_v3, resnet50, vgg16

from fringe.checkpoints import stream
from fringe.errors import FringeError
from fringe.networks import inception, load_network
from fringe.networks.dinov2 import VisionTransformer
from fringe.networks.weight_files import sha256_of


def without_head() -> nn.Module:
    model = resnet50()
    model.fc = nn.Identity()
    return model


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "inception": inception.architecture,
    "inception-clean": inception.architecture,
    "inception-pytorch-fid": inception.architecture,
    "inception-spatial": inception.architecture,
    "inception-torchvision": lambda: inception_v3(init_weights=False),
    "resnet50": resnet50,
    "swav": without_head,
    "clip": lambda: CLIPVisual(512, 224, 12, 768, 32),
    "clip-l14-336": lambda: CLIPVisual(768, 336, 24, 1024, 14),
    "vgg16": vgg16,
    "vgg16-nvidia": vgg16,
    "dinov2-b": lambda: VisionTransformer(768, 12, 12),
    "dinov2-b-edm2": lambda: VisionTransformer(768, 12, 12),
    "dinov2-l": lambda: VisionTransformer(1024, 24, 16),
    "dinov2-l-edm2": lambda: VisionTransformer(1024, 24, 16),
}


def wrapped(prefix: str) -> Callable[[dict[str, Tensor]], Any]:
    return lambda state: {f"{prefix}{name}": tensor for name, tensor in state.items()}


def half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: one.half() if one.is_floating_point() else one for name, one in state.items()}


LAYOUTS: dict[str, Callable[[dict[str, Tensor]], Any]] = {
    "plain": dict,
    "parallel": wrapped("module."),
    "compiled": wrapped("_orig_mod."),
    "state_dict": lambda state: {"state_dict": state, "args": Path("a")},
    "of Lightning": lambda state: {"state_dict": wrapped("model.")(state), "epoch": 3},
    "half": half,
    "net": lambda state: {"net": wrapped("module._orig_mod.")(state), "acc": torch.ones(())},
}


def thin(model: Callable[[], nn.Module]) -> dict[str, Tensor]:
    """Return the state dict of a network in which every tensor is one expanded number."""
    with torch.device("meta"):
        shapes = model().state_dict()
    return {
        name: torch.full((1,) * like.ndim, 0.25 + (number % 4) / 8, dtype=like.dtype).expand(
            like.shape
        )
        for number, (name, like) in enumerate(shapes.items())
    }


@pytest.fixture(autouse=True)
def no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow tensors that are far larger than the file, which `read_state` otherwise refuses."""
    monkeypatch.setattr(stream.Budget, "view", lambda self, size: None)


@pytest.mark.filterwarnings("ignore:.*not a weight file that was published")
@pytest.mark.parametrize(
    ("name", "layout"),
    [("resnet50", layout) for layout in LAYOUTS]
    + [(name, "net") for name in NETWORKS if name != "resnet50"],
)
def test_every_network_is_read_from_every_layout(tmp_path: Path, name: str, layout: str) -> None:
    path = tmp_path / "own.pth"
    torch.save(LAYOUTS[layout](thin(NETWORKS[name])), path)
    network = load_network(name, path)
    assert (network.name, network.weight_file_sha256) == (name, sha256_of(path, name))


@pytest.mark.filterwarnings("ignore:.*not a weight file that was published")
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_refuses_files_of_two_networks_and_unknown_names(
    tmp_path: Path, name: str
) -> None:
    state = thin(NETWORKS[name])
    path = tmp_path / "own.pth"
    torch.save({"model": state, "model_ema": dict(state)}, path)
    with pytest.raises(FringeError, match=r"own\.pth: contains 2 networks: 'model', 'model_ema'"):
        load_network(name, path)
    torch.save(wrapped("encoder_q.")(state), path)
    with pytest.raises(
        FringeError,
        match=rf"own\.pth: not (only )?the weights of network '{name}'.* is missing.*"
        r"(the file has \d+ tensors: 'encoder_q\.|all tensors exist with the prefix 'encoder_q\.)",
    ):
        load_network(name, path)
    first = next(iter(state))
    torch.save({**state, first: torch.full(state[first].shape, float("nan"))}, path)
    with pytest.raises(FringeError, match=rf"own\.pth: tensor '.*' of network '{name}' holds NaN"):
        load_network(name, path)


@pytest.mark.filterwarnings("ignore:.*not a weight file that was published")
def test_a_module_and_safetensors_give_the_features_of_the_state_dict(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = resnet50()
    path = tmp_path / "own.pth"
    images = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    torch.save(LAYOUTS["compiled"](model.state_dict()), path)
    expected = load_network("resnet50", path)(images).features
    torch.save(model, path)
    assert torch.equal(load_network("resnet50", path)(images).features, expected)
    save_file(model.state_dict(), path)  # its header's length begins like a pickle
    assert path.read_bytes()[:1] == b"\x80"
    assert torch.equal(load_network("resnet50", path)(images).features, expected)
