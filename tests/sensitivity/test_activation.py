"""Grad-CAM in closed form, compared with autograd, and the most probable classes."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fringe.errors import FringeError
from fringe.sensitivity import class_activation_maps, mean_activation_maps, top_classes
from fringe.sensitivity.activation import Score

B, D, H, W, C = 3, 6, 4, 5, 7


@pytest.fixture(scope="module")
def maps() -> torch.Tensor:
    """Return maps of both signs, so that the ReLU has an effect."""
    stream = torch.Generator().manual_seed(0)
    return torch.randn((B, D, H, W), generator=stream, dtype=torch.float64)


@pytest.fixture(scope="module")
def layer() -> nn.Linear:
    torch.manual_seed(1)
    return nn.Linear(D, C).double()


def by_hand(maps: torch.Tensor, layer: nn.Linear, classes: Any, of: str) -> np.ndarray:
    """Return Grad-CAM by the definition of Selvaraju et al., for one image and class at a time."""
    found = np.zeros((len(maps), len(classes[0]), *maps.shape[2:]))
    for b, chosen in enumerate(classes):
        for k, c in enumerate(chosen):
            A = maps[b].clone().requires_grad_()
            scores = layer(A.mean((1, 2)))
            score = scores.softmax(0)[c] if of == "probability" else scores[c]
            (slopes,) = torch.autograd.grad(score, A)
            total = sum(slopes[d].mean() * maps[b, d] for d in range(len(A)))
            found[b, k] = total.clamp(min=0).numpy()
    return found


@pytest.mark.parametrize("of", ["probability", "logit"])
def test_closed_form_and_callable_equal_the_definition(
    maps: torch.Tensor, layer: nn.Linear, of: Score
) -> None:
    classes = np.array([[0, 6], [3, 3], [5, 1]])
    expected = by_hand(maps, layer, classes, of)
    assert 0.1 < (expected == 0).mean() < 0.9
    logits = layer(maps.mean((2, 3)))
    closed = class_activation_maps(maps, layer.weight, classes, logits=logits, of=of)
    traced = class_activation_maps(maps, lambda A: layer(A.mean((2, 3))), classes, of=of)
    for found in (closed, traced):
        assert isinstance(found, torch.Tensor)
        assert found.dtype == torch.float64
        assert not found.requires_grad
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10, atol=1e-15)


def test_a_head_that_is_not_a_mean_and_a_layer(maps: torch.Tensor) -> None:
    """The gradients of such a head differ between places, and alpha is their mean."""
    torch.manual_seed(2)
    head = nn.Sequential(nn.Conv2d(D, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(24, C)).double()
    found = class_activation_maps(maps, head, torch.tensor([[2], [0], [4]]), of="logit")
    for b, c in enumerate((2, 0, 4)):
        A = maps[b : b + 1].clone().requires_grad_()
        (slopes,) = torch.autograd.grad(head(A)[0, c], A)
        expected = torch.einsum("d,dij->ij", slopes[0].mean((1, 2)), maps[b]).relu()
        np.testing.assert_allclose(found[b, 0], expected, rtol=1e-12)
    assert all(p.grad is None for p in head.parameters())


def test_a_callable_works_while_gradients_are_off(maps: torch.Tensor, layer: nn.Linear) -> None:
    def head(A: torch.Tensor) -> torch.Tensor:
        return layer(A.mean((2, 3)))

    expected = class_activation_maps(maps, head, [[1], [2], [3]])
    for context in (torch.no_grad, torch.inference_mode):
        with context():
            found = class_activation_maps(maps + 0, head, [[1], [2], [3]])
        np.testing.assert_array_equal(found, expected)


def test_probability_of_a_float32_network(maps: torch.Tensor, layer: nn.Linear) -> None:
    """An almost certain class has a slope that float32 would round to 0."""
    maps = maps.abs().float()
    weight = 2 * torch.tensor([[1.0], [-1.0]]).expand(2, D)
    logits = maps.mean((2, 3)) @ weight.T
    assert (1 - logits.softmax(1)[:, 0]).max() < 1e-6
    classes = [[0]] * B
    traced = class_activation_maps(maps, lambda A: A.mean((2, 3)) @ weight.T, classes)
    closed = class_activation_maps(maps, weight, classes, logits=logits)
    assert (closed > 0).all()
    np.testing.assert_allclose(traced, closed, rtol=1e-5)


@pytest.mark.parametrize("shift", [0.0, 1e3])
def test_mean_over_all_classes_equals_its_definition(
    maps: torch.Tensor, layer: nn.Linear, shift: float
) -> None:
    logits = (layer(maps.mean((2, 3))) * 3 + shift).detach()
    found = mean_activation_maps(maps, layer.weight, logits)
    assert found.shape == (B, H, W)
    expected = np.zeros((B, H, W))
    shares = np.exp(logits.numpy() - shift)
    shares /= shares.sum(axis=1, keepdims=True)
    for c in range(C):
        classes = np.full((B, 1), c)
        one = class_activation_maps(maps, layer.weight, classes, logits=logits)[:, 0]
        expected += shares[:, c, None, None] * one.numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_arrays_and_tensors_give_the_same(maps: torch.Tensor, layer: nn.Linear) -> None:
    logits, weight = layer(maps.mean((2, 3))).detach(), layer.weight
    classes, _ = top_classes(logits, 2)
    expected = class_activation_maps(maps, weight, classes, logits=logits).numpy()
    mean = mean_activation_maps(maps, weight, logits).numpy()
    for head in (
        weight,
        weight.detach().numpy(),
    ):  # the parameter of the network, with gradient history
        for kind in (np.asarray, torch.as_tensor):
            given = [kind(value) for value in (maps, classes, logits)]
            found = class_activation_maps(given[0], head, given[1], logits=given[2])
            mean_found = mean_activation_maps(given[0], head, given[2])
            for each, value in ((found, expected), (mean_found, mean)):
                assert type(each) is type(given[0])
                np.testing.assert_array_equal(np.asarray(each), value)
    single = class_activation_maps(maps.float(), weight.float(), classes, logits=logits.float())
    assert single.dtype == torch.float64
    np.testing.assert_allclose(single, expected, rtol=1e-4, atol=1e-6)
    turned = maps.numpy()[..., ::-1]  # a view with negative strides
    found = class_activation_maps(turned, weight, classes.numpy(), logits=logits.numpy())
    np.testing.assert_allclose(found, expected[..., ::-1], rtol=1e-10, atol=1e-15)


def test_top_classes_of_known_logits() -> None:
    logits = np.array([[0.0, 2, 1, -5], [-1, -1, -1, -1], [3, 7, 7, 3]], np.float32)
    classes, shares = top_classes(logits, 3)
    np.testing.assert_array_equal(classes, [[1, 2, 0], [0, 1, 2], [1, 2, 0]])
    expected = np.exp(logits.astype(np.float64))
    expected /= expected.sum(axis=1, keepdims=True)
    assert shares.dtype == np.float64
    np.testing.assert_allclose(shares, np.take_along_axis(expected, classes, 1), rtol=1e-13)
    found = top_classes(torch.from_numpy(logits), 1)
    assert all(isinstance(part, torch.Tensor) for part in found)
    np.testing.assert_array_equal(found[0], classes[:, :1])
    every, shares = top_classes(logits, 9)
    assert every.shape == (3, 4)
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_ties_among_many_classes_keep_their_order() -> None:
    """Sorting must also be stable for a thousand equal logits."""
    logits = np.zeros((2, 1008), np.float32)
    logits[1, 500:] = 1
    classes, _ = top_classes(logits)
    np.testing.assert_array_equal(classes, [[0, 1, 2], [500, 501, 502]])


def test_shapes_that_do_not_fit_are_refused(maps: torch.Tensor, layer: nn.Linear) -> None:
    logits, weight, classes = layer(maps.mean((2, 3))), layer.weight, np.zeros((B, 1), int)
    with pytest.raises(FringeError, match=r"maps of shape \(6, 4, 5\)"):
        class_activation_maps(maps[0], weight, classes, logits=logits)
    with pytest.raises(FringeError, match=r"classes of shape \(3,\)"):
        class_activation_maps(maps, weight, classes[:, 0], logits=logits)
    with pytest.raises(FringeError, match=r"classes of shape \(2, 1\)"):
        class_activation_maps(maps, weight, classes[:2], logits=logits)
    with pytest.raises(FringeError, match=r"logits of shape None for 3 images and 7 classes"):
        class_activation_maps(maps, weight, classes)
    for wrong in (C, -1):
        for head in (weight, lambda A: layer(A.mean((2, 3)))):
            with pytest.raises(FringeError, match=f"no class {wrong} of 7; .* from 0 to 6"):
                class_activation_maps(maps, head, [[0], [wrong], [0]], logits=logits)
    for f in (
        lambda head: class_activation_maps(maps, head, classes, of="logit"),
        lambda head: mean_activation_maps(maps, head, logits),
    ):
        with pytest.raises(FringeError, match=r"linear layer of shape \(7, 5\)"):
            f(weight[:, 1:])
    with pytest.raises(FringeError, match=r"logits of shape \(3, 6\)"):
        mean_activation_maps(maps, weight, logits[:, 1:])
    with pytest.raises(FringeError, match=r"maps of shape \(3, 6\)"):
        mean_activation_maps(maps[:, :, 0, 0], weight, logits)
    with pytest.raises(FringeError, match=r"top classes: logits of shape \(7,\)"):
        top_classes(logits[0])
    with pytest.raises(FringeError, match="logits: row 1 holds NaN"):
        top_classes(np.array([[1.0, 2.0], [np.nan, 1.0]]))
