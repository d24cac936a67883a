"""ResNet-50: torchvision's ImageNet classifier, and SwAV, which was trained without labels.

``resnet50`` is the classifier with the V1 weights and their preset: the shorter side is resized to
256 with antialiased bilinear interpolation and rounded to grey levels, and the central 224 x 224
pixels are used. The file and the preset that gave the paper's values are not published.

``swav`` is the same architecture with the weights of Caron et al., NeurIPS 2020, after 800 epochs.
Morozov et al., ICLR 2021, proposed this network for evaluation. As in their work, Pillow's bilinear
resize scales the shorter side to 224, and nothing is cropped, so a wide image has wider maps.

Features are the global average of the last maps (2048 x 7 x 7). Batch normalization is folded into
the convolutions before it, which changes features by about one part in a million.
"""

from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models import ResNet50_Weights, resnet50

from fringe.checkpoints import read_state
from fringe.networks.base import Activations, FeatureNetwork
from fringe.networks.class_names import torchvision_classes
from fringe.networks.cpu_batches import by_parts
from fringe.networks.pooling import pooled
from fringe.networks.resizing import IMAGENET, normalized, resized_shorter_side
from fringe.networks.state_dicts import fill
from fringe.networks.weight_files import sha256_of

__all__ = ["fold_norms", "load", "load_swav"]

# Images at a time on a CPU: few enough for their maps to stay in its cache.
CPU_IMAGES = 4


def load(weight_file: Path, device: torch.device) -> FeatureNetwork:
    """Return torchvision's classifier; see ``fringe.networks.load_network``.

    The file is a state dict with torchvision's names.
    """
    name = "resnet50"
    with torch.device("meta"):
        model = resnet50()
    fill(model, read_state(weight_file), weight_file, name)
    trunk = trunk_of(model, device)
    head = model.fc.to(device)
    preset = ResNet50_Weights.IMAGENET1K_V1.transforms()

    def compute(images: Tensor) -> Activations:
        return pooled(trunk(preset(images).contiguous(memory_format=torch.channels_last)), head)

    def forward(images: Tensor) -> Activations:
        return by_parts(compute, images, CPU_IMAGES)

    digest = sha256_of(weight_file, name)
    return FeatureNetwork(
        name,
        head.in_features,
        torchvision_classes(),
        digest,
        device,
        forward,
        classifier=head.weight,
    )


def load_swav(weight_file: Path, device: torch.device) -> FeatureNetwork:
    """Return SwAV's trunk; see ``fringe.networks.load_network``.

    The file is a state dict with torchvision's names. The layers that SwAV needs only for training
    (``projection_head``, ``prototypes``) are ignored.
    """
    name = "swav"
    with torch.device("meta"):
        model = resnet50()
    width = model.fc.in_features
    model.fc = nn.Identity()
    fill(
        model,
        read_state(weight_file),
        weight_file,
        name,
        ignore=("projection_head.", "prototypes."),
    )
    trunk = trunk_of(model, device)

    def compute(images: Tensor) -> Activations:
        pixels = resized_shorter_side(images, 224, "bilinear")
        return pooled(trunk(normalized(pixels, *IMAGENET)))

    def forward(images: Tensor) -> Activations:
        return by_parts(compute, images, CPU_IMAGES)

    return FeatureNetwork(name, width, None, sha256_of(weight_file, name), device, forward)


def trunk_of(model: nn.Module, device: torch.device) -> nn.Sequential:
    """Return the layers before the pooling of a torchvision ResNet, ready for inference."""
    fold_norms(model)
    layers = [layer for name, layer in model.named_children() if name not in ("avgpool", "fc")]
    return nn.Sequential(*layers).to(device).to(memory_format=torch.channels_last)


def fold_norms(model: nn.Module) -> None:
    """Fold each batch normalization of ``model`` into the convolution defined just before it.

    This works for models whose modules are used in the order of their definition, such as those of
    torchvision.
    """
    for module in model.modules():
        for (name, layer), (after, norm) in pairwise(list(module.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(layer, norm))
                setattr(module, after, nn.Identity())
