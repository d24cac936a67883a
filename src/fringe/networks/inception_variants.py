"""TensorFlow's Inception-V3 as in other tools: with other resizes, or with the features of sFID.

All of these networks use the weight files of `fringe.networks.inception`, so their distances differ
only for the following reasons.

* ``inception-clean`` resizes as clean-fid does (Parmar et al., CVPR 2022, ``resize.py``): Pillow's
  antialiased bicubic resize of each channel in floats (mode F), limited to [0, 255] and not rounded
  to grey levels; then (x - 128) / 128.
* ``inception-pytorch-fid`` resizes as pytorch-fid does (``inception.py``), and dgm-eval by default:
  PyTorch's bilinear interpolation of x / 255 with half-pixel centres and without antialiasing; then
  2 x - 1, which is x / 127.5 - 1 in grey levels.
* ``inception-spatial`` has the spatial features of sFID (Nash et al., ICML 2021) as in ADM's suite
  (guided-diffusion, ``evaluator.py``): the first 7 channels of TensorFlow's ``mixed_6/conv``, which
  is the branch ``branch1x1`` of Mixed_6d after ReLU, at all 17 x 17 places. The 2,023 features are
  in the order of row, column and channel. A Fréchet distance does not depend on the order.
  dgm-eval's ``sinception`` uses 7 channels of another block (Mixed_6e), so its values are not
  comparable.
"""

from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from fringe.networks.base import Activations, FeatureNetwork
from fringe.networks.cpu_batches import by_parts
from fringe.networks.inception import (
    CPU_IMAGES,
    SIZE,
    as_tensorflow,
    load_resized,
    preprocess,
    read_model,
)
from fringe.networks.resizing import resized_floats
from fringe.networks.weight_files import sha256_of

__all__ = ["clean", "load_clean", "load_pytorch_fid", "load_spatial", "pytorch_fid"]

CHANNELS = 7
SIDE = 17


def load_clean(weight_file: Path, device: torch.device) -> FeatureNetwork:
    """Return the network with clean-fid's resize; see ``fringe.networks.load_network``."""
    return load_resized("inception-clean", weight_file, device, clean)


def load_pytorch_fid(weight_file: Path, device: torch.device) -> FeatureNetwork:
    """Return the network with pytorch-fid's resize; see ``fringe.networks.load_network``."""
    return load_resized("inception-pytorch-fid", weight_file, device, pytorch_fid)


def load_spatial(weight_file: Path, device: torch.device) -> FeatureNetwork:
    """Return the network up to the features of sFID; see ``fringe.networks.load_network``.

    Its ``split`` is between the maps (N, 7, 17, 17) and the features, which are the same numbers in
    another order.
    """
    name = "inception-spatial"
    digest = sha256_of(weight_file, name)
    model = read_model(name, weight_file)
    # All branches of Mixed_6d take the same maps, and the other branches are not needed.
    before = [
        layer for _, layer in takewhile(lambda item: item[0] != "Mixed_6d", model.named_children())
    ]
    branch = model.get_submodule("Mixed_6d.branch1x1")
    trunk = nn.Sequential(*before, branch).to(device).to(memory_format=torch.channels_last)

    def compute(images: Tensor) -> Activations:
        return Activations(flattened(trunk(preprocess(images))[:, :CHANNELS]))

    def forward(images: Tensor) -> Activations:
        return by_parts(compute, images, CPU_IMAGES)

    def split(images: Tensor) -> tuple[Tensor, Callable[[Tensor], Activations]]:
        places = forward(images).features.view(-1, SIDE, SIDE, CHANNELS)
        return places.permute(0, 3, 1, 2), lambda maps: Activations(flattened(maps))

    dim = CHANNELS * SIDE**2
    return FeatureNetwork(name, dim, None, digest, device, forward, split=split)


def flattened(maps: Tensor) -> Tensor:
    """Return maps (N, C, H, W) as rows (N, H * W * C), the order of TensorFlow's layout."""
    return maps.permute(0, 2, 3, 1).flatten(1)


def clean(images: Tensor) -> Tensor:
    """Return uint8 (N, 3, H, W) as clean-fid's float32 (N, 3, 299, 299); see above."""
    return as_tensorflow(resized_floats(images, (SIZE, SIZE), "bicubic").clamp(0, 255))


def pytorch_fid(images: Tensor) -> Tensor:
    """Return uint8 (N, 3, H, W) as pytorch-fid's float32 (N, 3, 299, 299); see above."""
    pixels = interpolate(images.float() / 255, (SIZE, SIZE), mode="bilinear", align_corners=False)
    return (2 * pixels - 1).contiguous(memory_format=torch.channels_last)
