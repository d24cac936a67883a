"""Explanations, compared with plain autograd of FID and of class probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.dag.tiny_network import TinyNetwork
from tests.networks.weight_files import write_dinov2
from torch import Tensor

from fringe.errors import FringeError
from fringe.metrics import Gaussian
from fringe.networks import Activations, FeatureNetwork, load_network
from fringe.networks.dinov2 import load_transformer
from fringe.sensitivity import explain, fid_gradient, look_closely
from fringe.sensitivity.explaining import explain_classes

CPU = torch.device("cpu")
K, D, OTHERS = 6, 5, 30  # channels of maps, features, and the other generated images

Rest = Callable[[Tensor], Activations]


def random(*shape: int, seed: int) -> Tensor:
    stream = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=stream, dtype=torch.float64)


def images(count: int, seed: int = 0, size: int = 24) -> Tensor:
    stream = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=stream)


def maps_of(images: Tensor) -> Tensor:
    """Return some maps (N, K, 3, 4) of images."""
    small = torch.nn.functional.adaptive_avg_pool2d(images.double() / 16 - 8, (3, 4))
    return torch.einsum("nchw,kc->nkhw", small, random(K, 3, seed=1)).relu()


def pooled(maps: Tensor, classes: int) -> Activations:
    features = maps.mean((2, 3))
    return Activations(features, features @ random(classes, K, seed=2).T if classes else None)


def attentive(maps: Tensor, classes: int) -> Activations:
    """Attention of one query to all places, like a class token."""
    tokens = maps.flatten(2).transpose(1, 2)
    looks = (tokens @ random(K, seed=3)).softmax(1)
    features = torch.tanh((looks[..., None] * tokens).sum(1) @ random(K, D, seed=4) / 4)
    return Activations(features, features @ random(classes, D, seed=5).T if classes else None)


def small(kind: str, classes: int = 4) -> tuple[FeatureNetwork, Rest]:
    """Return a network, and the function from its maps to features and logits, in float64."""
    rest = partial({"pooled": pooled, "attentive": attentive}[kind], classes=classes)
    dim = K if kind == "pooled" else D
    names = tuple(map(str, range(classes))) or None
    if kind == "attentive":

        def split(images: Tensor) -> tuple[Tensor, Rest]:
            return maps_of(images), rest

        def forward(images: Tensor) -> Activations:
            raise AssertionError("one pass is enough")

        return FeatureNetwork(kind, dim, names, "0" * 64, CPU, forward, split=split), rest

    def pooling(images: Tensor) -> Activations:
        maps = maps_of(images)
        return rest(maps)._replace(maps=maps)

    # A user's weights may still require gradients.
    head = random(classes, K, seed=2).requires_grad_() if classes else None
    return FeatureNetwork(kind, dim, names, "0" * 64, CPU, pooling, classifier=head), rest


def fid(real: Tensor, generated: Tensor, null: int = 0) -> Tensor:
    """Return FID of rows, from a symmetric eigenproblem without its ``null`` zero eigenvalues."""
    values, vectors = torch.linalg.eigh(torch.cov(real.T))
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    R, S = torch.cov(real.T), torch.cov(generated.T)
    shared = torch.linalg.eigvalsh(root @ S @ root)[null:].sqrt().sum()
    return (real.mean(0) - generated.mean(0)).square().sum() + (R + S).trace() - 2 * shared


def by_plain_autograd(
    maps: Tensor, rest: Rest, real: Tensor, others: Tensor, null: int = 0
) -> np.ndarray:
    """Return the sensitivity map of each image, added separately to ``others`` (Equation 2)."""
    A = maps.clone().requires_grad_()
    features = rest(A).features.double()
    found = []
    for image in range(len(A)):
        value = fid(real, torch.cat([others, features[image : image + 1]]), null)
        (gradient,) = torch.autograd.grad(value, A, retain_graph=True)
        assert not gradient[torch.arange(len(A)) != image].any()
        alpha = gradient[image].double().square().mean((1, 2))
        found.append((alpha[:, None, None] * maps[image].double()).sum(0))
    return torch.stack(found).numpy()


def exact(real: Tensor, others: Tensor) -> Callable[[np.ndarray], np.ndarray]:
    return partial(
        fid_gradient,
        real=Gaussian.from_features(real.numpy()),
        generated=Gaussian.from_features(others.numpy()),
        n=len(others) + 1,
    )


def assert_close(found: np.ndarray | None, expected: np.ndarray, share: float = 1e-5) -> None:
    """Compare with a tolerance relative to the largest value of each image. Places must differ."""
    assert found is not None
    assert found.dtype == np.float64
    assert found.shape == expected.shape
    scale = np.abs(expected).max(axis=(1, 2))
    assert (np.ptp(expected, axis=(1, 2)) > 0.1 * scale).all()
    assert (np.abs(found - expected).max(axis=(1, 2)) < share * scale).all()


@pytest.fixture(params=["pooled", "attentive"])
def kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


def features_of(rest: Rest, batch: Tensor) -> Tensor:
    return rest(maps_of(batch)).features


def test_maps_equal_plain_autograd(kind: str) -> None:
    network, rest = small(kind)
    real, others = features_of(rest, images(40, 1)), features_of(rest, images(OTHERS, 2))
    batch = images(4)
    found = explain(network, batch, exact(real, others))
    assert_close(found.maps, by_plain_autograd(maps_of(batch), rest, real, others))
    assert found.features.dtype == np.float32
    np.testing.assert_allclose(found.features, features_of(rest, batch), rtol=1e-5)


def test_maps_of_a_vision_transformer_equal_plain_autograd(tmp_path: Path) -> None:
    write_dinov2(tmp_path / "tiny.pth", seed=7, dim=8, depth=2)
    network = load_transformer("tiny", tmp_path / "tiny.pth", CPU, dim=8, depth=2, heads=2)
    assert network.split is not None
    batch = images(3, seed=3)
    others = network(images(OTHERS, 2)).features.double()
    real = random(40, 8, seed=9)
    with torch.no_grad():
        maps, rest = network.split(batch)
    # After the last normalization, there is no variance along one direction.
    expected = by_plain_autograd(maps, rest, real, others, null=1)
    found = explain(network, batch, exact(real, others))
    assert found.maps.shape == (3, 16, 16)
    assert_close(found.maps, expected, 1e-4)


def test_grad_cam_equals_plain_autograd(kind: str) -> None:
    network, rest = small(kind)
    batch = images(4)
    found = explain(network, batch, np.ones_like)
    maps = maps_of(batch).requires_grad_()
    logits = rest(maps).logits
    assert logits is not None
    probabilities, order = logits.softmax(1).sort(descending=True)
    cams = []
    for image in range(4):
        (gradient,) = torch.autograd.grad(probabilities[image, 0], maps, retain_graph=True)
        alpha = gradient[image].mean((1, 2))
        cams.append((alpha[:, None, None] * maps[image]).sum(0).clamp(min=0).detach().numpy())
    assert_close(found.activations, np.stack(cams))
    assert found.classes is not None
    assert found.probabilities is not None
    np.testing.assert_array_equal(found.classes, order[:, :3])
    np.testing.assert_allclose(found.probabilities, probabilities[:, :3].detach(), rtol=1e-5)


@pytest.mark.parametrize(("classes", "columns"), [(0, None), (2, 2), (3, 3), (7, 3)])
def test_columns_for_fewer_classes_than_three(kind: str, classes: int, columns: int | None) -> None:
    found = explain(small(kind, classes)[0], images(2), np.ones_like)
    shapes = [None if part is None else part.shape for part in found[2:]]
    both = None if columns is None else (2, columns)
    assert shapes == [both, both, None if columns is None else (2, 3, 4)]


def test_a_plain_object_with_maps_and_logits_is_explained() -> None:
    plain = TinyNetwork("plain", 0, CPU)
    del plain.classifier
    found = explain(plain, images(2), np.ones_like)  # type: ignore[arg-type]
    expected = TinyNetwork("plain", 0, CPU)(images(2)).maps
    assert expected is not None
    assert_close(found.maps, (expected.double().sum(1) / 24**4).numpy())
    assert found.classes is not None
    assert found.activations is None


def test_inference_mode_of_the_caller_is_kept(kind: str) -> None:
    network, batch = small(kind)[0], images(2)
    outside = explain(network, batch, np.ones_like)
    with torch.inference_mode():
        inside = explain(network, batch + 0, np.ones_like)
        assert torch.is_inference_mode_enabled()
    assert not torch.is_inference_mode_enabled()
    for ours, theirs in zip(inside, outside, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_reduced_network_is_explained_in_its_precision(tmp_path: Path) -> None:
    write_dinov2(tmp_path / "tiny.pth", seed=7, dim=32, depth=2)
    network = load_transformer("tiny", tmp_path / "tiny.pth", CPU, dim=32, depth=2, heads=2)
    coarse = replace(network, precision="bfloat16")
    batch = images(2)

    def gradient(features: np.ndarray) -> np.ndarray:
        assert not torch.is_autocast_enabled("cpu")  # FID is computed in full precision
        return np.cos(np.arange(features.size)).reshape(features.shape)

    full, reduced = (explain(of, batch, gradient) for of in (network, coarse))
    np.testing.assert_allclose(reduced.features, coarse(batch).features, atol=0.02)
    error = np.abs(reduced.maps - full.maps).max() / np.abs(full.maps).max()
    assert 1e-5 < error < 0.1


def test_a_network_without_maps_and_split_is_refused() -> None:
    with pytest.raises(
        FringeError, match=r"untrained has neither .* another network \(inception, .*clip.*or give"
    ):
        explain(load_network("untrained"), images(1), np.ones_like)


def test_a_gradient_of_another_shape_is_refused(kind: str) -> None:
    network = small(kind)[0]
    with pytest.raises(FringeError, match=rf"\(2, {network.feature_dim}\) has shape \(3, 3\)"):
        explain(network, images(2), lambda _: np.ones((3, 3)))


@pytest.mark.parametrize("batch", [images(2).float(), images(2)[0], images(2)[:0]])
def test_images_of_another_type_or_shape_are_refused(kind: str, batch: Tensor) -> None:
    with pytest.raises(FringeError, match=r"images to explain are .* give uint8 of shape"):
        explain(small(kind)[0], batch, np.ones_like)


def test_classes_of_another_network_equal_its_own_explanation(kind: str) -> None:
    network, _ = small(kind)
    batch = images(4)
    slow = explain(network, batch, np.ones_like)
    found = explain_classes(network, batch)
    np.testing.assert_array_equal(found.classes, slow.classes)
    np.testing.assert_allclose(found.probabilities, slow.probabilities, rtol=1e-12)
    np.testing.assert_allclose(found.activations, slow.activations, rtol=1e-6)
    with pytest.raises(FringeError, match=r"is not a classifier; name a network with logits"):
        explain_classes(small(kind, 0)[0], batch)


def test_a_closeup_of_a_network_with_a_split_has_the_weights_of_plain_autograd() -> None:
    network, rest = small("attentive")
    real, others = features_of(rest, images(40, 1)), features_of(rest, images(OTHERS, 2))
    image = images(1, 5)
    gaussians = (Gaussian.from_features(rows.numpy()) for rows in (real, others))
    pixels = image[0].permute(1, 2, 0).numpy()
    found = look_closely(pixels, network, *gaussians, len(others) + 1, included=False)
    A = maps_of(image).requires_grad_()
    value = fid(real, torch.cat([others, rest(A).features.double()]))
    (gradient,) = torch.autograd.grad(value, A)
    alpha = gradient[0].double().square().mean((1, 2)).numpy()
    np.testing.assert_allclose(found.weights, alpha, rtol=1e-5, atol=1e-12 * alpha.max())
    assert found.fid == pytest.approx(float(value.detach()), rel=1e-6)
    order = np.argsort(-alpha)[: len(found.channels)]
    np.testing.assert_array_equal(found.channels, order)
    np.testing.assert_allclose(found.channel_maps, A[0].detach().numpy()[order], rtol=1e-6)
    # The map equals that of `explain`.
    whole = np.tensordot(found.weights, A[0].detach().numpy(), 1)
    assert_close(whole[None], explain(network, image, exact(real, others)).maps)
