"""The common interface of feature networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from fringe.devices.determinism import deterministic

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["PRECISIONS", "Activations", "FeatureNetwork", "NetworkInfo", "Precision", "Split"]

Precision = Literal["float32", "tf32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "tf32", "bfloat16")


class NetworkInfo(NamedTuple):
    """The facts about a network that planning a run needs before the network is loaded.

    Parameters
    ----------
    feature_dim : int
        Number of features of an image.
    n_classes : int or None
        Number of logits of an image; None if the network is not a classifier.
    revision : int
        Increased whenever the same images would give other features.
    maps : bool
        Whether the network has maps or a split, which show the parts of an image that it uses.
    trained_on : str, optional
        One of `fringe.networks.training.TRAININGS`; None if the training is not stated.
    title : str, optional
        The name in tables and figures; None for the name by which the network is loaded.
    giga_macs : float, optional
        10^9 multiply-adds for one image, from which the time of a run is estimated before the
        network has run; None if unknown.

    Examples
    --------
    >>> from fringe.networks import NetworkInfo
    >>> info = NetworkInfo(feature_dim=512, n_classes=None, revision=1, title="My network")
    >>> info.feature_dim, info.maps, info.giga_macs
    (512, False, None)
    """

    feature_dim: int
    n_classes: int | None
    revision: int
    maps: bool = False
    trained_on: str | None = None
    title: str | None = None
    giga_macs: float | None = None


class Activations(NamedTuple):
    """The outputs of a network for N images.

    ``features`` (N, D) are float32. ``logits`` (N, C) are float32, or None if the network is not a
    classifier. ``maps`` (N, D, H, W) are float32 maps whose mean over H and W is ``features``, or
    None if the features are not such a mean.

    Examples
    --------
    >>> import torch
    >>> from fringe.networks import Activations
    >>> maps = torch.ones(2, 8, 7, 7)
    >>> activations = Activations(maps.mean((2, 3)), maps=maps)
    >>> tuple(activations.features.shape), activations.logits is None
    ((2, 8), True)
    """

    features: Tensor
    logits: Tensor | None = None
    maps: Tensor | None = None


# See FeatureNetwork.
Split: TypeAlias = "Callable[[Tensor], tuple[Tensor, Callable[[Tensor], Activations]]]"


@dataclass(frozen=True)
class FeatureNetwork:
    """A fixed network from images to features, including its resize and normalization.

    Parameters
    ----------
    name : str
        Name by which the network is loaded.
    feature_dim : int
        D, the length of a feature vector.
    class_names : tuple of str, or None
        Names of the C classes in the order of the logits; None if there are no logits.
    weight_file_sha256 : str
        Hex SHA-256 of the weight file, or of the generated parameters if there is no file.
    device : torch.device
        Device on which the network computes.
    forward : callable
        Maps uint8 NCHW images on ``device`` to Activations. Called in inference mode.
    precision : {"float32", "tf32", "bfloat16"}
        Precision of convolutions and matrix products. With ``tf32``, a GPU that supports TF32
        rounds their inputs to 10 bits; other devices compute in float32. With ``bfloat16``, every
        device rounds to 7 bits. Both change the features, and therefore FID.
    classifier : Tensor (C, D), or None
        Parameters of the linear layer from features to logits; None if there is no such layer.
    split : callable, or None
        For networks whose ``features`` are not the mean of maps: maps images, as ``forward`` takes
        them, to maps (N, K, H, W) of an earlier layer, and to a function from such maps to
        Activations that PyTorch can differentiate.
    attributes : mapping of str to str
        Other facts on which the features depend, such as the version of the library that builds the
        network. Feature files have them as attributes.

    Examples
    --------
    >>> import torch
    >>> from fringe.networks import load_network
    >>> network = load_network("untrained")
    >>> network.feature_dim, network.class_names, network.precision
    (102, None, 'float32')
    >>> images = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    >>> tuple(network(images).features.shape)
    (2, 102)
    """

    name: str
    feature_dim: int
    class_names: tuple[str, ...] | None
    weight_file_sha256: str
    device: torch.device
    forward: Callable[[Tensor], Activations]
    precision: Precision = "float32"
    classifier: Tensor | None = None
    split: Split | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, images: Tensor) -> Activations:
        """Return the activations of ``images``, uint8 (N, 3, H, W) on any device, N at least 1.

        Convolutions are deterministic and compute in ``precision``: by default in float32, also on
        GPUs (without TF32). The results are float32.

        Raises
        ------
        TypeError
            If ``images`` have another type or shape.
        """
        import torch

        if (
            images.dtype != torch.uint8
            or images.ndim != 4
            or images.shape[1] != 3
            or not len(images)
        ):
            raise TypeError(
                f"network {self.name} takes uint8 images of shape (N, 3, H, W), "
                f"not {images.dtype} of shape {tuple(images.shape)}"
            )
        bfloat16 = self.precision == "bfloat16"
        with (
            torch.inference_mode(),
            deterministic(tf32=self.precision == "tf32"),
            torch.autocast(self.device.type, torch.bfloat16, enabled=bfloat16),
        ):
            features, logits, maps = self.forward(images.to(self.device, non_blocking=True))
        return Activations(
            features.float(),
            None if logits is None else logits.float(),
            None if maps is None else maps.float(),
        )
