"""DINOv2 ViT-B/14 and ViT-L/14, the networks in which generators are compared today.

Features are the class token after the last normalization (768 and 1024). Images of any shape are
resized to 224 x 224, and then normalized with ImageNet's mean and standard deviation. There are two
resizes, whose distances differ a little. A published number is of one of them:

* ``dinov2-b`` and ``dinov2-l``: Pillow's bicubic resize, rounded to grey levels, as in Stein et
  al., NeurIPS 2023 (dgm-eval, ``models/dinov2.py``), and EDM2's ``resize_mode='pil'``.
* ``dinov2-b-edm2`` and ``dinov2-l-edm2``: PyTorch's antialiased bicubic interpolation of floats,
  neither rounded nor limited to [0, 255], as in Karras et al., CVPR 2024 (EDM2,
  ``calculate_metrics.py``, ``resize_mode='torch'``, its default).

torch-fidelity resizes like TensorFlow 1 instead, so its distances differ from both.

The modules have the names of the official checkpoints. The networks were trained at 518 x 518, so
their position embeddings are interpolated once. The official code does this for every batch.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from fringe.checkpoints import read_state
from fringe.networks.base import Activations, FeatureNetwork
from fringe.networks.cpu_batches import by_parts
from fringe.networks.resizing import IMAGENET, normalized, resized
from fringe.networks.state_dicts import fill
from fringe.networks.tokens import split_at_last_attention
from fringe.networks.weight_files import sha256_of

__all__ = [
    "VisionTransformer",
    "load_b",
    "load_b_edm2",
    "load_l",
    "load_l_edm2",
    "load_transformer",
    "positions",
]

SIZE = 224
PATCH = 14
GRID = SIZE // PATCH
TRAINED_GRID = 518 // PATCH
# Images at a time on a CPU; more than 2 are not faster.
CPU_IMAGES = 2


def load_b(weight_file: Path, device: torch.device) -> FeatureNetwork:
    """Return ViT-B/14 with 86 million parameters; see ``fringe.networks.load_network``.

    The file is a state dict with the names of the official checkpoint.
    """
    return load_transformer("dinov2-b", weight_file, device, dim=768, depth=12, heads=12)


def load_l(weight_file: Path, device: torch.device) -> FeatureNetwork:
    """Return ViT-L/14 with 304 million parameters; see `load_b`."""
    return load_transformer("dinov2-l", weight_file, device, dim=1024, depth=24, heads=16)


def load_b_edm2(weight_file: Path, device: torch.device) -> FeatureNetwork:
    """Return ViT-B/14 with EDM2's resize; see `load_b`."""
    return load_transformer(
        "dinov2-b-edm2",
        weight_file,
        device,
        dim=768,
        depth=12,
        heads=12,
        preprocess=preprocess_edm2,
    )


def load_l_edm2(weight_file: Path, device: torch.device) -> FeatureNetwork:
    """Return ViT-L/14 with EDM2's resize; see `load_b`."""
    return load_transformer(
        "dinov2-l-edm2",
        weight_file,
        device,
        dim=1024,
        depth=24,
        heads=16,
        preprocess=preprocess_edm2,
    )


def preprocess(images: Tensor) -> Tensor:
    """Return uint8 (N, 3, H, W) as the float32 (N, 3, 224, 224) that the network was trained on."""
    return normalized(resized(images, (SIZE, SIZE), "bicubic"), *IMAGENET)


def preprocess_edm2(images: Tensor) -> Tensor:
    """Return uint8 (N, 3, H, W) as float32 (N, 3, 224, 224) with EDM2's resize."""
    pixels = functional.interpolate(images.float(), (SIZE, SIZE), mode="bicubic", antialias=True)
    return normalized(pixels, *IMAGENET)


