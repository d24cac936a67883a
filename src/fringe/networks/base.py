"""What a feature network is, whatever it computes."""

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
    """What the plan of a run must know of a network before it is loaded.

    Parameters
    ----------
    feature_dim : int
        Number of features of an image.
    n_classes : int or None
        Number of logits of an image; None if the network is not a classifier.
    revision : int
        Raised when the same images would give other features.
    maps : bool
        Whether the network can be asked what in an image it looks at.
    trained_on : str, optional
        One of `fringe.networks.training.TRAININGS`; None if it is not stated.
    title : str, optional
        The name that tables and figures show; None for the name that the network is loaded by.
    giga_macs : float, optional
        10^9 multiply-adds for one image, from which a run's time is estimated before the network
        has run; None if it is not known.
    """

    feature_dim: int
    n_classes: int | None
    revision: int
    maps: bool = False
    trained_on: str | None = None
    title: str | None = None
    giga_macs: float | None = None


class Activations(NamedTuple):
    """What a network makes of N images.

    ``features`` (N, D) float32; ``logits`` (N, C) float32 where the network is a classifier;
    ``maps`` (N, D, H, W) float32 where ``features`` is their mean over H and W.
    """

    features: Tensor
    logits: Tensor | None = None
    maps: Tensor | None = None


# See FeatureNetwork.
Split: TypeAlias = "Callable[[Tensor], tuple[Tensor, Callable[[Tensor], Activations]]]"


@dataclass(frozen=True)
class FeatureNetwork:
    """A fixed network from images to features; its resize and normalization belong to it.

    Parameters
    ----------
    name : str
        The name it is loaded by.
    feature_dim : int
        D, the length of one feature vector.
    class_names : tuple of str, or None
        Names of the C classes in the order of the logits; None where there are no logits.
    weight_file_sha256 : str
        Hex SHA-256 of the weights, from the file or as they were generated.
    device : torch.device
        Where it computes.
    forward : callable
        From uint8 NCHW images on ``device`` to Activations. Called in inference mode.
    precision : {"float32", "tf32", "bfloat16"}
        Of convolutions and matrix products. ``tf32`` rounds what they take to 10 bits on a GPU
        that can, and is float32 elsewhere; ``bfloat16`` rounds to 7 bits, anywhere. Both change
        features, and so FID.
    classifier : Tensor (C, D), or None
        Weights of the one linear layer that makes logits of features, where that is how they are
        made.
    split : callable, or None
        Where ``features`` are no mean of maps: from images, as ``forward`` takes them, to maps
        (N, K, H, W) that lie before the features, and a function from such maps to the Activations,
        through which PyTorch can differentiate.
    attributes : mapping of str to str
        What else features depend on and no image tells, such as the version of the library that
        builds the network; files of features have them as attributes.
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

        Convolutions are deterministic, and compute in ``precision``: by default in float32, on GPUs
        too (no TF32). What is returned is float32.

        Raises
        ------
        TypeError
            If ``images`` is of another type or shape.
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
