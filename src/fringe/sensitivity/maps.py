"""Which parts of an image FID looks at: Equation 2 and the weighted sum of the last maps."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats, as_numpy, as_tensor, is_tensor

__all__ = ["normalized", "sensitivity_maps", "upsampled"]

ROUNDING = 1e-12  # what sums over features may lose, relatively


def sensitivity_maps(maps: Any, gradient: Any) -> Any:
    """Return sum_k alpha_k A^k for each image: how much FID depends on each place of it.

    alpha_k is the mean over places of |dFID/dA_ij^k|^2 (Equation 2). There is no ReLU: what lowers
    FID and what raises it both count.

    Parameters
    ----------
    maps : array (B, D, H, W)
        A, the last maps of the network.
    gradient : array (B, D) or (B, D, H, W)
        dFID/df, where the features f are the mean of the maps over H and W, so that each
        dFID/dA_ij^k is dFID/df_k / (H W); or dFID/dA itself.

    Returns
    -------
    array (B, H, W), float64
        Of the kind that ``maps`` is; in squared units of FID, divided by those of the features. Of
        maps in float32 (or less) rounding is about 1e-6 of the largest term.

    Raises
    ------
    FringeError
        If the shapes do not fit.
    """
    shape = tuple(maps.shape)
    if len(shape) != 4 or 0 in shape or tuple(gradient.shape) not in (shape[:2], shape):
        raise FringeError(
            f"sensitivity maps: maps of shape {shape} with gradients of shape "
            f"{tuple(gradient.shape)}; give (B, D, H, W) with (B, D) or the same"
        )
    import torch

    A, g = as_tensor(maps), as_tensor(gradient).double()
    alpha = (g / (shape[2] * shape[3])) ** 2 if g.ndim == 2 else (g**2).mean((2, 3))
    alpha = alpha.to(A.device)
    # The product is made in the precision of the maps: in float64 it takes ten times as long, which
    # shows beside the gradient itself. Squared slopes may lie outside of float32; shares do not.
    unit = alpha.amax(1, keepdim=True)
    unit[unit == 0] = 1
    precision = torch.float64 if A.dtype == torch.float64 else torch.float32
    shares = (alpha / unit).to(precision)
    found = torch.einsum("bk,bkhw->bhw", shares, A.to(precision)).double() * unit[..., None]
    return found if is_tensor(maps) else found.numpy()


def normalized(maps: Any) -> Floats:
    """Return each of ``maps`` (..., H, W) as float64 from 0 to 1, its least to its largest value.

    A map that is the same everywhere, but for rounding, says nothing of places and becomes 0.

    Raises
    ------
    FringeError
        If ``maps`` are no maps.
    """
    array = as_numpy(maps).astype(np.float64)
    if array.ndim < 2 or 0 in array.shape[-2:]:
        raise FringeError(f"maps: expected shape (..., H, W), got {array.shape}")
    low, high = (f(array, axis=(-2, -1), keepdims=True) for f in (np.min, np.max))
    flat = high - low <= ROUNDING * np.maximum(np.abs(low), np.abs(high))
    return np.asarray(np.where(flat, 0, array - low) / np.where(flat, 1, high - low))


def upsampled(maps: Any, size: tuple[int, int]) -> Floats:
    """Return ``maps`` (B, h, w) at the (height, width) of their images, float64 from 0 to 1.

    As in the paper, each is normalized and brought to the size of its image by a Lanczos filter.
    Unlike in the released code it is not rounded to grey levels between, and it is normalized
    again, as the filter overshoots.

    Raises
    ------
    FringeError
        If the shapes are no such.
    """
    height, width = size
    if len(maps.shape) != 3 or 0 in maps.shape or min(size) < 1:
        raise FringeError(
            f"upsampling: maps of shape {tuple(maps.shape)} to {height} x {width}; give (B, h, w), "
            "at least one map, and the height and width of the images"
        )
    large = [
        np.asarray(_picture(small).resize((width, height), Image.Resampling.LANCZOS))
        for small in normalized(maps)
    ]
    return normalized(np.stack(large))


def _picture(values: Array) -> Image.Image:
    return Image.fromarray(values.astype(np.float32))
