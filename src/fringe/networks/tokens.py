"""Use the patch tokens of a vision transformer as maps from which its features are computed."""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt

import torch
from torch import Tensor

from fringe.networks.base import Activations, Split
from fringe.networks.cpu_batches import by_parts

__all__ = ["split_at_last_attention"]


def split_at_last_attention(
    stream: Callable[[Tensor], Tensor],
    norm: Callable[[Tensor], Tensor],
    features: Callable[[Tensor, Tensor], Tensor],
    size: int,
) -> Split:
    """Return the split of a transformer at the input of the attention of its last block.

    The maps (N, K, h, w) are the normalized patch tokens that this attention takes; h = w. Features
    are computed only from the class token, and the layers after the attention process each token
    separately. So patch tokens affect the features only through this attention, and the gradient
    with respect to these maps is complete. After the last block, the gradient would be zero.

    Parameters
    ----------
    stream : callable
        Maps images, as ``FeatureNetwork.forward`` takes them, to the input of the last block: the
        class token and h * w patch tokens in rows, (N, 1 + h * w, K).
    norm : callable
        The first LayerNorm of the last block, from (..., K) to (..., K).
    features : callable
        Maps the class tokens (N, K) of the stream and all normalized tokens (N, 1 + h * w, K) to
        features (N, D).
    size : int
        Number of images at a time on a CPU, up to the maps; see `by_parts`.
    """

    def compute(images: Tensor) -> Activations:
        tokens = stream(images)
        patches = norm(tokens[:, 1:]).transpose(1, 2)
        side = isqrt(patches.shape[2])
        # Not the features, but one row for each image, because `by_parts` joins rows.
        return Activations(tokens[:, 0], maps=patches.reshape(*patches.shape[:2], side, side))

    def split(images: Tensor) -> tuple[Tensor, Callable[[Tensor], Activations]]:
        of_class, _, maps = by_parts(compute, images, size)
        assert maps is not None  # `compute` returns maps

        def rest(maps: Tensor) -> Activations:
            patches = maps.flatten(2).transpose(1, 2)
            tokens = torch.cat([norm(of_class)[:, None], patches], dim=1)
            return Activations(features(of_class, tokens))

        return maps, rest

    return split
