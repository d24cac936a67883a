"""CLIP's image tower compared with that of torch-fidelity, on an archive in OpenAI's format."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.networks.weight_files import write_clip
from torch import Tensor
from torch_fidelity.feature_extractor_clip import FeatureExtractorCLIP
from torchvision.transforms import functional

from fringe.checkpoints import read_state
from fringe.errors import FringeError
from fringe.networks import Activations, FeatureNetwork
from fringe.networks.clip import MEAN, STD, load, load_l14_336, preprocess

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "ViT-B-32.pt"
    write_clip(path, seed=3)
    return path


@pytest.fixture(scope="module")
def network(archive: Path) -> FeatureNetwork:
    return load(archive, CPU)


@pytest.fixture(scope="module")
def found(network: FeatureNetwork) -> Activations:
    """Return the activations of images that are not resized."""
    return network(images(224, 224))


@pytest.fixture(scope="module")
def reference(archive: Path) -> FeatureExtractorCLIP:
    """Return torch-fidelity's extractor, which loads the archive with torch.jit."""
    return FeatureExtractorCLIP(
        "clip-vit-b-32", ["clip"], feature_extractor_weights_path=str(archive)
    )


def images(height: int, width: int, count: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(height)
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator)


def assert_close(ours: Tensor, theirs: Tensor) -> None:
    """Compare to 1e-5 of the largest value."""
    assert ours.shape == theirs.shape
    assert theirs.std() > 0.01 * theirs.abs().max()
    assert (theirs[0] - theirs[1]).abs().max() > 0.01 * theirs.abs().max()
    assert (ours - theirs).abs().max() < 1e-5 * theirs.abs().max()


def test_features_of_images_that_are_not_resized_equal_torch_fidelity(
    found: Activations, reference: FeatureExtractorCLIP
) -> None:
    with torch.inference_mode():
        (expected,) = reference(images(224, 224))
    assert_close(found.features, expected)
    assert found.logits is None
    assert found.maps is None


@pytest.mark.parametrize("shape", [(256, 256), (90, 120)])
def test_features_equal_torch_fidelity_on_input_prepared_with_pillow(
    network: FeatureNetwork, reference: FeatureExtractorCLIP, shape: tuple[int, int]
) -> None:
    batch = images(*shape)
    pixels = torch.stack([by_pillow(image) for image in batch])
    with torch.inference_mode():
        expected = reference.model.visual(pixels)
    assert torch.equal(preprocess(batch), pixels)
    assert_close(network(batch).features, expected)


def by_pillow(image: Tensor, size: int = 224) -> Tensor:
    """Prepare one image as OpenAI does: Resize, CenterCrop, ToTensor, Normalize."""
    picture = functional.to_pil_image(image)
    bicubic = functional.InterpolationMode.BICUBIC
    square = functional.center_crop(functional.resize(picture, [size], bicubic), [size])
    assert isinstance(square, Image.Image)
    return functional.normalize(functional.to_tensor(square), MEAN, STD)


def test_features_are_not_normalized(network: FeatureNetwork, found: Activations) -> None:
    lengths = found.features.norm(dim=1)
    assert (lengths > 2).all()
    assert (network.name, network.feature_dim, network.class_names) == ("clip", 512, None)


@pytest.mark.parametrize("kept", ["whole model", "image tower"])
def test_a_plain_state_dict_gives_the_same_features(
    archive: Path, found: Activations, tmp_path: Path, kept: str
) -> None:
    state = read_state(archive)
    if kept == "image tower":
        state = {k.removeprefix("visual."): v for k, v in state.items() if k.startswith("visual.")}
    path = tmp_path / "clip.pth"
    torch.save(state, path)
    assert torch.equal(load(path, CPU)(images(224, 224)).features, found.features)


