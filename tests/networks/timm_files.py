"""Models of timm with random weights, their files as on the hub, and timm's pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from timm.data import create_transform, resolve_data_config
from timm.models import get_pretrained_cfg
from torch import Tensor


def random_model(name: str, seed: int, **settings: Any) -> Any:
    """Return a model of timm with random weights, all of which affect the result."""
    torch.manual_seed(seed)
    model = timm.create_model(name, num_classes=get_pretrained_cfg(name).num_classes, **settings)
    stream = torch.Generator().manual_seed(seed)
    for key, tensor in model.state_dict().items():
        if not tensor.is_floating_point() or key.endswith("running_var"):
            continue
        # timm initializes biases, tokens and the last layers of blocks with zeros.
        tensor.add_(0.05 * torch.randn(tensor.shape, generator=stream))
    return model.eval().requires_grad_(False)


def write_model(model: Any, path: Path) -> None:
    """Write a model as in timm's repositories on the hub: ``model.safetensors``."""
    save_file({key: tensor.contiguous() for key, tensor in model.state_dict().items()}, path)


def prepared(model: Any, images: Tensor) -> Tensor:
    """Return images as timm prepares them for the model, one by one with Pillow."""
    transform = create_transform(**resolve_data_config({}, model=model), is_training=False)
    pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images]
    return torch.stack([transform(picture) for picture in pictures])
