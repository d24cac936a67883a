"""The recipe of the demo's generators, at a size that runs in seconds."""

import importlib.util
import sys
from collections.abc import Iterator
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
    sys.modules[spec.name] = module  # dataclasses look up the module there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("features", [False, True])
def test_a_stopped_training_ends_with_the_same_weights(
    recipe: ModuleType, tmp_path: Path, features: bool
) -> None:
    stages = ((16, 8), (32, 24))
    settings = recipe.Settings(stages, features, photographs=20, batch=4, snapshots=(16,))
    recipe.train(settings, tmp_path / "whole")
    for until in (4, 8, 16):
        recipe.train(settings, tmp_path / "parts", until=until)
    recipe.train(settings, tmp_path / "parts")
    for name in ("generator-0000008.safetensors", "generator-0000024.safetensors"):
        whole, parts = (load_file(tmp_path / one / name) for one in ("whole", "parts"))
        assert whole.keys() == parts.keys()
        for tensor in whole:
            assert torch.equal(whole[tensor], parts[tensor]), tensor
    generator = load_generator(tmp_path / "whole" / "generator-0000024.safetensors")
    assert generator.resolution == (32, 32)
    images = np.asarray(generator(Latents(0, generator.z_dim).rows(range(2))))
    assert (images[0] != images[1]).any()
    assert (tmp_path / "whole" / "samples-0000016.jpg").exists()


def test_a_higher_resolution_starts_with_the_same_images_enlarged(
    recipe: ModuleType, tmp_path: Path
) -> None:
    settings = recipe.Settings(((16, 8), (32, 16)), photographs=20, batch=4)
    small, large = (
        recipe.Training(settings, size, torch.device("cpu"), features=False) for size in (16, 32)
    )
    small.step()
    large.restore(small.saved())
    images = []
    for name, training in (("small", small), ("large", large)):
        training.write(tmp_path / name)
        generator = load_generator(tmp_path / name / "generator-0000004.safetensors")
        latents = Latents(0, generator.z_dim).rows(range(2))
        images.append(torch.from_numpy(np.asarray(generator.synthesize(latents))))
    assert images[0].shape == images[1].shape == (2, 3, 32, 32)
    torch.testing.assert_close(images[0], images[1])


def test_a_step_changes_the_discriminators_and_the_generator(recipe: ModuleType) -> None:
    settings = recipe.Settings(((16, 8),), features=True, photographs=20, batch=4)
    training = recipe.Training(settings, 16, torch.device("cpu"), features=True)

    def learned() -> list[torch.Tensor]:
        parts = (training.state.values(), *(part.parameters() for part in training.learning))
        return [one.detach().clone() for part in parts for one in part if one.requires_grad]

    before = learned()
    losses = training.step()
    moved = [bool((a != b).any()) for a, b in zip(before, learned(), strict=True)]
    # Noise of strength 0 has no gradient at first.
    assert sum(moved) > 0.9 * len(moved)
    assert set(losses) == {"discriminator", "discriminator_of_features", "generator"}


def test_augmentation_is_the_same_in_all_channels(recipe: ModuleType) -> None:
    images = torch.rand(8, 1, 16, 16).expand(-1, 3, -1, -1)
    changed = recipe.augmented(images, torch.Generator().manual_seed(3))
    torch.testing.assert_close(changed[:, 0], changed[:, 2])
    empty = (changed == 0).float().mean(dim=(1, 2, 3))
    assert (empty > 0.05).all()
    assert (empty < 0.7).all()