def test_another_clip_is_refused(archive: Path, tmp_path: Path) -> None:
    state = read_state(archive)
    state["visual.conv1.weight"] = torch.zeros(768, 3, 16, 16)
    path = tmp_path / "ViT-B-16.pth"
    torch.save(state, path)
    with pytest.raises(FringeError, match=r"B-16\.pth: not .*'conv1\.weight'.*\(768, 3, 32, 32\)"):
        load(path, CPU)


def test_split_is_at_the_last_attention(
    network: FeatureNetwork, reference: FeatureExtractorCLIP
) -> None:
    batch = images(90, 120)
    assert network.split is not None
    with torch.no_grad():
        maps, rest = network.split(batch)
    maps.requires_grad_()
    found = rest(maps).features
    assert maps.shape == (2, 768, 7, 7)

    # The complete tower of torch-fidelity, whose tokens are the first axis, and the tower cut where
    # the block normalizes.
    tower = reference.model.visual.requires_grad_(False)
    cut = []

    def normalized(*call: Tensor) -> Tensor:
        cut.append(call[2].detach().requires_grad_())
        return cut[0]

    handle = tower.transformer.resblocks[-1].ln_1.register_forward_hook(normalized)
    expected = tower(torch.stack([by_pillow(image) for image in batch]))
    handle.remove()
    assert_close(found.detach(), expected.detach())
    slopes = torch.randn(expected.shape, generator=torch.Generator().manual_seed(0))
    (theirs,) = torch.autograd.grad(expected, cut[0], slopes)
    (ours,) = torch.autograd.grad(found, maps, slopes)
    assert_close(maps.detach(), as_maps(cut[0].detach()))
    assert_close(ours, as_maps(theirs))


def as_maps(tokens: Tensor) -> Tensor:
    """Return tokens (50, N, 768), the class token and rows of patches, as maps (N, 768, 7, 7)."""
    return tokens[1:].permute(1, 2, 0).reshape(-1, 768, 7, 7)


@pytest.fixture(scope="module")
def large_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "ViT-L-14-336px.pt"
    write_clip(path, seed=4, **LARGE)
    return path


LARGE = {"dim": 768, "size": 336, "layers": 24, "width": 1024, "patch": 14}


def test_large_equals_torch_fidelity(large_archive: Path) -> None:
    """The pixels are prepared by Pillow."""
    network = load_l14_336(large_archive, CPU)
    reference = FeatureExtractorCLIP(
        "clip-vit-l-14-336px", ["clip"], feature_extractor_weights_path=str(large_archive)
    )
    other = images(150, 200)
    pixels = torch.stack([by_pillow(image, 336) for image in other])
    assert torch.equal(preprocess(other, 336), pixels)
    with torch.inference_mode():
        of_others = reference.model.visual(pixels)
    assert of_others.shape == (2, 768)
    found = network(other)
    assert_close(found.features, of_others)
    assert (found.features.norm(dim=1) > 2).all(), "not normalized"
    assert (network.name, network.feature_dim, network.class_names) == ("clip-l14-336", 768, None)
    assert network.split is not None
    with torch.no_grad():
        maps, rest = network.split(other)
        assert maps.shape == (2, 1024, 24, 24)
        assert_close(rest(maps).features, of_others)


@pytest.mark.parametrize("side", [64, 256, 512])
def test_square_images_become_the_pixels_of_cmmd(side: int) -> None:
    """cmmd-pytorch crops the central square, then resizes with Pillow's bicubic and normalizes."""
    (image,) = images(side, side, count=1)
    picture = functional.to_pil_image(image).resize((336, 336), resample=Image.Resampling.BICUBIC)
    values = np.asarray(picture).astype(np.float32) / 255
    expected = (values - np.float32(MEAN)) / np.float32(STD)
    found = preprocess(image[None], 336)[0].permute(1, 2, 0)
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-6)


def test_the_large_model_is_not_loaded_as_the_base_model(large_archive: Path) -> None:
    with pytest.raises(FringeError, match=r"'class_embedding'.*\(1024,\), expected .*\(768,\)"):
        load(large_archive, CPU)
