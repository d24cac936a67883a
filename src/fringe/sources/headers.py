"""Properties of an image that Pillow does not report, read from its file: above all, the bit depth.

Pillow opens many deep images as 8-bit images, and drops or scales the remaining bits silently.
"""

import struct
from collections.abc import Iterator

from PIL import Image

__all__ = ["bits_of", "bits_of_unread", "bytes_behind", "is_covered"]

_BITS_PER_SAMPLE = 258  # TIFF tag
# JPEG: markers of frame headers, and markers without a length.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
# Boxes of AVIF that contain the codec's settings, and the bytes before their inner boxes.
_NESTED = {b"meta": 4, b"iprp": 0, b"ipco": 0}


def bits_of(image: Image.Image, data: bytes) -> int:
    """Return the bits per channel of an opened image whose file is ``data``; at least 8.

    Parameters
    ----------
    image : PIL.Image.Image
        As `PIL.Image.open` returns it, before its pixels are loaded.
    data : bytes
        The whole file.

    Raises
    ------
    struct.error, IndexError, ValueError
        If the file is truncated.
    """
    bits = _BITS[image.format](image, data) if image.format in _BITS else 8
    if bits > 8:
        return bits
    return 32 if image.mode == "F" else 16 if image.mode.startswith("I") else 8


def bits_of_unread(data: bytes) -> int:
    """Return the bits per channel of a file that Pillow does not open; 8 if unknown."""
    if data.startswith(b"\xff\xd8"):
        return _bits_of_jpeg(data)
    return 32 if data.startswith(b"PF\n") else 8


def _bits_of_jpeg(data: bytes) -> int:
    position = 2
    while position + 4 < len(data):
        if data[position] != 0xFF:
            return 8
        marker = data[position + 1]
        if marker in _FRAMES:
            return data[position + 4]
        if marker == 0xFF:
            position += 1  # any number of fill bytes may precede a marker
        elif marker in _BARE:
            position += 2
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return 8


def _bits_of_png(image: Image.Image, data: bytes) -> int:
    return data[24]  # after the signature, the head of IHDR, width and height


def _bits_of_tiff(image: Image.Image, data: bytes) -> int:
    return int(max(getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (8,))))


def _bits_of_ppm(image: Image.Image, data: bytes) -> int:
    """Derive the bits from the largest value, an argument of the decoder unless it is 255."""
    ((_, _, _, arguments),) = _tiles(image)
    largest = arguments[-1] if isinstance(arguments, tuple) else 255
    return largest.bit_length() if isinstance(largest, int) else 8


def bytes_behind(image: Image.Image, data: bytes) -> int:
    """Return the number of bytes after the pixels of a binary PPM, PGM or PBM, without blanks."""
    width, height = image.size
    rows = {b"P4": (width + 7) // 8, b"P5": width, b"P6": 3 * width}
    if data[:2] not in rows:
        return 0
    ((_, _, start, _),) = _tiles(image)
    return len(data[start + height * rows[data[:2]] :].strip())


def is_covered(image: Image.Image) -> bool:
    """Return whether the first frame of an opened GIF fills the canvas (the rest has no colour)."""
    return any(tuple(place) == (0, 0, *image.size) for _, place, _, _ in _tiles(image))


def _tiles(image: Image.Image) -> list[tuple[str, tuple[int, ...], int, object]]:
    """Return decoder, place, first byte and arguments of each part of an unloaded image."""
    return [*getattr(image, "tile", ())]


def _bits_of_jpeg2000(image: Image.Image, data: bytes) -> int:
    """Read the bits from the codestream's first segment, which has a byte for each component."""
    start = 0
    if not data.startswith(b"\xff\x4f"):
        streams = [first for kind, first, _ in _boxes(data, 0, len(data)) if kind == b"jp2c"]
        start = streams[0]
    (components,) = struct.unpack_from(">H", data, start + 40)
    return max((data[start + 42 + 3 * n] & 0x7F) + 1 for n in range(components))


def _bits_of_avif(image: Image.Image, data: bytes) -> int:
    """Read the bits from the codec's settings of each picture in the file, including alpha."""
    settings = [data[first + 2] for first in _av1_settings(data, 0, len(data))]
    return max((12 if flags & 0x20 else 10 if flags & 0x40 else 8 for flags in settings), default=8)


def _av1_settings(data: bytes, first: int, end: int) -> Iterator[int]:
    for kind, start, stop in _boxes(data, first, end):
        if kind == b"av1C":
            yield start
        elif kind in _NESTED:
            yield from _av1_settings(data, start + _NESTED[kind], stop)


def _boxes(data: bytes, first: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, first byte and end of the content of each box (ISO/IEC 14496-12, 15444-1)."""
    while first + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, first)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, first + 8)
            head = 16
        stop = end if size == 0 else min(first + size, end)
        if stop < first + head:
            return
        yield kind, first + head, stop
        first = stop


_BITS = {
    "PNG": _bits_of_png,
    "TIFF": _bits_of_tiff,
    "PPM": _bits_of_ppm,
    "JPEG2000": _bits_of_jpeg2000,
    "AVIF": _bits_of_avif,
}
