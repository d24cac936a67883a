"""The share of FID's sensitivity inside a region of the image that is important to the user.

This share quantifies an observation of the paper: for FFHQ, "FID is the most sensitive to other
areas of the image than the human face" (Section 2).
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from scipy.special import stdtrit

from fringe.errors import FringeError
from fringe.files.regular import read_regular
from fringe.metrics.arrays import Floats
from fringe.sensitivity.noise import check_maps
from fringe.sources.base import as_path, readable
from fringe.sources.decoding import decode
from fringe.sources.limits import LIMITS

__all__ = ["RegionShare", "RegionSpec", "open_region", "region_share"]

RegionSpec: TypeAlias = str | os.PathLike[str] | Sequence[float]


class RegionShare(NamedTuple):
    """The share of FID's sensitivity inside a region.

    Attributes
    ----------
    share : float
        Mean over images, 0 to 1. NaN without any image.
    low, high : float
        95% confidence interval of the mean over images of this kind, from Student's t for
        independent images, limited to 0 to 1. NaN for fewer than two images.
    area : float
        The region's share of the image area, which is the ``share`` of constant maps.
    n : int
        Number of images that count.
    """

    share: float
    low: float
    high: float
    area: float
    n: int


def open_region(region: RegionSpec, size: tuple[int, int]) -> Floats:
    """Return the share of each pixel that is inside a region.

    Parameters
    ----------
    region : path, or four numbers
        A mask image: white is inside, black is outside, and grey is partly inside. A mask of any
        size and proportions is scaled to the size of the images by averaging over areas. Or a box:
        left, top, right and bottom edge, as shares of the width and height from 0 to 1.
    size : (int, int)
        Height H and width W of the images.

    Returns
    -------
    array (H, W), float64, 0 to 1

    Raises
    ------
    FringeError
        If a file is missing, is not an image or has colours, the edges of a box are out of order,
        or the region is empty or the whole image.

    Examples
    --------
    >>> open_region([0, 0, 0.5, 1], (2, 4))
    array([[1., 1., 0., 0.],
           [1., 1., 0., 0.]])
    """
    if isinstance(region, str | os.PathLike):
        mask, name = _mask_of(region), str(region)
    else:
        mask, name = _box(list(region), size), f"region {list(region)}"
    if mask.max() == 0:
        raise FringeError(f"{name}: is empty; mark the inside (white in a mask image)")
    if mask.min() == 1:
        raise FringeError(
            f"{name}: is the whole image, which contains all sensitivity; mark a part of the image"
        )
    return _averaged(mask, size)


def region_share(maps: Any, mask: Floats) -> RegionShare:
    """Return the share of sensitivity inside a region, on average over images ([1]_, Section 2).

    Each image has the same weight, for any scale of its map. Values count by magnitude, because
    maps of networks without a ReLU after the last maps may be negative. The region is averaged over
    the cells of the maps, so details smaller than a cell (an eighth of the image for Inception-V3)
    are lost.

    Parameters
    ----------
    maps : array (n, h, w)
        Sensitivity maps. Maps that are 0 everywhere are left out.
    mask : array (H, W)
        The share of each pixel that is inside, 0 to 1, from `open_region`.

    Returns
    -------
    RegionShare

    Raises
    ------
    FringeError
        If maps or mask have another shape or range, or are not finite.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023.

    Examples
    --------
    >>> left = open_region([0, 0, 0.5, 1], (8, 8))
    >>> found = region_share(np.array([[[3.0, 1.0]], [[2.0, 2.0]]]), left)
    >>> found.share, found.area, found.n
    (0.625, 0.5, 2)
    """
    sizes = np.abs(check_maps(maps).astype(np.float64))
    inside = np.asarray(mask, dtype=np.float64)
    if inside.ndim != 2 or not inside.size or not ((inside >= 0) & (inside <= 1)).all():
        raise FringeError(
            f"region: expected a mask of shape (height, width) with values from 0 to 1, got shape "
            f"{inside.shape}; make the mask with open_region"
        )
    cells = _averaged(inside, (sizes.shape[1], sizes.shape[2]))
    # Divide by the largest value, because sums of tiny values would lose digits or vanish.
    largest = sizes.max(axis=(1, 2), keepdims=True)
    counting = largest[:, 0, 0] > 0
    sizes = sizes[counting] / largest[counting]
    shares = (sizes * cells).sum(axis=(1, 2)) / sizes.sum(axis=(1, 2))
    n, area = len(shares), float(inside.mean())
    if n == 0:
        return RegionShare(math.nan, math.nan, math.nan, area, 0)
    share = float(shares.mean())
    if n == 1:
        return RegionShare(share, math.nan, math.nan, area, 1)
    reach = float(stdtrit(n - 1, 0.975) * shares.std(ddof=1) / math.sqrt(n))
    return RegionShare(share, max(share - reach, 0.0), min(share + reach, 1.0), area, n)


def _mask_of(path: str | os.PathLike[str]) -> Floats:
    """Return the grey levels of an image file as 0 (black) to 1 (white), at its own size."""
    with readable(path):
        pixels = np.asarray(decode(read_regular(as_path(path), LIMITS.bytes), str(path)))
    if (pixels != pixels[..., :1]).any():
        raise FringeError(
            f"{path}: has colours, but a mask must be grey; save the mask as white on black"
        )
    return pixels[..., 0] / 255


def _box(edges: list[Any], size: tuple[int, int]) -> Floats:
    named = dict(zip(("left", "top", "right", "bottom"), edges, strict=False))
    if len(edges) != 4 or not all(isinstance(v, Real) and not isinstance(v, bool) for v in edges):
        raise FringeError(
            f"region {edges}: must be a mask image, or four numbers [left, top, right, bottom]"
        )
    for name, value in named.items():
        if not 0 <= value <= 1:
            raise FringeError(
                f"region {edges}: {name} is {value}; give it as a share of the image, from 0 to 1"
            )
    for low, high in (("left", "right"), ("top", "bottom")):
        if named[low] >= named[high]:
            raise FringeError(
                f"region {edges}: {low} is {named[low]} and {high} {named[high]}; the order is "
                "[left, top, right, bottom], from the upper left corner"
            )
    rows = _covered(named["top"], named["bottom"], size[0])
    columns = _covered(named["left"], named["right"], size[1])
    return rows[:, None] * columns


def _covered(low: float, high: float, cells: int) -> Floats:
    """Divide 0 to 1 into ``cells``, and return the share of each between ``low`` and ``high``."""
    edges = np.arange(cells + 1)
    inside = np.minimum(edges[1:], high * cells) - np.maximum(edges[:-1], low * cells)
    return np.asarray(inside.clip(0, 1), dtype=np.float64)


def _averaged(mask: Floats, size: tuple[int, int]) -> Floats:
    """Return the mean of a mask over each of (h, w) cells, with pixels weighted by area."""
    rows, columns = (_parts(c, p) for c, p in zip(size, mask.shape, strict=True))
    return np.asarray((rows @ mask @ columns.T).clip(0, 1))


def _parts(cells: int, pixels: int) -> Floats:
    """Return the share of each of ``cells`` that each of ``pixels`` covers, (cells, pixels).

    Each row sums to 1. Cells and pixels divide the same length, in units in which each pixel has
    the length ``cells``.
    """
    cell, pixel = np.arange(cells + 1) * pixels, np.arange(pixels + 1) * cells
    ends = np.minimum(cell[1:, None], pixel[1:])
    starts = np.maximum(cell[:-1, None], pixel[:-1])
    return np.asarray((ends - starts).clip(0) / pixels)
