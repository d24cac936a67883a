"""Grids of images, drawn as one picture."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from fringe.errors import FringeError

__all__ = ["check_images", "draw_mosaic", "mosaic"]


def check_images(images: ArrayLike, name: str) -> NDArray[np.uint8]:
    """Return ``images`` as an array (n, H, W, 3) of uint8, n at least 1.

    Raises
    ------
    FringeError
        If the array has another type or shape.
    """
    array = np.asarray(images)
    if array.dtype != np.uint8 or array.ndim != 4 or array.shape[-1] != 3 or not len(array):
        raise FringeError(
            f"image grid {name!r}: {array.dtype} of shape {array.shape}; "
            "give uint8 RGB images of shape (n, H, W, 3)"
        )
    return array


def mosaic(images: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """Return images (n, H, W, 3) row by row as a picture (height, width, 3), with white lines.

    Images that do not fit are left out. Places without an image are white.
    """
    if rows < 1 or columns < 1:
        raise FringeError(f"image grid: {rows} rows and {columns} columns; give at least one each")
    _, height, width, _ = images.shape
    gap = max(1, round(0.03 * width))
    canvas = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, dtype=np.uint8
    )
    for place, image in enumerate(images[: rows * columns]):
        top, left = place // columns * (height + gap), place % columns * (width + gap)
        canvas[top : top + height, left : left + width] = image
    return canvas


def draw_mosaic(axes: Axes, images: NDArray[np.uint8], rows: int, columns: int, title: str) -> None:
    """Fill ``axes`` with a mosaic under a title."""
    axes.imshow(mosaic(images, rows, columns))
    axes.set_title(title)
    axes.set_axis_off()
