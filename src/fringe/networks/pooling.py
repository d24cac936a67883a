"""Compute features and logits from the last maps of a convolutional network."""

import torch
from torch import Tensor, nn

from fringe.networks.base import Activations

__all__ = ["pooled"]


def pooled(maps: Tensor, head: nn.Module | None = None) -> Activations:
    """Return the mean of ``maps`` (N, D, H, W) over H and W as features, and the head's logits.

    Both are float32 for maps of any precision. If logits were rounded to bfloat16, those of
    different classes could be equal, and the order of the classes would be that of their columns.
    """
    maps = maps.float()
    features = maps.mean((2, 3))
    if head is None:
        return Activations(features, maps=maps)
    with torch.autocast(maps.device.type, enabled=False):
        return Activations(features, head(features), maps)
