"""The image towers of CLIP, which learnt from captions.

``clip`` is ViT-B/32 at 224 x 224, the network of the paper. ``clip-l14-336`` is ViT-L/14 at
336 x 336, the network of CMMD (Jayasumana et al., CVPR 2024). Features are the projected class
token (512 and 768), not normalized. The paper has Fréchet distances up to 16, but between unit
vectors no Fréchet distance exceeds 4. CMMD divides each feature vector by its length.

Images are prepared as in OpenAI's code: Pillow's bicubic resize of the shorter side to 224 or 336,
rounded to grey levels, then the central square, then CLIP's mean and standard deviation. The kernel
of the paper's file is not published. torch-fidelity resizes like TensorFlow 1 instead, so its
distances differ. cmmd-pytorch (``io_util.py``) crops the central square first, and then resizes it
in the same way. So the pixels of square images are equal, and those of other images almost equal.
The weight files are in half precision. They are converted to float32, and all computations are in
float32.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch_fidelity.feature_extractor_clip import VisionTransformer
from torchvision.transforms.functional import center_crop

from fringe.checkpoints import read_state
from fringe.networks.base import Activations, FeatureNetwork
from fringe.networks.cpu_batches import by_parts
from fringe.networks.resizing import normalized, resized_shorter_side
from fringe.networks.state_dicts import fill
from fringe.networks.tokens import split_at_last_attention
from fringe.networks.weight_files import sha256_of

__all__ = ["load", "load_l14_336", "preprocess"]

MEAN = 0.48145466, 0.4578275, 0.40821073
STD = 0.26862954, 0.26130258, 0.27577711


@dataclass(frozen=True)
class Tower:
    """The sizes of a vision transformer, and the number of images that a CPU computes at a time."""

    name: str
    size: int
    patch: int
    width: int
    layers: int
    heads: int
    dim: int
    cpu_images: int


# Images at a time on a CPU: enough for efficient matrix products of their tokens (50 or 577).
B32 = Tower("clip", 224, 32, 768, 12, 12, 512, cpu_images=8)
L14_336 = Tower("clip-l14-336", 336, 14, 1024, 24, 16, 768, cpu_images=1)


def load(weight_file: Path, device: torch.device) -> FeatureNetwork:
    """Return ViT-B/32; see ``fringe.networks.load_network``.

    The file is OpenAI's TorchScript archive, or a state dict of the whole model (only ``visual.*``
    is used) or of the image tower.
    """
    return load_tower(B32, weight_file, device)


def load_l14_336(weight_file: Path, device: torch.device) -> FeatureNetwork:
    """Return ViT-L/14 at 336 x 336; see `load`."""
    return load_tower(L14_336, weight_file, device)


def load_tower(kind: Tower, weight_file: Path, device: torch.device) -> FeatureNetwork:
    """Return the tower with the sizes ``kind``; see `load`."""
    name = kind.name
    with torch.device("meta"):
        tower = VisionTransformer(
            input_resolution=kind.size,
            patch_size=kind.patch,
            width=kind.width,
            layers=kind.layers,
            heads=kind.heads,
            output_dim=kind.dim,
        )
    fill(tower, image_tower(read_state(weight_file)), weight_file, name).to(device)

    def compute(images: Tensor) -> Activations:
        return Activations(tower(preprocess(images, kind.size)))

    def forward(images: Tensor) -> Activations:
        return by_parts(compute, images, kind.cpu_images)

    split = split_at_last_attention(
        partial(stream, tower),
        tower.transformer.resblocks[-1].ln_1,
        partial(head, tower),
        kind.cpu_images,
    )
    digest = sha256_of(weight_file, name)
    return FeatureNetwork(name, kind.dim, None, digest, device, forward, split=split)


def image_tower(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the entries of the image tower by their names inside the tower."""
    prefix = "visual."
    of_model = {key: value for key, value in state.items() if key.startswith(prefix)}
    return {key.removeprefix(prefix): value for key, value in (of_model or state).items()}


def preprocess(images: Tensor, size: int = B32.size) -> Tensor:
    """Return uint8 (N, 3, H, W) as the float32 (N, 3, size, size) that CLIP was trained on."""
    pixels = center_crop(resized_shorter_side(images, size, "bicubic"), [size, size])
    return normalized(pixels, MEAN, STD)


def stream(tower: VisionTransformer, images: Tensor) -> Tensor:
    """Return the tokens (N, T, width) of uint8 images as the last block of ``tower`` takes them."""
    patches = tower.conv1(preprocess(images, tower.input_resolution)).flatten(2).transpose(1, 2)
    of_class = tower.class_embedding.expand(len(patches), 1, -1)
    tokens = tower.ln_pre(torch.cat([of_class, patches], dim=1) + tower.positional_embedding)
    # The blocks take tokens first, then images.
    result: Tensor = tower.transformer.resblocks[:-1](tokens.transpose(0, 1)).transpose(0, 1)
    return result


def head(tower: VisionTransformer, of_class: Tensor, tokens: Tensor) -> Tensor:
    """Return features (N, dim); `split_at_last_attention` explains the arguments."""
    last = tower.transformer.resblocks[-1]
    tokens = tokens.transpose(0, 1)
    mixed, _ = last.attn(tokens[:1], tokens, tokens, need_weights=False)
    x = of_class + mixed[0]
    x = x + last.mlp(last.ln_2(x))
    result: Tensor = tower.ln_post(x) @ tower.proj
    return result
