"""A seeded random network, the control: a feature space that never saw ImageNet.

Two random convolutions with ReLU, each halving the resolution. The features are means and standard
deviations over space of the colours (6) and of each convolution's 24 maps (2 x 48), so D = 102.
Input is resized to 64 x 64 with antialiased bilinear interpolation on unquantized floats and mapped
to (x - 127) / 64.

Choices that matter, tried on photographs and imitations (1,500 each):

* First filters have zero mean in every channel. Otherwise all features repeat how bright an image
  is, which varies so much between photographs that nothing else shows in a Fréchet distance.
* 64 pixels. At 32 little but colour and composition is left; at an image's own resolution the maps
  answer almost only to the slight blur of any interpolation.
* Two convolutions, not three: a deeper random network adds variance, and no difference.
* Constants bring the features to order-one deviation on photographs; they are fixed, not fitted.

Between 1,500 photographs and 1,500 imitations (seed 3) of severity 0.2, 0.4 and 0.8 the distance is
then 1.1, 2.8 and 23 times that between two samples of 1,500 photographs.

A control is one witness: it misses what its features miss, so a run may name several.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fringe.errors import FringeError
from fringe.networks.base import Activations, FeatureNetwork
from fringe.networks.cpu_batches import by_parts

__all__ = ["load", "random_filters"]

NAME = "untrained"
SEED = 0
SIZE = 64
CHANNELS = (3, 24, 24)
KERNELS = (5, 3)
# One over the standard deviation between photographs, roughly, of means and deviations over space.
COLOUR_SCALE = 1.6, 3.0
TEXTURE_SCALE = 12.0, 10.0
# Images at a time on a CPU: few enough for their maps to stay in its cache.
CPU_IMAGES = 8


def load(weight_file: Path | None, device: torch.device) -> FeatureNetwork:
    """Return the network; see ``fringe.networks.load_network``."""
    if weight_file is not None:
        raise FringeError(f"{weight_file}: network {NAME!r} makes its own weights; name no file")
    filters = random_filters(SEED)
    digest = hashlib.sha256(b"".join(f.astype("<f4").tobytes() for f in filters)).hexdigest()
    kernels = [torch.from_numpy(f).to(device) for f in filters]

    def compute(images: Tensor) -> Activations:
        return Activations(statistics(images, kernels))

    def forward(images: Tensor) -> Activations:
        return by_parts(compute, images, CPU_IMAGES)

    dim = 2 * sum(CHANNELS)
    return FeatureNetwork(NAME, dim, None, digest, device, forward)


def random_filters(seed: int) -> list[np.ndarray]:
    """Return float32 filters (out, in, k, k) whose squares sum to 2 over each (in, k, k).

    Drawn by NumPy's frozen generator, so they are the same under every version of every package.
    """
    stream = np.random.RandomState(seed)
    filters: list[np.ndarray] = []
    for (inputs, outputs), size in zip(pairwise(CHANNELS), KERNELS, strict=True):
        weight_file = stream.standard_normal((outputs, inputs, size, size))
        if not filters:
            weight_file -= weight_file.mean(axis=(2, 3), keepdims=True)
        # He et al. 2015: variance 2 / fan-in keeps the size of activations through ReLU.
        weight_file *= np.sqrt(2 / (weight_file**2).sum(axis=(1, 2, 3), keepdims=True))
        filters.append(weight_file.astype(np.float32))
    return filters


def statistics(images: Tensor, kernels: list[Tensor]) -> Tensor:
    """Return the features (N, D) of uint8 images (N, 3, H, W)."""
    x = images.float().contiguous()
    if x.shape[2:] != (SIZE, SIZE):
        x = functional.interpolate(x, (SIZE, SIZE), mode="bilinear", antialias=True)
    x = (x - 127) / 64
    features = _over_space(x, *COLOUR_SCALE)
    for kernel in kernels:
        x = functional.conv2d(x, kernel, stride=2, padding=kernel.shape[-1] // 2).relu_()
        features += _over_space(x, *TEXTURE_SCALE)
    return torch.cat(features, dim=1)


def _over_space(x: Tensor, mean_scale: float, deviation_scale: float) -> list[Tensor]:
    deviation, mean = torch.std_mean(x, (2, 3), correction=0)
    return [mean_scale * mean, deviation_scale * deviation]
