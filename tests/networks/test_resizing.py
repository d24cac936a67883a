"""Resized images compared with those of Pillow."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import functional

from fringe.networks.resizing import (
    IMAGENET,
    normalized,
    resized,
    resized_floats,
    resized_shorter_side,
)

FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    # Black and white next to grey levels: the edges at which kernels overshoot.
    values = np.random.default_rng(seed).integers(-200, 456, (height, width, 3))
    return values.clip(0, 255).astype(np.uint8)


def by_pillow(image: np.ndarray, height: int, width: int, kernel: str) -> torch.Tensor:
    """Resize with Pillow, with the horizontal pass first in all versions of Pillow."""
    wide = Image.fromarray(image).resize((width, len(image)), FILTERS[kernel])
    return tensor(np.asarray(wide.resize((width, height), FILTERS[kernel]))).int()


def tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None]


@pytest.mark.parametrize("kernel", FILTERS)
@pytest.mark.parametrize(
    "shape",
    [(256, 256), (32, 32), (223, 225), (448, 448), (512, 300), (224, 97), (1, 5), (1024, 1000)],
)
def test_resized_pixels_are_those_of_pillow(kernel: str, shape: tuple[int, int]) -> None:
    image = noise(*shape)
    found = resized(tensor(image), (224, 224), kernel)
    assert torch.equal(found, by_pillow(image, 224, 224, kernel))


@pytest.mark.parametrize("kernel", FILTERS)
@pytest.mark.parametrize("shape", [(256, 256), (32, 32), (299, 299), (512, 300), (1, 5)])
def test_floats_are_resized_as_pillow_resizes_channels_of_floats(
    kernel: str, shape: tuple[int, int]
) -> None:
    image = noise(*shape)
    found = resized_floats(tensor(image), (299, 299), kernel)
    for channel in range(3):
        floats = Image.fromarray(image[..., channel].astype(np.float32))  # mode F
        assert floats.mode == "F"
        expected = np.asarray(floats.resize((299, 299), FILTERS[kernel]))
        np.testing.assert_allclose(found[0, channel].numpy(), expected, rtol=0, atol=2e-4)
    if shape == (32, 32) and kernel == "bicubic":
        assert found.max() > 256
        assert (found - found.round()).abs().max() > 0.4


def test_squares_are_resized_as_in_every_version_of_pillow() -> None:
    image = noise(256, 256)
    expected = Image.fromarray(image).resize((224, 224), FILTERS["bicubic"])
    found = resized(tensor(image), (224, 224), "bicubic")
    assert torch.equal(found, tensor(np.asarray(expected)).int())


@pytest.mark.parametrize("shape", [(300, 401), (256, 256), (97, 96), (401, 300)])
def test_the_shorter_side_is_resized_to_the_size_that_torchvision_gives(
    shape: tuple[int, int],
) -> None:
    image = noise(*shape)
    width, height = functional.resize(Image.fromarray(image), [224]).size
    found = resized_shorter_side(tensor(image), 224, "bicubic")
    assert torch.equal(found, by_pillow(image, height, width, "bicubic"))


def test_normalization_is_that_of_torchvision() -> None:
    image = noise(20, 30)
    expected = functional.normalize(functional.to_tensor(Image.fromarray(image)), *IMAGENET)
    assert torch.equal(normalized(tensor(image), *IMAGENET)[0], expected)
