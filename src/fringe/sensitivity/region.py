"""How much of FID's sensitivity falls inside a region of the image that somebody cares for.

The paper's observation in a number: for FFHQ, "FID is the most sensitive to other areas of the
image than the human face" (Section 2).
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
    """The share of FID's sensitivity that falls inside a region.

    Attributes
    ----------
    share : float
        Mean over images, 0 to 1; NaN without any image.
    low, high : float
        95% confidence interval of that mean, NaN for fewer than two images: Student's t, images
        being independent. It is that of other images of the same kind, and cut off at 0 and 1.
    area : float
        The region's own share of the image: what maps that are the same everywhere would give.
    n : int
        Images that count.
    """

    share: float
    low: float
    high: float
    area: float
    n: int


def open_region(region: RegionSpec, size: tuple[int, int]) -> Floats:
    """Return how much of each pixel lies inside a region.

    Parameters
    ----------
    region : path, or four numbers
        A mask image, white inside and black outside (grey is in part), which is brought to the
        size of the images by averaging over areas, whatever its own size and proportions are. Or a
        box: left, top, right and bottom edge, as shares of the width and height from 0 to 1.
    size : (int, int)
        Height H and width W of the images.

    Returns
    -------
    array (H, W), float64, 0 to 1

    Raises
    ------
    FringeError
        If a file is missing, is no image or has colours, the edges of a box are out of order, or
        the region is empty or the whole image.
    """
    if isinstance(region, str | os.PathLike):
        mask, name = _mask_of(region), str(region)
    else:
        mask, name = _box(list(region), size), f"region {list(region)}"
    if mask.max() == 0:
        raise FringeError(f"{name}: is empty; mark what is inside (white in a mask image)")
    if mask.min() == 1:
        raise FringeError(
            f"{name}: is the whole image, which holds all sensitivity; mark a part of it"
        )
    return _averaged(mask, size)


def region_share(maps: Any, mask: Floats) -> RegionShare:
    """Return which share of sensitivity falls inside a region, on average over images.

    Each image counts alike, whatever the size of its map's values. Values count by magnitude: maps
    of networks whose last maps pass no ReLU may be negative. The region is averaged over the cells
    of the maps, so what is finer than a cell (an eighth of the image for Inception-V3) is not told
    apart.

    Parameters
    ----------
    maps : array (n, h, w)
        Sensitivity maps; those that are 0 everywhere are left out.
    mask : array (H, W)
        How much of each pixel is inside, 0 to 1, as `open_region` returns it.

    Raises
    ------
    FringeError
        If maps or mask have another shape or range, or are not finite.
    """
    sizes = np.abs(check_maps(maps).astype(np.float64))
    inside = np.asarray(mask, dtype=np.float64)
    if inside.ndim != 2 or not inside.size or not ((inside >= 0) & (inside <= 1)).all():
        raise FringeError(
            f"region: expected a mask of shape (height, width) with values from 0 to 1, got shape "
            f"{inside.shape}; open_region makes one"
        )
    cells = _averaged(inside, (sizes.shape[1], sizes.shape[2]))
    # Largest value first: sums of tiny values would otherwise lose digits or vanish.
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
            f"{path}: has colours, which do not tell inside from outside; save it white on black"
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
    """Return how much of each of ``cells`` that divide 0 to 1 lies from ``low`` to ``high``."""
    edges = np.arange(cells + 1)
    inside = np.minimum(edges[1:], high * cells) - np.maximum(edges[:-1], low * cells)
    return np.asarray(inside.clip(0, 1), dtype=np.float64)


def _averaged(mask: Floats, size: tuple[int, int]) -> Floats:
    """Return the mean of a mask over each of (h, w) cells, pixels counted by their area."""
    rows, columns = (_parts(c, p) for c, p in zip(size, mask.shape, strict=True))
    return np.asarray((rows @ mask @ columns.T).clip(0, 1))


def _parts(cells: int, pixels: int) -> Floats:
    """Return which part of each of ``cells`` each of ``pixels`` is: (cells, pixels), rows sum to 1.

    Both divide the same length, here counted in integers, where each pixel is ``cells`` long.
    """
    cell, pixel = np.arange(cells + 1) * pixels, np.arange(pixels + 1) * cells
    ends = np.minimum(cell[1:, None], pixel[1:])
    starts = np.maximum(cell[:-1, None], pixel[:-1])
    return np.asarray((ends - starts).clip(0) / pixels)
