"""Detect encoded images that take much time or memory to open or decode, despite few pixels.

Headers are read here before any decoder reads them, and none of their values is trusted.
"""

import re
import struct
from collections.abc import Iterator

from fringe.sources.limits import Limits

__all__ = ["excess"]

SCANS = 100  # of a JPEG; each visits all pixels. Encoders write about 10, libtiff stops at 100
SEGMENTS = 10_000  # in the header of a JPEG: the longest colour profile takes 255
FILL = 1 << 16  # consecutive bytes between them
SURPLUS = 1 << 16  # bytes of data that a PNG may have in addition to its pixels
TAGS = 1000  # on a page of a TIFF
PARTS = 1 << 17  # strips or tiles of a TIFF
HEADER = 1 << 16  # bytes of the header of a PPM, comments included
COMMENTS = 1000  # in a PPM whose pixels are text

_MARKER = re.compile(rb"\xff[^\x00\xff]")
_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # a marker that ends the data of a scan
_SCAN, _END = 0xDA, 0xD9
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length

_OFFSETS = {273, 279, 324, 325}  # TIFF tags: offsets and sizes of strips and tiles
_TILE_WIDTH, _TILE_LENGTH = 322, 323


def excess(data: bytes, limits: Limits) -> str:
    """Describe what an encoded image has far more of than any genuine image; "" if nothing.

    Parameters
    ----------
    data : bytes
        A whole file. Only JPEG, PNG, TIFF and PPM are checked.
    limits : Limits
        Bounds of the size of a tile: a decoder allocates memory for whole tiles.

    Examples
    --------
    >>> excess(b"P3 # a comment" + b" " * 100_000, Limits())
    'a header of more than 65,536 bytes'
    """
    if data.startswith(b"\xff\xd8"):
        return _of_jpeg(data)
    if data.startswith(b"\x89PNG"):
        return _of_png(data)
    if data[:4] in _TIFFS:
        try:
            return _of_tiff(data, limits)
        except (struct.error, OverflowError):
            return ""  # truncated: the decoder gives a better message
    return _of_ppm(data) if re.match(rb"P[0-6fy]", data) else ""


def _of_jpeg(data: bytes) -> str:
    begin = scans = position = 0
    for number, (marker, place) in enumerate(_markers(data)):
        if place - position > FILL and not scans:
            return f"more than {FILL:,} bytes between two segments"
        if marker == _END:
            break
        if marker == _SCAN:
            begin = begin or place
            scans += 1
            # First count only the marker, which is faster and never counts too few.
            if data.count(b"\xff\xda", begin) <= SCANS:
                break
            if scans > SCANS:
                return f"more than {SCANS} scans"
        elif number > SEGMENTS:
            return f"more than {SEGMENTS:,} segments"
        position = _behind(data, marker, place)
    return ""


def _markers(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield each marker of the first image in a JPEG, and its position."""
    marker, place = 0xD8, 0
    while True:
        wanted = _IN_SCAN if marker == _SCAN else _MARKER
        found = wanted.search(data, _behind(data, marker, place))
        if found is None:
            return
        marker, place = data[found.start() + 1], found.start()
        yield marker, place


def _behind(data: bytes, marker: int, place: int) -> int:
    """Return the end of the segment of a marker."""
    if marker in _BARE:
        return place + 2
    return place + 2 + max(2, int.from_bytes(data[place + 2 : place + 4], "big"))


def _of_png(data: bytes) -> str:
    """Compare the size of the data with that of the pixels, because libpng reads all data."""
    width, height, bits, colour = struct.unpack_from(">IIBB", data.ljust(26, b"\0"), 16)
    row = 2 + width * bits * _CHANNELS.get(colour, 4) // 8
    # Deflate adds less than 1 % to incompressible data. Interlacing may split a row into four.
    most = (height + 8) * (row + 6) * 101 // 100 + SURPLUS
    if len(data) <= most:
        return ""
    position = packed = 8
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        packed += length if kind == b"IDAT" else 0
        position += length + 12
    return "more data than its pixels take" if packed > most else ""


_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a PNG, by colour type

# By a TIFF's first bytes: layout of the first page's offset, of its number of tags, of a tag.
_TIFFS = {
    start: tuple(struct.Struct(order + form) for form in forms)
    for order, starts in (("<", (b"II*\0", b"II+\0")), (">", (b"MM\0*", b"MM\0+")))
    for start, forms in zip(starts, (("4xI", "H", "HHI4s"), ("8xQ", "Q", "HHQ8s")), strict=True)
}
_LENGTHS = {3: 2, 4: 4, 16: 8}  # bytes of an integer of a TIFF, by its type


def _of_tiff(data: bytes, limits: Limits) -> str:
    """Check the first page; a second page is refused elsewhere."""
    start, count, entry = _TIFFS[data[:4]]
    (place,) = start.unpack_from(data)
    (tags,) = count.unpack_from(data, place)
    if tags > TAGS:
        return f"more than {TAGS:,} tags"
    order = "little" if data.startswith(b"II") else "big"
    tile = {_TILE_WIDTH: 1, _TILE_LENGTH: 1}
    for number in range(tags):
        tag, kind, values, content = entry.unpack_from(
            data, place + count.size + number * entry.size
        )
        if tag in _OFFSETS and values > PARTS:
            return f"more than {PARTS:,} strips or tiles"
        if tag in tile:
            tile[tag] = int.from_bytes(content[: _LENGTHS.get(kind, 2)], order)  # type: ignore[arg-type]
    width, height = tile.values()
    if width * height > limits.pixels:
        return f"tiles of {width} x {height} pixels"
    return ""


def _of_ppm(data: bytes) -> str:
    values = 3 if data[1:2] in b"14" else 4  # format, width, height, and the largest value

    def ends_within(size: int) -> bool:
        return len(re.sub(rb"#[^\r\n]*", b"", data[:size]).split(None, values)) >= values

    if len(data) > HEADER and not (ends_within(100) or ends_within(HEADER)):
        return f"a header of more than {HEADER:,} bytes"
    if data[1:2] in b"123" and data.count(b"#") > COMMENTS:
        return f"more than {COMMENTS:,} comments"
    return ""
