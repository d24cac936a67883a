"""The image tower of CLIP ViT-B/32: what a network sees that learnt from captions.

Features are the projected class token (512), not normalized: between unit vectors no Fréchet
distance exceeds 4, and the paper has values up to 16.

Input is prepared as in OpenAI's code: Pillow's bicubic resize of the shorter side to 224, rounded
to grey levels, the central square, then CLIP's own mean and standard deviation. The kernel of the
paper's file is not published; torch-fidelity resizes like TensorFlow 1 instead, so its distances
differ. Weights are published in half precision; they are used, and all is computed, in float32.
"""

from collections.abc import Mapping
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

__all__ = ["load", "preprocess"]

NAME = "clip"
DIM = 512
SIZE = 224
MEAN = 0.48145466, 0.4578275, 0.40821073
STD = 0.26862954, 0.26130258, 0.27577711
# Images at a time on a CPU: enough to make matrix products of their 50 tokens each worth while.
CPU_IMAGES = 8


def load(weights: Path, device: torch.device) -> FeatureNetwork:
    """Return the network; see ``fringe.networks.load_network``.

    The file is OpenAI's TorchScript archive, or a state dict of the whole model (of which
    ``visual.*`` is taken) or of the image tower alone.
    """
    with torch.device("meta"):
        tower = VisionTransformer(
            input_resolution=SIZE, patch_size=32, width=768, layers=12, heads=12, output_dim=DIM
        )
    fill(tower, image_tower(read_state(weights)), weights, NAME).to(device)

    def compute(images: Tensor) -> Activations:
        return Activations(tower(preprocess(images)))

    def forward(images: Tensor) -> Activations:
        return by_parts(compute, images, CPU_IMAGES)

    split = split_at_last_attention(
        partial(stream, tower),
        tower.transformer.resblocks[-1].ln_1,
        partial(head, tower),
        CPU_IMAGES,
    )
    digest = sha256_of(weights, NAME)
    return FeatureNetwork(NAME, DIM, None, digest, device, forward, split=split)


def image_tower(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the entries of the image tower, under their names inside it."""
    prefix = "visual."
    of_model = {key: value for key, value in state.items() if key.startswith(prefix)}
    return {key.removeprefix(prefix): value for key, value in (of_model or state).items()}


def preprocess(images: Tensor) -> Tensor:
    """Return uint8 (N, 3, H, W) as the float32 (N, 3, 224, 224) that CLIP was trained on."""
    pixels = center_crop(resized_shorter_side(images, SIZE, "bicubic"), [SIZE, SIZE])
    return normalized(pixels, MEAN, STD)


def stream(tower: VisionTransformer, images: Tensor) -> Tensor:
    """Return the tokens (N, 50, 768) of uint8 images as the last block of ``tower`` takes them."""
    patches = tower.conv1(preprocess(images)).flatten(2).transpose(1, 2)
    of_class = tower.class_embedding.expand(len(patches), 1, -1)
    tokens = tower.ln_pre(torch.cat([of_class, patches], dim=1) + tower.positional_embedding)
    # The blocks take tokens first, then images.
    result: Tensor = tower.transformer.resblocks[:-1](tokens.transpose(0, 1)).transpose(0, 1)
    return result


def head(tower: VisionTransformer, of_class: Tensor, tokens: Tensor) -> Tensor:
    """Return features (N, 512); see `split_at_last_attention` for what they are made of."""
    last = tower.transformer.resblocks[-1]
    tokens = tokens.transpose(0, 1)
    mixed, _ = last.attn(tokens[:1], tokens, tokens, need_weights=False)
    x = of_class + mixed[0]
    x = x + last.mlp(last.ln_2(x))
    result: Tensor = tower.ln_post(x) @ tower.proj
    return result
