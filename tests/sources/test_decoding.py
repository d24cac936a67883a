"""Pixels of PNGs as Pillow has them, whichever library decodes."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from fringe.errors import FringeError
from fringe.sources.decoding import decode_pixels

from .conftest import encode

ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
ADAM7 += [(1, 0, 2, 1)]  # first row, first column, row step, column step


def by_pillow(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def interlaced(pixels: np.ndarray) -> bytes:
    """Write an Adam7-interlaced PNG, which Pillow reads but does not write."""
    height, width, _ = pixels.shape
    passes = [pixels[top::down, left::right] for top, left, down, right in ADAM7]
    rows = b"".join(b"\0" + row.tobytes() for part in passes for row in part if row.size)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def described() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add(b"gAMA", struct.pack(">I", 100_000))  # linear light, which nobody is to apply
    info.add_text("Comment", "made by a test")
    return info


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compress_level": 0},
        {"compress_level": 9},
        {"pnginfo": described()},
        {"icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()},
        {"dpi": (300, 300)},
    ],
    ids=["plain", "stored", "small", "gamma", "profile", "dpi"],
)
def test_pngs_of_every_kind(pixels: np.ndarray, options: dict[str, object]) -> None:
    data = encode(pixels[0], **options)
    assert np.array_equal(decode_pixels(data, "x.png"), pixels[0])
    assert np.array_equal(by_pillow(data), pixels[0])


def test_an_interlaced_png(pixels: np.ndarray) -> None:
    data = interlaced(pixels[1])
    assert np.array_equal(by_pillow(data), pixels[1])
    assert np.array_equal(decode_pixels(data, "x.png"), pixels[1])


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_other_modes_become_rgb(pixels: np.ndarray, mode: str) -> None:
    data = encode(Image.fromarray(pixels[2]).convert(mode))
    assert np.array_equal(decode_pixels(data, "x.png"), by_pillow(data))


def test_a_transparent_colour_is_refused(pixels: np.ndarray) -> None:
    data = encode(pixels[3], transparency=tuple(int(v) for v in pixels[3][0, 0]))
    with pytest.raises(FringeError, match=r"x\.png: is transparent in places"):
        decode_pixels(data, "x.png")


def test_every_flipped_bit_is_noticed(pixels: np.ndarray) -> None:
    """Of the pixels' bytes, checksums included; Pillow lets some through."""
    data = encode(pixels[4])
    first = data.index(b"IDAT")
    for place in range(first, data.index(b"IEND") - 4, 11):
        damaged = bytearray(data)
        damaged[place] ^= 1 << place % 8
        with pytest.raises(FringeError, match=r"x\.png: is damaged"):
            decode_pixels(bytes(damaged), "x.png")


def test_every_cut_is_noticed(pixels: np.ndarray) -> None:
    data = encode(pixels[5])
    for length in range(0, data.index(b"IEND") - 8, 37):
        with pytest.raises(FringeError, match=r"x\.png: is damaged"):
            decode_pixels(data[:length], "x.png")
