"""Sensitivity maps, classes and Grad-CAM of a batch of images, in one pass through the network.

If the features are the mean of the last maps, the derivatives have a closed form. If they are not,
as in vision transformers, PyTorch differentiates the part of the network from the maps of its split
to the features. In both cases, the caller provides the gradient of FID with respect to the
features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from fringe.devices.determinism import deterministic
from fringe.errors import FringeError
from fringe.features.finite import require_finite_rows
from fringe.metrics.arrays import Array, Floats, as_numpy
from fringe.networks import network_info, network_names
from fringe.sensitivity.activation import class_activation_maps, top_classes
from fringe.sensitivity.maps import sensitivity_maps

if TYPE_CHECKING:
    from torch import Tensor

    from fringe.networks import FeatureNetwork
    from fringe.networks.base import Split

__all__ = ["Explanation", "SeenClasses", "explain", "explain_classes", "map_gradient"]

Gradient = Callable[[Array], Array]
# From checked features and logits to the gradient with respect to the features.
Slopes = Callable[["Tensor", "Tensor | None"], "Tensor"]


class Explanation(NamedTuple):
    """Sensitivity maps, features, classes and Grad-CAM of N images, as NumPy arrays.

    Attributes
    ----------
    maps : float64 array (N, h, w)
        See `sensitivity_maps`.
    features : float32 array (N, D)
    classes : integer array (N, k), or None
        The k <= 3 most probable classes. None if the network is not a classifier.
    probabilities : float64 array (N, k), or None
        The probabilities of ``classes``.
    activations : float64 array (N, h, w), or None
        Grad-CAM of the most probable class. None if it cannot be computed.
    """

    maps: Floats
    features: Array
    classes: Array | None = None
    probabilities: Floats | None = None
    activations: Floats | None = None


class SeenClasses(NamedTuple):
    """Classes and Grad-CAM of N images. The fields are those of `Explanation`."""

    classes: Array
    probabilities: Floats
    activations: Floats | None


def explain_classes(
    network: FeatureNetwork,
    images: Tensor,
    called: Callable[[int], str] = "image {} of the batch".format,
) -> SeenClasses:
    """Return the most probable classes of ``images``, and Grad-CAM of the most probable class.

    Parameters
    ----------
    network : FeatureNetwork
        A classifier, which need not be the network that FID is measured in.
    images, called
        See `explain`.

    Raises
    ------
    FringeError
        If the network is not a classifier, or returns NaN or infinity for an image.
    """
    import torch

    # A user's network need not be a FeatureNetwork.
    split, head, precision = (
        getattr(network, name, None) for name in ("split", "classifier", "precision")
    )
    if split is None:
        with torch.no_grad():
            _, logits, maps = network(images)
    else:
        with torch.inference_mode(mode=False):
            with _computing(network.device, precision), torch.no_grad():
                maps, rest = split(images.to(network.device))
                logits = rest(maps).logits
            head = _head(rest)
    if logits is None:
        raise FringeError(
            f"network {network.name} is not a classifier; name a network with logits as "
            "`classifier`"
        )
    require_finite_rows(as_numpy(logits), "logits", network.name, called)
    classes, probabilities = top_classes(logits.detach())
    activations = None
    if head is not None and maps is not None:
        if split is None:
            with torch.no_grad():
                found = class_activation_maps(maps, head, classes[:, :1], logits=logits)
        else:
            with torch.inference_mode(mode=False), _computing(network.device, precision):
                found = class_activation_maps(maps, head, classes[:, :1])
        activations = as_numpy(found[:, 0])
        require_finite_rows(activations, "Grad-CAM", network.name, called)
    return SeenClasses(as_numpy(classes), as_numpy(probabilities), activations)


def explain(
    network: FeatureNetwork,
    images: Tensor,
    gradient: Gradient,
    called: Callable[[int], str] = "image {} of the batch".format,
) -> Explanation:
    """Return maps of the places in ``images`` that FID, and the Top-1 class, depend on [1]_.

    Maps, features and sums over them have the precision of the network (float32, unless the network
    was loaded with a lower precision). The gradient of FID and Grad-CAM are computed in float64.

    Parameters
    ----------
    network : FeatureNetwork
        A network with maps, or with a ``split``. Grad-CAM is computed if the network has logits and
        either a ``classifier`` or a ``split``.
    images : Tensor (N, 3, H, W)
        uint8, on any device.
    gradient : callable
        Function from features (N, D) float32 to dFID/df (N, D), both NumPy arrays. For example,
        `fid_gradient` with fixed Gaussians.
    called : callable
        Returns the name, for messages, of the image at a row of ``images``.

    Returns
    -------
    Explanation

    Raises
    ------
    FringeError
        If the images are not such a tensor, the network has neither maps nor a split, the gradient
        has another shape than the features, or the network returns NaN or infinity.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023, Section 2.

    Examples
    --------
    >>> import torch
    >>> from fringe.networks import FeatureNetwork
    >>> from fringe.networks.base import Activations
    >>> def forward(images):  # features are mean colours
    ...     maps = torch.nn.functional.avg_pool2d(images.float(), 8)
    ...     return Activations(maps.mean((2, 3)), None, maps)
    >>> network = FeatureNetwork("colours", 3, None, "", torch.device("cpu"), forward)
    >>> images = torch.full((1, 3, 16, 16), 10, dtype=torch.uint8)
    >>> explain(network, images, gradient=lambda features: np.full(features.shape, 4.0)).maps
    array([[[30., 30.],
            [30., 30.]]])
    """
    import torch

    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3 or not len(images):
        raise FringeError(
            f"images to explain are {images.dtype} of shape {tuple(images.shape)}; give uint8 of "
            "shape (N, 3, H, W)"
        )
    # A user's network need not be a FeatureNetwork.
    split, classifier, precision = (
        getattr(network, name, None) for name in ("split", "classifier", "precision")
    )

    def check(values: Tensor | Array, what: str) -> None:
        require_finite_rows(as_numpy(values), what, network.name, called)

    def slopes(features: Tensor, logits: Tensor | None) -> Tensor:
        check(features, "features")
        if logits is not None:
            check(logits, "logits")
        return _slopes(gradient, features)

    if split is None:
        with torch.no_grad():
            found = _in_closed_form(network, classifier, images, slopes)
    else:
        with torch.inference_mode(mode=False):
            found = _by_autograd(network.device, precision, split, images, slopes)
    check(found.maps, "maps")
    if found.activations is not None:
        check(found.activations, "Grad-CAM")
    return found


def _in_closed_form(
    network: FeatureNetwork, classifier: Tensor | None, images: Tensor, slopes: Slopes
) -> Explanation:
    features, logits, maps = network(images)
    if maps is None:
        able = ", ".join(name for name in network_names() if network_info(name).maps)
        raise FringeError(
            f"network {network.name} has neither maps nor a split, so there are no sensitivity "
            f"maps; choose another network ({able}), or give yours a split (see FeatureNetwork)"
        )
    found = sensitivity_maps(maps, slopes(features, logits))

    def cams(classes: Tensor) -> Any:
        return class_activation_maps(maps, classifier, classes, logits=logits)

    return _explanation(found, features, logits, None if classifier is None else cams)


def _by_autograd(
    device: Any, precision: str | None, split: Split, images: Tensor, slopes: Slopes
) -> Explanation:
    maps, of_maps, features, logits, rest = _differentiated(
        device, precision, split, images, slopes
    )
    head = _head(rest)

    def cams(classes: Tensor) -> Any:
        with _computing(device, precision):
            return class_activation_maps(maps, head, classes)

    return _explanation(sensitivity_maps(maps, of_maps), features, logits, cams)


def map_gradient(
    network: FeatureNetwork, images: Tensor, gradient: Gradient
) -> tuple[Floats, Floats, Floats]:
    """Return the maps of a network with a split, dFID/dA at every place, and the features.

    Parameters
    ----------
    network : FeatureNetwork
        A network with a ``split``.
    images, gradient
        See `explain`.

    Returns
    -------
    array (N, K, h, w), array (N, K, h, w), array (N, D)
        float64.
    """
    import torch

    assert network.split is not None

    def slopes(features: Tensor, logits: Tensor | None) -> Tensor:
        called = "image {} of the batch".format
        require_finite_rows(as_numpy(features), "features", network.name, called)
        return _slopes(gradient, features)

    with torch.inference_mode(mode=False):
        maps, of_maps, features, _, _ = _differentiated(
            network.device, network.precision, network.split, images, slopes
        )
    found = (as_numpy(each.detach().double()) for each in (maps, of_maps, features))
    return next(found), next(found), next(found)


def _differentiated(
    device: Any, precision: str | None, split: Split, images: Tensor, slopes: Slopes
) -> tuple[Tensor, Tensor, Tensor, Tensor | None, Callable[[Tensor], Any]]:
    """Return maps, dFID/dA, features, logits, and the function from maps to Activations."""
    import torch

    with _computing(device, precision), torch.no_grad():
        maps, rest = split(images.to(device))
    maps = maps.detach().requires_grad_()
    with _computing(device, precision), torch.enable_grad():
        features, logits, _ = rest(maps)
    # The arithmetic of FID does not belong to the network, so it does not use its precision.
    of_features = slopes(features, logits)
    with _computing(device, precision):
        (of_maps,) = torch.autograd.grad(features, maps, of_features.to(features.dtype))
    return maps.detach(), of_maps, features, logits, rest


def _head(rest: Callable[[Tensor], Any]) -> Callable[[Tensor], Tensor]:
    """Return the function from maps to logits of a network with a split."""

    def head(maps: Tensor) -> Tensor:
        logits = rest(maps).logits
        assert logits is not None  # the network has already made logits from these maps
        return cast("Tensor", logits.float())

    return head


def _slopes(gradient: Gradient, features: Tensor) -> Tensor:
    """Return the gradient with respect to ``features``, float64 on their device."""
    import torch

    slopes = np.asarray(gradient(as_numpy(features.float())), np.float64)
    if slopes.shape != tuple(features.shape):
        raise FringeError(
            f"the gradient of features of shape {tuple(features.shape)} has shape {slopes.shape}; "
            "give one number for each feature"
        )
    return torch.from_numpy(slopes).to(features.device)


def _explanation(
    maps: Tensor,
    features: Tensor,
    logits: Tensor | None,
    cams: Callable[[Tensor], Tensor] | None,
) -> Explanation:
    """Return the explanation. ``cams`` returns Grad-CAM (N, k, h, w) of classes (N, k)."""
    result = Explanation(as_numpy(maps), as_numpy(features.float()))
    if logits is None:
        return result
    classes, probabilities = top_classes(logits.detach())
    first = None if cams is None else as_numpy(cams(classes[:, :1])[:, 0])
    return result._replace(
        classes=as_numpy(classes), probabilities=as_numpy(probabilities), activations=first
    )


@contextmanager
def _computing(device: Any, precision: str | None) -> Iterator[None]:
    """Let PyTorch compute with the settings of a call of a network with ``precision``."""
    import torch

    bfloat16 = precision == "bfloat16"
    with (
        deterministic(tf32=precision == "tf32"),
        torch.autocast(device.type, torch.bfloat16, enabled=bfloat16),
    ):
        yield
