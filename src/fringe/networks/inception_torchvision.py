"""The Inception-V3 of torchvision, an ImageNet classifier of the same design (Figure 8b).

The parameters are from another training, ported from TensorFlow. The network differs in details
from that of 2015 (`fringe.networks.inception`): average pooling includes the padding, the last
block has only average pools, and the 1,000 logits are in torchvision's order. Features are the
global average of the last maps (2048 x 8 x 8).

The paper does not state how it prepared images. Here, the whole image is resized to 299 x 299 with
antialiased bilinear interpolation on unquantized floats, as is usual for FID with TensorFlow's
network. torchvision's preset for classification resizes the shorter side to 342 and crops the
central 299 pixels, which would remove a quarter of the image. Values are mapped to x / 127.5 - 1,
which equals ImageNet's mean and deviation followed by torchvision's ``transform_input``.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import inception_v3

from fringe.checkpoints import read_state
from fringe.networks.base import Activations, FeatureNetwork
from fringe.networks.class_names import torchvision_classes
from fringe.networks.cpu_batches import by_parts
from fringe.networks.pooling import pooled
from fringe.networks.resnet50 import fold_norms
from fringe.networks.state_dicts import fill
from fringe.networks.weight_files import sha256_of

__all__ = ["load", "preprocess"]

NAME = "inception-torchvision"
SIZE = 299
# Images at a time on a CPU: few enough for their maps to stay in its cache.
CPU_IMAGES = 4


def load(weight_file: Path, device: torch.device) -> FeatureNetwork:
    """Return the network; see ``fringe.networks.load_network``.

    The file is a state dict with torchvision's names. Its auxiliary classifier is ignored.
    """
    digest = sha256_of(weight_file, NAME)
    with torch.device("meta"):
        model = inception_v3(aux_logits=False, init_weights=False)
    fill(model, read_state(weight_file), weight_file, NAME, ignore=("AuxLogits.",))
    fold_norms(model)
    head = model.fc.to(device)
    layers = [
        layer for name, layer in model.named_children() if name not in ("avgpool", "dropout", "fc")
    ]
    trunk = nn.Sequential(*layers).to(device).to(memory_format=torch.channels_last)

    def compute(images: Tensor) -> Activations:
        return pooled(trunk(preprocess(images)), head)

    def forward(images: Tensor) -> Activations:
        return by_parts(compute, images, CPU_IMAGES)

    return FeatureNetwork(
        NAME,
        head.in_features,
        torchvision_classes(),
        digest,
        device,
        forward,
        classifier=head.weight,
    )


def preprocess(images: Tensor) -> Tensor:
    """Return uint8 (N, 3, H, W) as the float32 (N, 3, 299, 299) that the network was trained on."""
    pixels = images.float()
    if pixels.shape[2:] != (SIZE, SIZE):
        pixels = nn.functional.interpolate(pixels, (SIZE, SIZE), mode="bilinear", antialias=True)
    return (pixels / 127.5 - 1).contiguous(memory_format=torch.channels_last)
