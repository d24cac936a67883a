"""Tests of thumbnails and of decoded sprites."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fringe.errors import FringeError
from fringe.explorer import look_at, make_sprites, thumbnail_size
from fringe.explorer.thumbnails import QUALITIES, shrunk
from fringe.sources import PhotoSource

SOURCE: Any = PhotoSource(60, 64, 3)


def cells(picture: bytes, size: int) -> np.ndarray:
    """Return the thumbnails of a picture, row by row."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))
    rows, columns = pixels.shape[0] // size, pixels.shape[1] // size
    return np.array(
        [
            pixels[r * size : (r + 1) * size, c * size : (c + 1) * size]
            for r in range(rows)
            for c in range(columns)
        ]
    )


@pytest.mark.parametrize("count", [1, 31, 33, 1024, 1025, 2100])
def test_each_thumbnail_is_at_its_place(count: int) -> None:
    # A constant grey; WebP changes it by a few levels at most.
    grey = np.random.default_rng(1).integers(0, 256, count, np.uint8)
    thumbnails = np.broadcast_to(grey[:, None, None, None], (count, 16, 16, 3))
    found = make_sprites(np.ascontiguousarray(thumbnails), 10**9)
    assert (found.size, found.rows, found.columns) == (16, 32, 32)
    assert len(found.pictures) == -(-count // 1024)
    for number, value in enumerate(grey):
        picture, place = divmod(number, found.rows * found.columns)
        if place == 0:
            shown = cells(found.pictures[picture], 16)
        assert abs(shown[place][4:12, 4:12].mean() - value) < 3
    assert found.pictures[0][8:12] == b"WEBP"


def test_photographs_stay_recognizable() -> None:
    thumbnails = look_at(SOURCE, np.arange(40), 64, batch_size=7).thumbnails
    found = cells(make_sprites(thumbnails, 10**9).pictures[0], 64)[:40]
    assert np.array_equal(thumbnails, SOURCE.read(range(40)))
    assert np.abs(found.astype(int) - thumbnails).mean() < 6


def test_the_quality_is_the_highest_that_fits() -> None:
    thumbnails = look_at(SOURCE, np.arange(50), 64, batch_size=50).thumbnails
    sizes = []
    for quality in QUALITIES:
        sheet = np.zeros((128, 2048, 3), np.uint8)
        for number, one in enumerate(thumbnails):
            row, column = divmod(number, 32)
            sheet[row * 64 : row * 64 + 64, column * 64 : column * 64 + 64] = one
        stream = io.BytesIO()
        Image.fromarray(sheet).save(stream, "WEBP", quality=quality)
        sizes.append(len(stream.getvalue()))
    assert sizes == sorted(sizes, reverse=True)
    for size, smaller in zip(sizes, [*sizes[1:], 0], strict=True):
        assert len(make_sprites(thumbnails, size).pictures[0]) == size
        if smaller:
            assert len(make_sprites(thumbnails, size - 1).pictures[0]) == smaller
    with pytest.raises(FringeError, match="`page/thumbnail` or `page/images`"):
        make_sprites(thumbnails, sizes[-1] - 1)


@pytest.mark.parametrize("shape", [(40, 100), (100, 40)])
def test_the_middle_of_an_image_is_shown(shape: tuple[int, int]) -> None:
    images = np.zeros((1, *shape, 3), np.uint8)
    middle = [slice((side - 40) // 2, (side - 40) // 2 + 40) for side in shape]
    images[0, middle[0], middle[1]] = 255
    found = shrunk(images, 10)
    assert found.shape == (1, 10, 10, 3)
    assert (found == 255).all()


def test_a_fine_pattern_becomes_its_mean() -> None:
    """A filter that uses only some pixels would return black, white or stripes."""
    images = np.zeros((1, 128, 128, 3), np.uint8)
    images[:, :, ::2] = 255
    found = shrunk(images, 16)
    assert np.abs(found.astype(int) - 127.5).max() < 8


def test_small_images_are_not_enlarged() -> None:
    small: Any = PhotoSource(3, 32, 3)
    assert thumbnail_size([small], 64) == 32
    assert thumbnail_size([small, SOURCE], 64) == 64
    assert thumbnail_size([SOURCE], 48) == 48


def test_maps_are_computed_from_images_and_numbers_in_order() -> None:
    index = np.array([3, 8, 9, 21, 30])
    seen: list[tuple[int, ...]] = []

    def maps(images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        seen.append(tuple(numbers))
        assert np.array_equal(images, SOURCE.read(numbers))
        return numbers[:, None, None] * np.ones((1, 2, 3))

    found = look_at(SOURCE, index, 8, batch_size=2, maps=maps)
    assert seen == [(3, 8), (9, 21), (30,)]
    assert found.maps is not None
    assert found.maps[:, 1, 2].tolist() == index.tolist()
