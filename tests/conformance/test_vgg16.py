"""VGG-16 compared with torch-fidelity's extractor, with the same random weights."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from tests.networks.weight_files import write_vgg16, write_vgg16_of_nvidia
from torch import Tensor
from torch_fidelity.feature_extractor_vgg16 import FeatureExtractorVGG16
from torchvision.models import vgg16

from fringe.checkpoints import read_state
from fringe.errors import FringeError
from fringe.networks import Activations, FeatureNetwork, network_weight_files
from fringe.networks.vgg16 import load, torchvision_names

CPU = torch.device("cpu")
SIDES = 256, 32


@pytest.fixture(scope="module")
def weight_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("weight_file") / "vgg16.pth"
    write_vgg16(path, seed=4)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def network(weight_file: Path) -> FeatureNetwork:
    return load(weight_file, CPU)


@pytest.fixture(scope="module")
def found(network: FeatureNetwork) -> list[Activations]:
    return [network(images(side)) for side in SIDES]


@pytest.fixture(scope="module")
def expected(weight_file: Path) -> list[Tensor]:
    with pytest.MonkeyPatch.context() as patch:
        # Not drawing tensors that are replaced saves seconds.
        patch.setattr("torchvision.models.vgg16", partial(vgg16, init_weights=False))
        reference = FeatureExtractorVGG16(
            "vgg16", ["fc2_relu"], feature_extractor_weights_path=str(weight_file)
        )
    with torch.inference_mode():
        return [reference(images(side))[0] for side in SIDES]


def images(side: int) -> Tensor:
    generator = torch.Generator().manual_seed(side)
    return torch.randint(0, 256, (2, 3, side, side), dtype=torch.uint8, generator=generator)


def test_features_equal_torch_fidelity(
    network: FeatureNetwork, found: list[Activations], expected: list[Tensor]
) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.features.shape == theirs.shape == (2, 4096)
        assert (theirs[0] - theirs[1]).abs().max() > 0.01 * theirs.max()
        assert (ours.features - theirs).abs().max() < 1e-5 * theirs.max()
        assert ours.logits is None
        assert ours.maps is None
    assert (network.name, network.feature_dim, network.class_names) == ("vgg16", 4096, None)


def test_the_two_trainings_have_different_files() -> None:
    (torchvisions,), (nvidias,) = (
        network_weight_files("vgg16"),
        network_weight_files("vgg16-nvidia"),
    )
    assert (torchvisions.name, nvidias.name) == ("vgg16-397923af.pth", "vgg16.pt")
    assert torchvisions.sha256 != nvidias.sha256


def test_features_are_after_the_last_relu(found: list[Activations]) -> None:
    for ours in found:
        assert (ours.features >= 0).all()
        assert 0.1 < (ours.features == 0).double().mean() < 0.9


def test_nvidias_archive_is_read_as_torchvisions_state_dict(tmp_path: Path) -> None:
    with torch.device("meta"):
        names = vgg16().state_dict()
    state = {name: torch.full((2,), float(i)) for i, name in enumerate(names)}
    path = tmp_path / "vgg16.pt"
    write_vgg16_of_nvidia(path, state)
    found = torchvision_names(read_state(path))
    assert {name for name in found if name not in state} == {"lpips0", "lpips4"}
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())


def test_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vgg13.pth"
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, path)
    with pytest.raises(FringeError, match=r"vgg13\.pth: not .*'vgg16': .*'features\.0\.bias' is m"):
        load(path, CPU)
