"""Sensitivity maps: the weighted sum of the last maps of a network (Equation 2 of the paper)."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, Floats, as_numpy, as_tensor, is_tensor

__all__ = ["normalized", "sensitivity_maps", "upsampled"]

ROUNDING = 1e-12  # relative rounding error of sums over features


def sensitivity_maps(maps: Any, gradient: Any) -> Any:
    """Return sum_k alpha_k A^k for each image: how much FID depends on each place of the image.

    alpha_k is the mean over places of |dFID/dA_ij^k|^2 ([1]_, Equation 2). There is no ReLU,
    because places that lower FID and places that raise FID both count.

    Parameters
    ----------
    maps : array (B, D, H, W)
        A, the last maps of the network.
    gradient : array (B, D) or (B, D, H, W)
        (B, D): dFID/df, if the features f are the mean of the maps over H and W. Then dFID/dA_ij^k
        is dFID/df_k / (H W). (B, D, H, W): dFID/dA.

    Returns
    -------
    array (B, H, W), float64
        In squared units of FID, divided by units of the features. A tensor if ``maps`` is a tensor.
        For maps in float32 (or less), the rounding error is about 1e-6 of the largest term.

    Raises
    ------
    FringeError
        If the shapes do not fit.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023.

    Examples
    --------
    >>> maps = np.array([[[[0.0, 1.0], [2.0, 3.0]]]])
    >>> sensitivity_maps(maps, gradient=np.array([[8.0]]))
    array([[[ 0.,  4.],
            [ 8., 12.]]])
    """
    shape = tuple(maps.shape)
    if len(shape) != 4 or 0 in shape or tuple(gradient.shape) not in (shape[:2], shape):
        raise FringeError(
            f"sensitivity maps: maps of shape {shape} with gradients of shape "
            f"{tuple(gradient.shape)}; give (B, D, H, W) with (B, D) or (B, D, H, W)"
        )
    import torch

    A, g = as_tensor(maps), as_tensor(gradient).double()
    alpha = (g / (shape[2] * shape[3])) ** 2 if g.ndim == 2 else (g**2).mean((2, 3))
    alpha = alpha.to(A.device)
    # The product has the precision of the maps. In float64 it would take ten times as long, which
    # is noticeable compared with the gradient. Squared slopes may overflow float32; shares do not.
    unit = alpha.amax(1, keepdim=True)
    unit[unit == 0] = 1
    precision = torch.float64 if A.dtype == torch.float64 else torch.float32
    shares = (alpha / unit).to(precision)
    found = torch.einsum("bk,bkhw->bhw", shares, A.to(precision)).double() * unit[..., None]
    return found if is_tensor(maps) else found.numpy()


def normalized(maps: Any) -> Floats:
    """Return each of ``maps`` scaled so that its least value is 0 and its largest value is 1.

    A map that is the same everywhere, except for rounding, becomes 0.

    Parameters
    ----------
    maps : array (..., H, W)

    Returns
    -------
    float64 array (..., H, W)

    Raises
    ------
    FringeError
        If ``maps`` has another shape.

    Examples
    --------
    >>> normalized([[1.0, 3.0], [2.0, 5.0]])
    array([[0.  , 0.5 ],
           [0.25, 1.  ]])
    """
    array = as_numpy(maps).astype(np.float64)
    if array.ndim < 2 or 0 in array.shape[-2:]:
        raise FringeError(f"maps: expected shape (..., H, W), got {array.shape}")
    low, high = (f(array, axis=(-2, -1), keepdims=True) for f in (np.min, np.max))
    flat = high - low <= ROUNDING * np.maximum(np.abs(low), np.abs(high))
    return np.asarray(np.where(flat, 0, array - low) / np.where(flat, 1, high - low))


def upsampled(maps: Any, size: tuple[int, int]) -> Floats:
    """Return ``maps`` at the size of their images, with values from 0 to 1.

    As in [1]_, each map is normalized and enlarged to the size of its image by a Lanczos filter.
    Unlike in the released code, the map is not rounded to grey levels before the filter, and is
    normalized again after it, because the filter overshoots.

    Parameters
    ----------
    maps : array (B, h, w)
    size : (int, int)
        Height H and width W of the images.

    Returns
    -------
    float64 array (B, H, W)

    Raises
    ------
    FringeError
        If ``maps`` or ``size`` has another shape.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023.

    Examples
    --------
    >>> large = upsampled(np.array([[[0.0, 1.0], [2.0, 3.0]]]), (256, 256))
    >>> large.shape, float(large.min()), float(large.max())
    ((1, 256, 256), 0.0, 1.0)
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
