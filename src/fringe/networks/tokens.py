"""The patch tokens of a vision transformer as maps, from which its features can be computed."""

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
    """Return the split of a transformer where the attention of its last block takes the tokens.

    The maps (N, K, h, w) are the patch tokens, normalized as they are there; h = w. Features are
    made of the class token alone, and what follows the attention works on each token by itself: so
    the patch tokens reach features through this attention or not at all, and the gradient with
    respect to these maps is all of it. After the last block it would be zero.

    Parameters
    ----------
    stream : callable
        From images, as ``FeatureNetwork.forward`` takes them, to what the last block takes: the
        class token and h * w patch tokens, in rows, (N, 1 + h * w, K).
    norm : callable
        The first LayerNorm of the last block, from (..., K) to (..., K).
    features : callable
        From class tokens (N, K) of the stream and all normalized tokens (N, 1 + h * w, K) to
        features (N, D).
    size : int
        Images at a time on a CPU, up to the maps; see `by_parts`.
    """

    def compute(images: Tensor) -> Activations:
        tokens = stream(images)
        patches = norm(tokens[:, 1:]).transpose(1, 2)
        side = isqrt(patches.shape[2])
        # No features yet, but one row for each image, as `by_parts` joins them.
        return Activations(tokens[:, 0], maps=patches.reshape(*patches.shape[:2], side, side))

    def split(images: Tensor) -> tuple[Tensor, Callable[[Tensor], Activations]]:
        of_class, _, maps = by_parts(compute, images, size)
        assert maps is not None  # `compute` makes some

        def rest(maps: Tensor) -> Activations:
            patches = maps.flatten(2).transpose(1, 2)
            tokens = torch.cat([norm(of_class)[:, None], patches], dim=1)
            return Activations(features(of_class, tokens))

        return maps, rest

    return split
