"""Resize images as Pillow does, and normalize them, on any device.

Most feature networks were published with images that Pillow resized: with an antialiased kernel, in
integers, and rounded to whole grey levels after each pass. A computation in floats that is rounded
only at the end differs in every fifth value by one grey level, and at sharp edges by up to 20,
because Pillow clips overshoot between its passes.

The first pass is the horizontal one, as in Pillow up to version 12. From version 13, Pillow begins
with the vertical pass if the height shrinks much more than the width. The results for squares are
the same in both versions.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

__all__ = ["IMAGENET", "normalized", "resized", "resized_floats", "resized_shorter_side"]

# Mean and standard deviation of red, green and blue, for values from 0 to 1.
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# Pillow stores the factors of its kernels as integers with this number of bits after the point.
BITS = 22


def resized(images: Tensor, size: tuple[int, int], kernel: str) -> Tensor:
    """Return images that are resized as in Pillow, equal bit for bit on any device.

    Parameters
    ----------
    images : Tensor
        uint8 (N, C, H, W).
    size : (int, int)
        Height and width of the result.
    kernel : {"bilinear", "bicubic"}
        Bicubic is the kernel of Keys with a = -1/2. Both kernels widen with the scale, to avoid
        aliasing.

    Returns
    -------
    Tensor
        int32 grey levels from 0 to 255, (N, C, *size).
    """
    height, width = size
    pixels = images.int()
    if width != pixels.shape[3]:
        # Rows are contiguous in memory, so a pass over columns is faster on the transpose.
        columns = pixels.transpose(2, 3).contiguous()
        pixels = _resized_rows(columns, width, kernel).transpose(2, 3).contiguous()
    if height != pixels.shape[2]:
        pixels = _resized_rows(pixels, height, kernel)
    return pixels


def resized_shorter_side(images: Tensor, side: int, kernel: str) -> Tensor:
    """Return images whose shorter side is ``side``, with the same shape, as in torchvision.

    The longer side is rounded down. See `resized`.
    """
    height, width = images.shape[2:]
    shorter = min(height, width)
    return resized(images, (side * height // shorter, side * width // shorter), kernel)


def resized_floats(images: Tensor, size: tuple[int, int], kernel: str) -> Tensor:
    """Return images resized like a channel of floats (mode F) in Pillow, without rounding.

    Both passes are those of `resized`, but in float32, so values differ from Pillow's in the last
    bits. Next to sharp edges, values may be below 0 or above 255.

    Parameters
    ----------
    images : Tensor
        uint8 (N, C, H, W).
    size : (int, int)
        Height and width of the result.
    kernel : {"bilinear", "bicubic"}
        See `resized`.

    Returns
    -------
    Tensor
        float32 grey levels, (N, C, *size).
    """
    height, width = size
    pixels = images.float()
    if width != pixels.shape[3]:
        columns = pixels.transpose(2, 3).contiguous()
        pixels = _summed_rows(columns, width, kernel).transpose(2, 3).contiguous()
    if height != pixels.shape[2]:
        pixels = _summed_rows(pixels, height, kernel)
    return pixels


def normalized(
    pixels: Tensor, mean: tuple[float, float, float], std: tuple[float, float, float]
) -> Tensor:
    """Return (x / 255 - mean) / std as float32 (N, 3, H, W), channels last in memory."""
    centre, spread = (
        torch.tensor(values, device=pixels.device).view(3, 1, 1) for values in (mean, std)
    )
    scaled = pixels.float() / 255
    return ((scaled - centre) / spread).contiguous(memory_format=torch.channels_last)


def _resized_rows(pixels: Tensor, new: int, kernel: str) -> Tensor:
    """Return int32 (N, C, new, W), the weighted sums of the rows of int32 (N, C, H, W)."""
    places, factors = _taps(pixels.shape[2], new, kernel, pixels.device)
    sums = pixels.new_full((*pixels.shape[:2], new, pixels.shape[3]), 2 ** (BITS - 1))
    for place, factor in zip(places, factors, strict=True):
        sums += pixels.index_select(2, place) * factor[:, None]
    return sums.bitwise_right_shift_(BITS).clamp_(0, 255)


def _summed_rows(pixels: Tensor, new: int, kernel: str) -> Tensor:
    """Return float32 (N, C, new, W), the weighted sums of the rows of float32 (N, C, H, W)."""
    places, factors = _float_taps(pixels.shape[2], new, kernel, pixels.device)
    sums = pixels.new_zeros((*pixels.shape[:2], new, pixels.shape[3]))
    for place, factor in zip(places, factors, strict=True):
        sums += pixels.index_select(2, place) * factor[:, None]
    return sums


@lru_cache(maxsize=64)
def _taps(length: int, new: int, kernel: str, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the rows that are summed for each new row, int64 (taps, new), and factors, int32."""
    places, factors = _kernel_factors(length, new, kernel)
    return places.to(device), torch.round(factors * 2**BITS).int().to(device)


@lru_cache(maxsize=64)
def _float_taps(length: int, new: int, kernel: str, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the rows that are summed for each new row, int64 (taps, new), and factors, float32."""
    places, factors = _kernel_factors(length, new, kernel)
    return places.to(device), factors.float().to(device)


def _kernel_factors(length: int, new: int, kernel: str) -> tuple[Tensor, Tensor]:
    """Return the rows that are summed for each new row, int64 (taps, new), and factors, float64."""
    function, radius = KERNELS[kernel]
    ratio = length / new
    scale = max(ratio, 1)
    centres = (torch.arange(new, dtype=torch.float64) + 0.5) * ratio
    first = torch.floor(centres - radius * scale)
    places = first + torch.arange(math.ceil(2 * radius * scale) + 1)[:, None]
    factors = function((places + 0.5 - centres).abs() / scale)
    factors[(places < 0) | (places >= length)] = 0
    factors /= factors.sum(dim=0)
    return places.clamp(0, length - 1).long(), factors


def _triangle(x: Tensor) -> Tensor:
    return (1 - x).clamp(min=0)


def _cubic(x: Tensor) -> Tensor:
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x < 1, near, torch.where(x < 2, far, 0.0))


# The functions, and the distances at which they become zero.
KERNELS = {"bilinear": (_triangle, 1), "bicubic": (_cubic, 2)}
