"""The arguments and results of a generator, and the inputs on which an image depends."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.generators.checkpoints import write_fastgan_pickle, write_stylegan2_pickle

from fringe.errors import FringeError
from fringe.generators import Generator, Latents, load_generator
from fringe.generators.base import Inputs


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    path = tmp_path_factory.mktemp("generators") / "plain.pkl"
    write_stylegan2_pickle(path, resolution=16)
    return load_generator(path)


@pytest.fixture(scope="module")
def conditional(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    path = tmp_path_factory.mktemp("generators") / "conditional.pkl"
    write_stylegan2_pickle(path, resolution=16, c_dim=3, img_channels=1)
    return load_generator(path)


@pytest.fixture(scope="module")
def fastgan(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    path = tmp_path_factory.mktemp("generators") / "fastgan.pkl"
    write_fastgan_pickle(path, resolution=128, z_dim=16)
    return load_generator(path)


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


Z = Latents(0, 16).rows(range(7))


def test_the_attributes_of_a_generator(plain: Generator, conditional: Generator) -> None:
    assert (plain.name, plain.kind, plain.z_dim, plain.n_classes) == ("plain", "stylegan2", 16, 0)
    assert (plain.resolution, plain.channels) == ((16, 16), 3)
    assert (conditional.n_classes, conditional.channels) == (3, 1)
    assert plain.sha256 != conditional.sha256


def test_uint8_is_the_float_image_quantized_as_released(plain: Generator) -> None:
    floats, images = plain.synthesize(Z), plain(Z)
    assert floats.dtype == np.float32
    expected = np.trunc(np.clip(floats * np.float32(127.5) + 128, 0, 255)).astype(np.uint8)
    np.testing.assert_array_equal(images, expected)


@pytest.mark.parametrize("method", ["__call__", "synthesize"])
def test_images_are_tensors_for_tensors_and_arrays_for_arrays(
    plain: Generator, method: str
) -> None:
    make = getattr(plain, method)
    array, tensor = make(Z), make(torch.from_numpy(Z))
    assert isinstance(array, np.ndarray)
    assert isinstance(tensor, torch.Tensor)
    assert array.shape == (7, 3, 16, 16)
    assert tensor.is_contiguous()
    np.testing.assert_array_equal(array, tensor.numpy())
    np.testing.assert_array_equal(array, make(Z.astype(np.float32)))


@pytest.mark.parametrize(
    "options", [{}, {"noise": "none", "truncation": 0.5}, {"noise": "random", "seeds": range(7)}]
)
@pytest.mark.parametrize("kind", ["plain", "conditional", "fastgan"])
def test_bits_do_not_depend_on_the_batch_or_the_number_of_threads(
    kind: str, options: dict[str, Any], request: pytest.FixtureRequest, threads: None
) -> None:
    generator: Generator = request.getfixturevalue(kind)
    seeds = np.asarray(options.get("seeds", range(7)))
    labels = np.arange(7) % 3 if generator.n_classes else None
    options = {**options, "truncation": options.get("truncation", 1.0)}
    if kind == "fastgan":
        options["truncation"] = 1.0
    torch.set_num_threads(1)
    whole = generator.synthesize(Z, labels=labels, **{**options, "seeds": seeds})
    for count, size in ((1, 1), (2, 7), (2, 3)):
        torch.set_num_threads(count)
        for start in range(0, 7, size):
            part = slice(start, start + size)
            images = generator.synthesize(
                Z[part],
                labels=None if labels is None else labels[part],
                **{**options, "seeds": seeds[part]},
            )
            np.testing.assert_array_equal(images, whole[part])
        assert torch.get_num_threads() == count


def test_noise_modes_differ_and_random_noise_changes(plain: Generator) -> None:
    const, none = plain.synthesize(Z), plain.synthesize(Z, noise="none")
    first, second = (plain.synthesize(Z, noise="random") for _ in range(2))
    images = [const, none, first, second]
    for i, one in enumerate(images):
        for other in images[:i]:
            assert np.abs(one - other).max() > 0.01
    np.testing.assert_array_equal(const, plain.synthesize(Z, seeds=range(7)))


def test_seeded_noise_does_not_change_the_global_generator(plain: Generator) -> None:
    state = torch.random.get_rng_state()
    plain(Z, noise="random", seeds=range(7))
    assert torch.equal(state, torch.random.get_rng_state())


def test_truncation_makes_images_more_similar(plain: Generator) -> None:
    spread = [plain.synthesize(Z, truncation=psi).std(axis=0).mean() for psi in (1.0, 0.5, 0.0)]
    assert spread[0] > spread[1] > spread[2]
    assert spread[2] < 1e-6


def test_labels_as_indices_and_one_hot_are_the_same(conditional: Generator) -> None:
    classes = np.array([0, 1, 2, 2, 1, 0, 0])
    images = conditional.synthesize(Z, labels=classes)
    np.testing.assert_array_equal(images, conditional.synthesize(Z, labels=np.eye(3)[classes]))
    np.testing.assert_array_equal(images, conditional.synthesize(Z, labels=torch.tensor(classes)))
    np.testing.assert_array_equal(images, conditional.synthesize(Z, labels=classes.tolist()))
    other = conditional.synthesize(Z, labels=(classes + 1) % 3)
    assert (np.abs(images - other).max(axis=(1, 2, 3)) > 1e-3).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"latents": Z[:, :5]}, r"latents of shape \(N, 16\), N at least 1, not .* \(7, 5\)"),
        ({"latents": Z[:0]}, r"N at least 1"),
        ({"latents": Z[0]}, r"latents of shape"),
        ({"labels": [0] * 7}, "takes no labels"),
        ({"truncation": float("nan")}, "truncation nan"),
        ({"cutoff": -1}, "cutoff -1"),
        ({"noise": "constant"}, "unknown noise 'constant'; choose one of const, random, none"),
        ({"noise": "random", "seeds": [1, 2]}, r"7 images need 7 noise seeds, .* \(2,\)"),
    ],
)
def test_bad_arguments_are_refused(plain: Generator, options: dict[str, Any], message: str) -> None:
    with pytest.raises(FringeError, match=message):
        plain(**{"latents": Z, **options})


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, r"conditional is conditional: give labels, a one-hot \(7, 3\) .* from 0 to 2"),
        ([0, 1, 2, 3, 0, 0, 0], "class 3 is unknown .* its classes are 0 to 2"),
        ([0, 1, -1, 2, 0, 0, 0], "class -1 is unknown"),
        (np.zeros((7, 4)), r"takes labels of shape \(7, 3\)"),
        (np.zeros(7), r"class indices of shape \(7,\), not torch.float64 of shape \(7,\)"),
        ([0, 1], r"not torch.int64 of shape \(2,\)"),
    ],
)
def test_bad_labels_are_refused(conditional: Generator, labels: Any, message: str) -> None:
    with pytest.raises(FringeError, match=message):
        conditional(Z, labels=labels)


@pytest.mark.parametrize("method", ["__call__", "synthesize"])
@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), float("-inf")])
def test_an_image_that_is_not_finite_is_named(plain: Generator, method: str, wrong: float) -> None:
    def forward(inputs: Inputs) -> torch.Tensor:
        images = plain.forward(inputs)
        images[3:5, 1, 2, 0] = wrong
        return images

    make = getattr(replace(plain, forward=forward), method)
    with pytest.raises(FringeError, match=r"^generator plain: image 3 holds NaN"):
        make(Z)
    with pytest.raises(FringeError, match=r"^photo 9 holds .* in float32 \(`fp16: false`\)$"):
        make(Z, called=lambda row: f"photo {3 * row}")
    assert len(make(Z[:3])) == 3


def test_huge_finite_values_are_accepted(plain: Generator) -> None:
    white = replace(plain, forward=lambda inputs: torch.full_like(plain.forward(inputs), 3e38))
    assert (white(Z) == 255).all()
