"""Build models of timm, and find the layer at which they can be split into maps and features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fringe.errors import FringeError

__all__ = ["Ending", "built", "chosen", "ending_of"]


@dataclass(frozen=True)
class Ending:
    """The two parts of a model that is cut at its maps.

    ``start`` takes prepared images and returns other tokens (N, p, K) and maps (N, K, h, w).
    ``finish`` takes both and returns the input of the model's ``forward_head``.
    """

    start: Callable[[Tensor], tuple[Tensor, Tensor]]
    finish: Callable[[Tensor, Tensor], Tensor]


def built(model: str, n_classes: int, **settings: Any) -> Any:
    """Return a model of timm for inference, with random parameters unless ``settings`` differ.

    The model is on the default device, which may be the meta device.
    """
    import timm

    return timm.create_model(model, num_classes=n_classes, **settings).eval().requires_grad_(False)


def chosen(model: Any, choice: str | None, name: str) -> None:
    """Let a model compute its features from the class token or from patch tokens, by ``choice``.

    Raises
    ------
    FringeError
        If the model has no tokens, or no class token.
    """
    if choice not in ("token", "avg"):
        return
    pools = isinstance(getattr(model, "global_pool", None), str) and hasattr(model, "pool")
    prefix = getattr(model, "num_prefix_tokens", None)
    if not pools or prefix is None:
        raise FringeError(
            f"network {name!r}: {type(model).__name__} has no choice of tokens; leave out @{choice}"
        )
    if choice == "token" and not prefix:
        raise FringeError(
            f"network {name!r}: {type(model).__name__} has no class token; leave out @token"
        )
    model.attn_pool = None
    model.global_pool = choice


def ending_of(model: Any, last: tuple[int, ...] | None) -> Ending | None:
    """Return the two parts of a model that is cut at its maps; None if it cannot be cut.

    Parameters
    ----------
    model : nn.Module
        A model of timm.
    last : tuple of int, or None
        The shape of the result of its ``forward_features`` for one image; None if the result is not
        a tensor.
    """
    if last is None:
        return None
    if len(last) == 4:
        return _cut_maps(model)
    grid = getattr(getattr(model, "patch_embed", None), "grid_size", None)
    prefix = getattr(model, "num_prefix_tokens", None)
    if len(last) != 3 or grid is None or prefix is None or not hasattr(model, "pool"):
        return None
    height, width = grid
    if last[1] != prefix + height * width:
        return None
    if getattr(model, "attn_pool", None) is None and model.global_pool == "token":
        return _cut_before_attention(model, prefix, height, width)
    return _cut_tokens(model, prefix, height, width)


def _cut_maps(model: Any) -> Ending:
    """Cut after the last maps, which are (N, C, H, W), or (N, H, W, C) in some models."""
    channels_last = getattr(model, "output_fmt", "NCHW") == "NHWC"

    def start(pixels: Tensor) -> tuple[Tensor, Tensor]:
        maps = model.forward_features(pixels)
        maps = maps.permute(0, 3, 1, 2) if channels_last else maps
        return maps.new_empty((len(maps), 0, maps.shape[1])), maps

    def finish(_: Tensor, maps: Tensor) -> Tensor:
        return maps.permute(0, 2, 3, 1) if channels_last else maps

    return Ending(start, finish)


def _cut_tokens(model: Any, prefix: int, height: int, width: int) -> Ending:
    """Cut after the last tokens; the head uses the tokens of patches, and perhaps others."""

    def start(pixels: Tensor) -> tuple[Tensor, Tensor]:
        tokens = model.forward_features(pixels)
        return tokens[:, :prefix], _as_maps(tokens[:, prefix:], height, width)

    def finish(others: Tensor, maps: Tensor) -> Tensor:
        return torch.cat([others, _as_tokens(maps)], dim=1)

    return Ending(start, finish)


def _cut_before_attention(model: Any, prefix: int, height: int, width: int) -> Ending | None:
    """Cut at the normalized patch tokens of the last attention; see `fringe.networks.tokens`."""
    from timm.models.vision_transformer import Block, VisionTransformer

    plain = type(model) is VisionTransformer and all(type(block) is Block for block in model.blocks)
    if not plain or len(model.blocks) < 2:
        return None
    last = model.blocks[-1]

    def start(pixels: Tensor) -> tuple[Tensor, Tensor]:
        ((patches, others),) = model.forward_intermediates(
            pixels,
            indices=[len(model.blocks) - 2],
            return_prefix_tokens=True,
            stop_early=True,
            output_fmt="NLC",
            intermediates_only=True,
        )
        return others, _as_maps(last.norm1(patches), height, width)

    def finish(others: Tensor, maps: Tensor) -> Tensor:
        tokens = torch.cat([last.norm1(others), _as_tokens(maps)], dim=1)
        x = others[:, :1] + last.ls1(last.attn(tokens)[:, :1])
        x = x + last.ls2(last.mlp(last.norm2(x)))
        normalized: Tensor = model.norm(x)
        return normalized

    return Ending(start, finish)


def _as_maps(tokens: Tensor, height: int, width: int) -> Tensor:
    return tokens.transpose(1, 2).reshape(len(tokens), -1, height, width)


def _as_tokens(maps: Tensor) -> Tensor:
    return maps.flatten(2).transpose(1, 2)
