"""The recipe of the demo's generators, at a size that takes seconds."""

import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from fringe.generators import Latents, load_generator

SCRIPT = Path(__file__).parents[2] / "examples" / "train_demo_generator.py"


@pytest.fixture(scope="module")
def recipe() -> ModuleType:
    spec = importlib.util.spec_from_file_location("train_demo_generator", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for it there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("discriminator", ["pixels", "features"])
def test_a_stopped_training_ends_in_the_same_weights(
    recipe: ModuleType, tmp_path: Path, discriminator: str
) -> None:
    settings = recipe.Settings(
        discriminator, resolution=16, photographs=20, images=16, batch=4, snapshots=(8,)
    )
    recipe.train(settings, tmp_path / "whole")
    recipe.train(replace(settings, images=8), tmp_path / "parts")
    recipe.train(settings, tmp_path / "parts")
    for name in ("generator-0000008.safetensors", "generator-0000016.safetensors"):
        whole, parts = (load_file(tmp_path / one / name) for one in ("whole", "parts"))
        assert whole.keys() == parts.keys()
        for tensor in whole:
            assert torch.equal(whole[tensor], parts[tensor]), tensor
    generator = load_generator(tmp_path / "whole" / "generator-0000016.safetensors")
    assert generator.resolution == (16, 16)
    images = np.asarray(generator(Latents(0, generator.z_dim).rows(range(2))))
    assert (images[0] != images[1]).any()
    assert (tmp_path / "whole" / "samples-0000008.jpg").exists()


def test_a_training_moves_the_discriminator_and_the_generator(
    recipe: ModuleType, tmp_path: Path
) -> None:
    settings = recipe.Settings("pixels", resolution=16, photographs=20, images=4, batch=4)
    training = recipe.Training(settings, torch.device("cpu"))
    before = [one.detach().clone() for one in (*training.learned, *training.critic.parameters())]
    real = torch.randint(0, 256, (20, 3, 16, 16), dtype=torch.uint8)
    losses = training.step(0, real)
    after = [one.detach() for one in (*training.learned, *training.critic.parameters())]
    moved = [bool((a != b).any()) for a, b in zip(before, after, strict=True)]
    assert sum(moved) > 0.9 * len(moved)
    assert json.dumps(losses)


def test_augmented_images_are_shifted_and_cut_alike_in_all_channels(recipe: ModuleType) -> None:
    images = torch.rand(8, 1, 16, 16).expand(-1, 3, -1, -1)
    changed = recipe.augmented(images, torch.Generator().manual_seed(3))
    torch.testing.assert_close(changed[:, 0], changed[:, 2])
    empty = (changed == 0).float().mean(dim=(1, 2, 3))
    assert (empty > 0.05).all()
    assert (empty < 0.7).all()


def test_a_blur_keeps_the_mean_and_lowers_the_contrast(recipe: ModuleType) -> None:
    images = torch.zeros(1, 3, 16, 16)
    images[:, :, 8, 8] = 1
    blurred = recipe.blurred(images, 1.5)
    torch.testing.assert_close(blurred.sum(), images.sum(), rtol=1e-4, atol=0)
    assert blurred.max() < 0.1
    assert recipe.blurred(images, 0) is images
