"""What a feature network is, whatever it computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["Activations", "FeatureNetwork", "NetworkInfo"]


class NetworkInfo(NamedTuple):
    """What the plan of a run must know of a network before it is loaded."""

    feature_dim: int
    n_classes: int | None
    revision: int


class Activations(NamedTuple):
    """What a network makes of N images.

    ``features`` (N, D) float32; ``logits`` (N, C) float32 where the network is a classifier;
    ``maps`` (N, D, H, W) float32 where ``features`` is their mean over H and W.
    """

    features: Tensor
    logits: Tensor | None = None
    maps: Tensor | None = None


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
    weights_sha256 : str
        Hex SHA-256 of the weights, from the file or as they were generated.
    device : torch.device
        Where it computes.
    forward : callable
        From uint8 NCHW images on ``device`` to Activations. Called in inference mode.
    """

    name: str
    feature_dim: int
    class_names: tuple[str, ...] | None
    weights_sha256: str
    device: torch.device
    forward: Callable[[Tensor], Activations]

    def __call__(self, images: Tensor) -> Activations:
        """Return the activations of ``images``, uint8 (N, 3, H, W) on any device, N at least 1.

        Computed in float32 throughout, on GPUs too (no TF32), with deterministic convolutions.

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
        exact = torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        )
        with torch.inference_mode(), exact:
            return self.forward(images.to(self.device, non_blocking=True))
