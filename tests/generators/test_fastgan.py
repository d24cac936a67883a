"""FastGAN compared with images of Projected GAN's code and with a slow forward pass."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.generators import reference
from tests.generators.checkpoints import write_fastgan_pickle

from fringe.checkpoints import flatten, read_pickle
from fringe.errors import FringeError
from fringe.generators import fastgan, load_generator
from fringe.generators.base import Inputs


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a generator with 128 x 128 pixels."""
    path = tmp_path_factory.mktemp("generators") / "g.pkl"
    write_fastgan_pickle(path, resolution=128)
    return path


def test_images_equal_those_of_the_published_code(shared: Path) -> None:
    generator = load_generator(shared / "golden/fastgan_small.pkl")
    with np.load(shared / "golden/fastgan_small.npz") as golden:
        still = generator.synthesize(golden["z"], noise="none")
        np.testing.assert_allclose(still, golden["image_without_noise"], rtol=0, atol=1e-4)
        for mode in ("const", "random"):
            torch.manual_seed(int(golden["torch_seed"]))
            noisy = generator.synthesize(golden["z"], noise=mode)
            np.testing.assert_allclose(noisy, golden["image_with_noise"], rtol=0, atol=1e-4)
    assert np.abs(noisy - still).max() > 1


@pytest.mark.parametrize(
    "options",
    [
        {"resolution": 256},
        {"resolution": 128, "ngf": 3},
        {"resolution": 512, "ngf": 3},
        {"resolution": 1024, "z_dim": 16},
        {"resolution": 256, "double_blocks": (8, 32, 128)},
    ],
    ids=str,
)
def test_images_equal_those_of_the_slow_forward_pass(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    write_fastgan_pickle(tmp_path / "g.pkl", **options)
    record = read_pickle(tmp_path / "g.pkl")["G_ema"]
    config, state = fastgan.read(record, "g.pkl")
    stream = torch.Generator().manual_seed(0)
    count = 2 if config.resolution < 1024 else 1
    z = torch.randn(count, config.z_dim, generator=stream)
    sizes = fastgan.traits(config, state).noise_sizes
    noise = tuple(torch.randn(count, 1, *size, generator=stream) for size in sizes or ())
    forward = fastgan.build(config, state, torch.device("cpu"))
    raw = flatten(record, "g.pkl")
    for drawn in (None, noise) if config.resolution < 1024 else (noise,):
        images = forward(Inputs(z, noise=drawn))
        expected = reference.fastgan(raw, z, config.resolution, drawn)
        assert expected.std() > 0.1
        # Each layer amplifies the rounding of the layers before it.
        error = (images - expected).abs().max() / expected.abs().max()
        assert error < 1e-4


def test_a_seed_fixes_noise_in_any_batch(small: Path) -> None:
    generator = load_generator(small)
    z = np.random.default_rng(0).standard_normal((3, 64))
    images = generator(z, seeds=[4, 5, 6])
    for i in range(3):
        np.testing.assert_array_equal(generator(z[i : i + 1], seeds=[4 + i])[0], images[i])
    assert (generator(z, seeds=[5, 5, 6])[0] != images[0]).any()


def test_truncation_is_refused(small: Path) -> None:
    generator = load_generator(small)
    with pytest.raises(FringeError, match=r"generator g \(fastgan\) has no truncation"):
        generator(np.zeros((1, 64)), truncation=0.7)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("feat_8.1.weight_u", None, r"feat_8\.1\.weight_u or weight_v is missing"),
        ("feat_8.1.weight_v", torch.ones(3), "does not fit"),
        ("init.init.1.running_var", None, r"init\.init\.1\.running_var is missing"),
        ("se_64.main.1.weight_orig", None, r"se_64\.main\.1\.weight is missing"),
        ("to_big.bias", torch.ones(4), r"to_big\.bias is torch\.float32 of shape \(4,\)"),
    ],
)
def test_the_message_names_a_tensor_that_does_not_fit(
    small: Path, name: str, value: torch.Tensor | None, message: str
) -> None:
    record = read_pickle(small)["G_ema"]
    *modules, leaf = ("synthesis." + name).split(".")
    module = record
    for part in modules:
        module = module.state["_modules"][part]
    for kind in ("_parameters", "_buffers"):
        if leaf in module.state[kind]:
            if value is None:
                del module.state[kind][leaf]
            else:
                module.state[kind][leaf] = value
            break
    with pytest.raises(FringeError, match=rf"some\.pkl: .*{message}"):
        fastgan.read(record, "some.pkl")


def test_impossible_and_conditional_generators_are_refused(small: Path) -> None:
    record = read_pickle(small)["G_ema"]
    record.state["_modules"]["synthesis"].state["img_resolution"] = 64
    with pytest.raises(FringeError, match="resolutions are 128, 256, 512, 1024"):
        fastgan.read(record, "some.pkl")
    record.state["_modules"]["synthesis"].class_name = "FastganSynthesisCond"
    with pytest.raises(FringeError, match="a conditional FastGAN"):
        fastgan.read(record, "some.pkl")
