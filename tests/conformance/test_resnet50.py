"""ResNet-50 and SwAV compared with torchvision's model, on random weights in official formats."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.networks.weight_files import write_resnet50, write_swav
from torch import Tensor
from torchvision.models import ResNet50_Weights, resnet50
from torchvision.transforms import functional

from fringe.errors import FringeError
from fringe.networks import FeatureNetwork
from fringe.networks.resizing import IMAGENET
from fringe.networks.resnet50 import load, load_swav

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def classifier_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "resnet50.pth"
    write_resnet50(path, seed=1)
    return path


@pytest.fixture(scope="module")
def swav_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "swav.pth.tar"
    write_swav(path, seed=2)
    return path


@pytest.fixture(scope="module")
def classifier(classifier_file: Path) -> FeatureNetwork:
    return load(classifier_file, CPU)


@pytest.fixture(scope="module")
def swav(swav_file: Path) -> FeatureNetwork:
    return load_swav(swav_file, CPU)


def images(height: int, width: int, count: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(height)
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator)


def assert_close(ours: Tensor | None, theirs: Tensor) -> None:
    """Compare to 1e-5 of the largest value."""
    assert ours is not None
    assert ours.shape == theirs.shape
    assert theirs.std() > 0.01 * theirs.abs().max()
    assert (ours - theirs).abs().max() < 1e-5 * theirs.abs().max()


def judged(model: torch.nn.Module, pixels: Tensor) -> dict[str, Tensor]:
    """Run torchvision's model unchanged, and record its last maps and pooled features."""
    seen: dict[str, Tensor] = {}
    model.layer4.register_forward_hook(lambda *call: seen.update(maps=call[2]))
    model.avgpool.register_forward_hook(lambda *call: seen.update(features=call[2].flatten(1)))
    with torch.inference_mode():
        seen["logits"] = model.eval()(pixels)
    return seen


@pytest.mark.parametrize("shape", [(256, 256), (100, 150)])
def test_resnet50_equals_torchvision_with_its_preset(
    classifier_file: Path, classifier: FeatureNetwork, shape: tuple[int, int]
) -> None:
    with torch.device("meta"):
        model = resnet50()
    model.load_state_dict(torch.load(classifier_file, weights_only=True), assign=True)
    batch = images(*shape)
    expected = judged(model, ResNet50_Weights.IMAGENET1K_V1.transforms()(batch))
    found = classifier(batch)
    assert_close(found.features, expected["features"])
    assert_close(found.logits, expected["logits"])
    assert_close(found.maps, expected["maps"])
    assert expected["maps"].shape == (2, 2048, 7, 7)


def test_at_256_pixels_the_preset_gives_the_same_for_tensors_and_for_pillow_images() -> None:
    # The paper's images have 256 pixels, so it does not matter which preset the paper used.
    preset = ResNet50_Weights.IMAGENET1K_V1.transforms()
    image = images(256, 256, count=1)
    assert torch.equal(preset(image)[0], preset(functional.to_pil_image(image[0])))


def test_resnet50_names_the_classes_of_its_logits(classifier: FeatureNetwork) -> None:
    assert classifier.class_names is not None
    assert len(classifier.class_names) == 1000
    assert classifier.class_names[0] == "tench"
    assert (classifier.name, classifier.feature_dim) == ("resnet50", 2048)


@pytest.mark.parametrize("shape", [(256, 256), (60, 90)])
def test_swav_equals_torchvision_with_the_same_weights(
    swav_file: Path, swav: FeatureNetwork, shape: tuple[int, int]
) -> None:
    with torch.device("meta"):
        model = resnet50()
    model.fc = torch.nn.Identity()
    state = torch.load(swav_file, weights_only=True)
    heads = "module.projection_head", "module.prototypes"
    model.load_state_dict(
        {k.removeprefix("module."): v for k, v in state.items() if not k.startswith(heads)},
        assign=True,
    )
    batch = images(*shape)
    pixels = torch.stack([by_pillow(image) for image in batch])
    expected = judged(model, pixels)
    found = swav(batch)
    assert_close(found.features, expected["features"])
    assert_close(found.maps, expected["maps"])
    assert found.logits is None
    assert (swav.name, swav.feature_dim, swav.class_names) == ("swav", 2048, None)


def by_pillow(image: Tensor) -> Tensor:
    """Prepare one image as in SwAV's evaluation: Resize(224), ToTensor, Normalize."""
    picture = functional.to_pil_image(image)
    bilinear = functional.InterpolationMode.BILINEAR
    resized = functional.resize(picture, [224], bilinear)
    assert isinstance(resized, Image.Image)
    return functional.normalize(functional.to_tensor(resized), *IMAGENET)


def test_swav_is_also_loaded_without_its_prefix(
    swav_file: Path, swav: FeatureNetwork, tmp_path: Path
) -> None:
    state = torch.load(swav_file, weights_only=True)
    path = tmp_path / "swav.pth"
    torch.save({k.removeprefix("module."): v for k, v in state.items()}, path)
    batch = images(64, 64, count=1)
    assert torch.equal(load_swav(path, CPU)(batch)[0], swav(batch)[0])


def test_a_file_of_swav_is_not_loaded_as_the_classifier(swav_file: Path) -> None:
    with pytest.raises(FringeError, match=r"swav\.pth\.tar: not .*'resnet50': .*'conv1\.weight'"):
        load(swav_file, CPU)


def test_the_classifier_is_not_loaded_as_swav(classifier_file: Path) -> None:
    with pytest.raises(FringeError, match=r"resnet50\.pth: not .*'swav': .*'fc\.weight'"):
        load_swav(classifier_file, CPU)


def test_the_bits_of_an_image_do_not_depend_on_the_batch(classifier: FeatureNetwork) -> None:
    batch = images(64, 64, count=6)
    assert torch.equal(classifier(batch).features[4:5], classifier(batch[4:5]).features)
