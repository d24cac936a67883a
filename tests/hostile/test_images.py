"""Images that claim, or unpack to, far more than the size of their files."""

import doctest
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.hostile import images
from tests.hostile.bounds import bounded
from tests.hostile.images import GROUPS, encoded, png, scans, tiff
from tests.sources.conftest import write_zip

from fringe.errors import FringeError
from fringe.sources import excess, open_source
from fringe.sources.decoding import decode_pixels, size_of
from fringe.sources.limits import LIMITS, Limits

SECONDS = 5  # seconds of processor time; each image takes less than one
MEMORY = 160 << 20  # bytes
#: The most memory that decoding takes for each pixel, in bytes, as stated in docs/formats.md.
PER_PIXEL = 20


def look(data: bytes, label: str) -> tuple[int, int]:
    """Check an image as planning does."""
    return size_of(data, label, only_read=True)


def decoded(data: bytes, label: str) -> tuple[int, ...]:
    return decode_pixels(data, label).shape


def looked_and_decoded(data: bytes, label: str) -> list[str]:
    """Return the messages of both refusals, or "" for an image that is read."""
    messages = []
    for call in look, decoded:
        try:
            call(data, label)
            messages.append("")
        except FringeError as error:
            messages.append(str(error))
    return messages


@pytest.mark.parametrize("group", GROUPS)
def test_each_image_is_refused_or_read_within_limits(group: str) -> None:
    for name, (data, said) in GROUPS[group]().items():
        # WebP allocates much memory, and uses little.
        found = bounded(looked_and_decoded, data, name, memory=3 << 30)
        assert found.kind == "value", (name, found)
        assert found.seconds < SECONDS, (name, found)
        assert found.peak < MEMORY + len(data), (name, found)
        for message in filter(None, found.result):
            assert message.startswith(f"{name}: "), found
            assert said, (name, found)
            assert said in message, found
        assert bool(found.result[-1]) == bool(said), (name, found)


def test_a_bomb_in_a_zip_is_refused_when_it_is_read(tmp_path: Path) -> None:
    huge = png(images.HUGE, images.HUGE, bits=1, colour=0)
    assert len(huge) < 22_000
    path = write_zip(tmp_path / "bombs.zip", {"a.png": huge})
    found = bounded(read_first, path, memory=MEMORY)
    assert found.kind == "refused"
    assert found.result.startswith(f"{path}!a.png: has 13300 x 13300 pixels")


def read_first(path: Path) -> tuple[int, ...]:
    return open_source(path, 8).read([0]).shape


FORMS = {
    "PNG": {},
    "JPEG": {},
    "TIFF": {"compression": "tiff_adobe_deflate"},
    "WEBP": {"lossless": True, "quality": 0, "method": 0},
    "AVIF": {"speed": 10},
    "JPEG2000": {"no_jp2": True},
    "GIF": {},
    "BMP": {},
    "TGA": {"compression": "tga_rle"},
    "PPM": {},
    "QOI": {},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_decoding_takes_at_most_20_bytes_for_each_pixel(form: str, mode: str) -> None:
    if form == "QOI" and mode == "L":
        mode = "RGBA"  # which it has instead
    side = 1800
    image = Image.new(mode, (side, side), 200 if mode == "L" else (1, 2, 3, 255)[: len(mode)])
    found = bounded(decoded, encoded(image, form, **FORMS[form]), f"a.{form.lower()}")
    assert (found.kind, found.result) == ("value", (side, side, 3))
    assert found.peak < PER_PIXEL * side * side + (16 << 20)


def test_images_below_the_limits_are_read() -> None:
    assert excess.excess(scans(90, 16), LIMITS) == ""
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    for stored in encoded(Image.fromarray(noise), "PNG", compress_level=0), png(3, 5, colour=3):
        assert excess.excess(stored, LIMITS) == ""
    data = scans(40, 16)
    assert np.array_equal(decode_pixels(data, "x"), decode_pixels(scans(1, 16), "x"))
    assert excess.excess(scans(101, 16), LIMITS) == "more than 100 scans"
    tiles = [(322, 4, 1, 64), (323, 4, 1, 64)]
    assert excess.excess(tiff(*tiles), Limits(pixels=64 * 64)) == ""
    assert excess.excess(tiff(*tiles), Limits(pixels=64 * 64 - 1)) == "tiles of 64 x 64 pixels"


def test_a_tiff_without_a_first_page_is_refused() -> None:
    data = b"II+\0\x08\0\0\0" + b"\xff" * 8 + bytes(100)
    assert excess.excess(data, LIMITS) == ""
    assert bounded(look, data, "a.tif").kind == "refused"


def test_examples() -> None:
    assert doctest.testmod(excess).attempted > 0
    assert doctest.testmod(excess).failed == 0
