"""A seeded random network as a control: a feature space that never saw ImageNet.

The network has two random convolutions with ReLU, each of which halves the resolution. The features
are means and standard deviations over space of the colours (6) and of the 24 maps of each
convolution (2 x 48), so D = 102. Images are resized to 64 x 64 with antialiased bilinear
interpolation on unquantized floats and mapped to (x - 127) / 64.

These choices were tested on photographs and imitations (1,500 each):

* The first filters have zero mean in every channel. Otherwise, all features would repeat the
  brightness of the image. Brightness varies so much between photographs that it would hide all
  other differences in a Fréchet distance.
* Images have 64 pixels. At 32 pixels, little more than colour and composition is left. At the
  image's own resolution, the maps depend almost only on the slight blur of any interpolation.
* There are two convolutions and not three, because a deeper random network increases the variance
  without showing larger differences.
* Constants scale the features to a deviation of about 1 on photographs. They are fixed, not fitted.

With these choices, the distance between 1,500 photographs and 1,500 imitations (seed 3) of severity
0.2, 0.4 and 0.8 is 1.1, 2.8 and 23 times the distance between two samples of 1,500 photographs.

A control does not detect differences that its features do not show, so a run may name several
controls.
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
# About 1 / (standard deviation between photographs) of means and of deviations over space.
COLOUR_SCALE = 1.6, 3.0
TEXTURE_SCALE = 12.0, 10.0
# Images at a time on a CPU: few enough for their maps to stay in its cache.
CPU_IMAGES = 8


def load(weight_file: Path | None, device: torch.device) -> FeatureNetwork:
    """Return the network; see ``fringe.networks.load_network``."""
    if weight_file is not None:
        raise FringeError(
            f"{weight_file}: network {NAME!r} needs no weight file; do not name a file"
        )
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

    The filters are drawn with NumPy's frozen generator, so they do not depend on the versions of
    packages.
    """
    stream = np.random.RandomState(seed)
    filters: list[np.ndarray] = []
    for (inputs, outputs), size in zip(pairwise(CHANNELS), KERNELS, strict=True):
        kernel = stream.standard_normal((outputs, inputs, size, size))
        if not filters:
            kernel -= kernel.mean(axis=(2, 3), keepdims=True)
        # He et al. 2015: variance 2 / fan-in keeps the size of activations through ReLU.
        kernel *= np.sqrt(2 / (kernel**2).sum(axis=(1, 2, 3), keepdims=True))
        filters.append(kernel.astype(np.float32))
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