def load_transformer(
    name: str,
    weight_file: Path,
    device: torch.device,
    *,
    dim: int,
    depth: int,
    heads: int,
    preprocess: Callable[[Tensor], Tensor] = preprocess,
) -> FeatureNetwork:
    """Return a network with ``depth`` blocks and tokens of length ``dim``; see `load_b`."""
    with torch.device("meta"):
        model = VisionTransformer(dim, depth, heads)
    fill(model, read_state(weight_file), weight_file, name, ignore=("mask_token",))
    model.pos_embed = nn.Parameter(positions(model.pos_embed), requires_grad=False)
    model.to(device)

    def compute(images: Tensor) -> Activations:
        return Activations(model(preprocess(images)))

    def forward(images: Tensor) -> Activations:
        return by_parts(compute, images, CPU_IMAGES)

    def stream(images: Tensor) -> Tensor:
        return model.stream(preprocess(images))

    split = split_at_last_attention(stream, model.last.norm1, model.head, CPU_IMAGES)
    digest = sha256_of(weight_file, name)
    return FeatureNetwork(name, dim, None, digest, device, forward, split=split)


def positions(trained: Tensor) -> Tensor:
    """Return position embeddings of 16 x 16 patches, (1, 257, D), from those of 37 x 37 patches.

    The embeddings of the patches are interpolated by cubic convolution (a = -3/4, no antialiasing).
    The embedding of the class token, the first one, is kept. As in the official code, the scale is
    (16 + 0.1) / 37, and not 16 / 37, which shifts the samples a little.
    """
    of_class, of_patches = trained[:, :1], trained[:, 1:]
    scale = (GRID + 0.1) / TRAINED_GRID
    square = of_patches.reshape(1, TRAINED_GRID, TRAINED_GRID, -1).permute(0, 3, 1, 2)
    smaller = functional.interpolate(square, scale_factor=(scale, scale), mode="bicubic")
    return torch.cat([of_class, smaller.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)


class VisionTransformer(nn.Module):
    """A network from normalized images (N, 3, 224, 224) to the normalized class token (N, dim).

    It is built with position embeddings of the size in the checkpoints, (1, 1370, dim). Before it
    is used, they must be replaced by the result of `positions`.
    """

    def __init__(self, dim: int, depth: int, heads: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.empty(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.empty(1, 1 + TRAINED_GRID**2, dim))
        self.patch_embed = _named(proj=nn.Conv2d(3, dim, PATCH, PATCH))
        self.blocks = nn.Sequential(*(_Block(dim, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the features."""
        result: Tensor = self.norm(self.blocks(self._embedded(pixels))[:, 0])
        return result

    def stream(self, pixels: Tensor) -> Tensor:
        """Return the tokens (N, 257, dim) that the last block takes."""
        result: Tensor = self.blocks[:-1](self._embedded(pixels))
        return result

    def head(self, of_class: Tensor, tokens: Tensor) -> Tensor:
        """Return the features; `split_at_last_attention` explains the arguments."""
        mixed = self.last.attn(tokens, queries=1)
        result: Tensor = self.norm(self.last.finish(of_class, mixed[:, 0]))
        return result

    @property
    def last(self) -> _Block:
        """The last block."""
        return self.blocks[-1]  # type: ignore[return-value]

    def _embedded(self, pixels: Tensor) -> Tensor:
        patches = self.patch_embed(pixels).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], dim=1)
        return tokens + self.pos_embed


class _Block(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = _Attention(dim, heads)
        self.ls1 = _LayerScale(dim)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = _named(fc1=nn.Linear(dim, 4 * dim), act=nn.GELU(), fc2=nn.Linear(4 * dim, dim))
        self.ls2 = _LayerScale(dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.finish(x, self.attn(self.norm1(x)))

    def finish(self, x: Tensor, mixed: Tensor) -> Tensor:
        """Return the block's output for tokens (..., dim) and the attention's output for each."""
        x = x + self.ls1(mixed)
        result: Tensor = x + self.ls2(self.mlp(self.norm2(x)))
        return result


class _Attention(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, queries: int | None = None) -> Tensor:
        """Return the attention of the first ``queries`` tokens (by default all) to all tokens."""
        # (N, tokens, 3 dim) to three of (N, heads, tokens, dim / heads)
        query, key, value = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query[:, :, :queries], key, value)
        result: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return result


class _LayerScale(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.empty(dim))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


def _named(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))
