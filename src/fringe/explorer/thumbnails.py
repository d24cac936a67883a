"""Thumbnails of images, and the pictures that contain many thumbnails (sprites)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fringe.errors import FringeError
from fringe.metrics.arrays import Floats
from fringe.scores.explorer import Sprites
from fringe.sources import ImageSource

__all__ = ["Seen", "look_at", "make_sprites", "shrunk", "thumbnail_size"]

COLUMNS = ROWS = 32  # thumbnails in a picture
QUALITIES = (80, 70, 60, 50, 40, 30)  # of WebP, the best first

Pixels = NDArray[np.uint8]


class Seen(NamedTuple):
    """The thumbnails (n, size, size, 3) of n images, and their maps (n, h, w) if requested."""

    thumbnails: Pixels
    maps: Floats | None = None


def look_at(
    source: ImageSource,
    index: NDArray[np.int64],
    size: int,
    *,
    batch_size: int,
    maps: Callable[[Pixels, NDArray[np.int64]], Floats] | None = None,
) -> Seen:
    """Return thumbnails of some images of a source, which are read in batches.

    Parameters
    ----------
    source : ImageSource
    index : int64 array (n,)
        The numbers of the images, at least one.
    size : int
        Width and height of a thumbnail.
    batch_size : int
        How many images are in memory at a time.
    maps : callable, optional
        A function of images (b, H, W, 3) and their numbers (b,) that returns maps (b, h, w).

    Raises
    ------
    FringeError
        If an image cannot be read.
    """
    thumbnails, found = [], []
    for first in range(0, len(index), batch_size):
        numbers = index[first : first + batch_size]
        images = source.read(numbers)
        thumbnails.append(shrunk(images, size))
        if maps is not None:
            found.append(maps(images, numbers))
    return Seen(np.concatenate(thumbnails), np.concatenate(found) if maps is not None else None)


def thumbnail_size(sources: Iterable[ImageSource], most: int) -> int:
    """Return the width and height of thumbnails: ``most``, or less if all images are smaller."""
    return min(most, max(min(source.resolution) for source in sources))


def shrunk(images: Pixels, size: int) -> Pixels:
    """Crop images (n, H, W, 3) to the square in their middle, and resize to (n, size, size, 3).

    The filter (Lanczos) does not alias.
    """
    height, width = images.shape[1:3]
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    found = np.empty((len(images), size, size, 3), np.uint8)
    for place, pixels in enumerate(images[:, top : top + side, left : left + side]):
        square = Image.fromarray(np.ascontiguousarray(pixels))
        found[place] = np.asarray(square.resize((size, size), Image.Resampling.LANCZOS))
    return found


def make_sprites(thumbnails: Pixels, most_bytes: int) -> Sprites:
    """Return thumbnails (n, size, size, 3) as WebP pictures of at most 32 x 32 thumbnails.

    The quality is the highest of `QUALITIES` with which all pictures together have at most
    ``most_bytes``.

    Raises
    ------
    FringeError
        If the pictures have more bytes even at the lowest quality.
    """
    size = thumbnails.shape[1]
    sheets = [
        _sheet(thumbnails[first : first + ROWS * COLUMNS])
        for first in range(0, len(thumbnails), ROWS * COLUMNS)
    ]
    total = 0
    for quality in QUALITIES:
        pictures = [_webp(sheet, quality) for sheet in sheets]
        total = sum(map(len, pictures))
        if total <= most_bytes:
            return Sprites(pictures, size, ROWS, COLUMNS)
    raise FringeError(
        f"thumbnails: {len(thumbnails):,} images of {size} x {size} pixels need {total:,} bytes at "
        f"the lowest quality, but the page of the run has only {most_bytes:,} left; lower "
        "`page/thumbnail` or `page/images`"
    )


def _sheet(thumbnails: Pixels) -> Pixels:
    """Return up to 32 x 32 thumbnails as one picture, row by row; unused cells are black."""
    count, size = thumbnails.shape[:2]
    rows = -(-count // COLUMNS)
    cells = np.zeros((rows * COLUMNS, size, size, 3), np.uint8)
    cells[:count] = thumbnails
    grid = cells.reshape(rows, COLUMNS, size, size, 3).swapaxes(1, 2)
    return np.ascontiguousarray(grid.reshape(rows * size, COLUMNS * size, 3))


def _webp(pixels: Pixels, quality: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "WEBP", quality=quality, method=4)
    return stream.getvalue()
