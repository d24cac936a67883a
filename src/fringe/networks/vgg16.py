"""VGG-16 up to its second fully connected layer, for improved precision and recall.

There are two trainings: ``vgg16`` is that of torchvision, and ``vgg16-nvidia`` is that of NVIDIA's
code for precision and recall.

Features are ``fc2`` after ReLU (4096), as in Kynkäänniemi et al., NeurIPS 2019, section 2. Images
are resized to 224 x 224 as in TensorFlow 1 (bilinear, no half-pixel centres, no antialiasing). Both
NVIDIA's code and torch-fidelity use this resize. Then images are normalized with ImageNet's mean
and standard deviation.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x
from torchvision.models import vgg16

from fringe.checkpoints import read_state
from fringe.networks.base import Activations, FeatureNetwork
from fringe.networks.cpu_batches import by_parts
from fringe.networks.resizing import IMAGENET, normalized
from fringe.networks.state_dicts import fill
from fringe.networks.weight_files import sha256_of

__all__ = ["load", "load_nvidia", "torchvision_names"]

DIM = 4096
SIZE = 224
# Positions of the 13 convolutions in torchvision's ``features``.
CONVOLUTIONS = 0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28
# Images at a time on a CPU: few, for the cache, but not 1, because each part reads fc1's 411 MB.
CPU_IMAGES = 4


def load(weight_file: Path, device: torch.device) -> FeatureNetwork:
    """Return torchvision's training; see ``fringe.networks.load_network``.

    The file is a state dict with the names of torchvision or of NVIDIA; see `torchvision_names`.
    """
    return _load("vgg16", weight_file, device)


def load_nvidia(weight_file: Path, device: torch.device) -> FeatureNetwork:
    """Return the training in NVIDIA's TorchScript archive; see ``fringe.networks.load_network``.

    The file may have the names of NVIDIA or of torchvision; see `torchvision_names`.
    """
    return _load("vgg16-nvidia", weight_file, device)


def _load(name: str, weight_file: Path, device: torch.device) -> FeatureNetwork:
    with torch.device("meta"):
        model = vgg16()
    model.classifier = nn.Sequential(*model.classifier[:5])
    state = torchvision_names(read_state(weight_file))
    fill(model, state, weight_file, name, ignore=("classifier.6.", "lpips"))
    model.to(device).to(memory_format=torch.channels_last)

    def compute(images: Tensor) -> Activations:
        return Activations(model(preprocess(images)))

    def forward(images: Tensor) -> Activations:
        return by_parts(compute, images, CPU_IMAGES)

    return FeatureNetwork(name, DIM, None, sha256_of(weight_file, name), device, forward)


def preprocess(images: Tensor) -> Tensor:
    """Return uint8 (N, 3, H, W) as normalized float32 (N, 3, 224, 224)."""
    pixels = interpolate_bilinear_2d_like_tensorflow1x(
        images.float(), size=(SIZE, SIZE), align_corners=False
    )
    return normalized(pixels, *IMAGENET)


def torchvision_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return ``state`` with torchvision's names if it has the names of NVIDIA's ``vgg16.pt``.

    In that file, the 13 convolutions are ``layers.conv1`` to ``layers.conv13``, and the fully
    connected layers are ``layers.fc1`` to ``layers.fc3``. ``fc1`` takes the last maps in the order
    of channel, row and column, as torchvision's ``classifier.0`` does. Both facts are known only
    from a third party's description.
    """
    names = {f"conv{k}": f"features.{place}" for k, place in enumerate(CONVOLUTIONS, start=1)}
    names |= {"fc1": "classifier.0", "fc2": "classifier.3", "fc3": "classifier.6"}
    return {
        re.sub(r"^layers\.(\w+)", lambda found: names.get(found[1], found[0]), key): value
        for key, value in state.items()
    }
