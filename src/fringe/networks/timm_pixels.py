"""Prepare images as timm does for the evaluation of a model.

This is timm's ``create_transform(**resolve_data_config(...))`` without augmentation: Pillow's
resize to the model's input size divided by ``crop_pct``, the central part, a division by 255, and
the mean and standard deviation (``timm/data/transforms_factory.py``, ``transforms_imagenet_eval``).
Here it is computed on tensors, and gives the same numbers on any device.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.functional import center_crop

from fringe.errors import FringeError
from fringe.networks.resizing import KERNELS, normalized, resized, resized_shorter_side

__all__ = ["Preparation", "preparation"]


@dataclass(frozen=True)
class Preparation:
    """The preparation of images for a model.

    Parameters
    ----------
    size : (int, int)
        Height and width of the model's input.
    scaled : (int, int)
        Height and width after the resize, from which the central ``size`` is cropped.
    kernel : {"bilinear", "bicubic"}
    mode : {"center", "squash", "border"}
        "center" resizes the shorter side and keeps the shape. "squash" resizes without keeping the
        shape. "border" resizes the longer side, keeps the shape and fills the rest with ``mean``.
    mean, std : tuple of float
        Mean and deviation of red, green and blue, for values from 0 to 1.
    """

    size: tuple[int, int]
    scaled: tuple[int, int]
    kernel: str
    mode: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __call__(self, images: Tensor) -> Tensor:
        """Return uint8 (N, 3, H, W) as normalized float32 (N, 3, *size)."""
        return normalized(self._pixels(images), self.mean, self.std)

    def _pixels(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        if self.mode == "squash":
            return _cropped(resized(images, self.scaled, self.kernel), self.size)
        if self.mode == "center" and self.scaled[0] == self.scaled[1]:
            pixels = resized_shorter_side(images, self.scaled[0], self.kernel)
            return _cropped(pixels, self.size)
        # The ratio of the longer or the shorter side, relative to the target.
        pick = max if self.mode == "border" else min
        ratio = pick(height / self.scaled[0], width / self.scaled[1])
        pixels = resized(images, (round(height / ratio), round(width / ratio)), self.kernel)
        return _cropped_or_filled(pixels, self.size, [round(255 * value) for value in self.mean])


def preparation(config: Mapping[str, Any], network: str) -> Preparation:
    """Return the result of timm's ``resolve_data_config`` as a `Preparation`.

    Raises
    ------
    FringeError
        If the model does not take three channels, or its images are resized with another kernel.
    """
    channels, *size = config["input_size"]
    kernel, mode = config["interpolation"], config["crop_mode"] or "center"
    if channels != 3 or kernel not in KERNELS or mode not in ("center", "squash", "border"):
        raise FringeError(
            f"network {network!r} takes images with {channels} channels, resized with the kernel "
            f"{kernel!r} and cropped with {mode!r}; choose a model with 3 channels, "
            f"{' or '.join(KERNELS)}, and center, squash or border"
        )
    height, width = size
    share = config["crop_pct"] or 0.875
    scaled = math.floor(height / share), math.floor(width / share)
    red, green, blue = map(float, config["mean"])
    spread = tuple(map(float, config["std"]))
    return Preparation(
        (height, width), scaled, kernel, mode, (red, green, blue), (spread[0], spread[1], spread[2])
    )


def _cropped_or_filled(pixels: Tensor, size: tuple[int, int], fill: list[int]) -> Tensor:
    """Return the central ``size`` of int32 (N, 3, H, W), with a border of one colour if needed."""
    missing_rows, missing_columns = (
        max(0, new - old) for new, old in zip(size, pixels.shape[2:], strict=True)
    )
    if missing_rows or missing_columns:
        rows, columns = pixels.shape[2] + missing_rows, pixels.shape[3] + missing_columns
        whole = torch.tensor(fill, dtype=pixels.dtype, device=pixels.device).view(1, 3, 1, 1)
        whole = whole.expand(len(pixels), 3, rows, columns).clone()
        top, left = missing_rows // 2, missing_columns // 2
        whole[:, :, top : top + pixels.shape[2], left : left + pixels.shape[3]] = pixels
        pixels = whole
    return _cropped(pixels, size)


def _cropped(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    result: Tensor = center_crop(pixels, list(size))
    return result
