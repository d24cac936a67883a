"""Encoded images in small files that declare huge sizes, or take long or endlessly to decode."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image

HUGE = 13_300  # pixels of a side: 177 million in total, just below the limit of Pillow
WIDTH, HEIGHT = 24, 20  # size of images with few pixels

# File -> content, and a part of the message; "" if the image is read.
Cases = dict[str, tuple[bytes, str]]

TOO_LARGE = "`limits/pixels` allows"
DAMAGED = "is damaged"
TEXTS = "has a text or colour profile of more than 1 MiB, or more than 64 MiB of texts"
MOVES = "holds more than one frame"


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def small(form: str, **options: object) -> bytes:
    """Return an ordinary image of WIDTH x HEIGHT."""
    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    return encoded(Image.fromarray(pixels), form, **options)


def claiming(data: bytes, width: int, height: int, form: str = ">II") -> bytes:
    """Return an image whose header claims another size than WIDTH x HEIGHT."""
    before, after = (WIDTH, HEIGHT), (width, height)
    if form == ">HH":  # in a JPEG, the height is first
        before, after = before[::-1], after[::-1]
    assert struct.pack(form, *before) in data
    return data.replace(struct.pack(form, *before), struct.pack(form, *after))


@cache
def zeros(size: int) -> bytes:
    """Return zeros compressed by zlib to a thousandth of their size."""
    packer = zlib.compressobj(9)
    block = bytes(1 << 20)
    parts = [packer.compress(block[: size - at]) for at in range(0, size, len(block))]
    return b"".join([*parts, packer.flush()])


# PNG -------------------------------------------------------------------------------------------


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a part of a PNG."""
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png(
    width: int = WIDTH,
    height: int = HEIGHT,
    *,
    bits: int = 8,
    colour: int = 2,
    interlaced: bool = False,
    extra: bytes = b"",
    rows: int | None = None,
) -> bytes:
    """Return a black PNG with ``extra`` parts, and with as many rows as it claims, or ``rows``."""
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    palette = chunk(b"PLTE", bytes(3)) if colour == 3 else b""
    row = 1 + (width * bits * (3 if colour == 2 else 1) + 7) // 8
    pixels = chunk(b"IDAT", zeros(row * (height if rows is None else rows)))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    return start + palette + extra + pixels + chunk(b"IEND", b"")


def pngs() -> Cases:
    gray = {"bits": 1, "colour": 0}
    much = zeros(1 << 28)
    return {
        "megapixels.png": (png(HUGE, HUGE, **gray), TOO_LARGE),
        "megapixels-interlaced.png": (png(HUGE, HUGE, **gray, interlaced=True), TOO_LARGE),
        "megapixels-palette.png": (png(HUGE, HUGE, bits=1, colour=3), TOO_LARGE),
        "size-of-31-bits.png": (png(2**31 - 1, 2**31 - 1, rows=0), TOO_LARGE),
        "rows-lack.png": (png(8192, 8192, rows=10), DAMAGED),
        "rows-too-many.png": (png(rows=1 << 22), "more data than its pixels take"),
        "rows-a-few-too-many.png": (png(rows=1 << 19), ""),
        "text.png": (png(extra=chunk(b"zTXt", b"a\0\0" + much)), TEXTS),
        "texts.png": (png(extra=chunk(b"zTXt", b"a\0\0" + zeros(1 << 20)) * 1000), TEXTS),
        "texts-plain.png": (png(extra=chunk(b"tEXt", b"a\0b") * 30_000), ""),
        "text-of-unicode.png": (
            png(extra=chunk(b"iTXt", b"a\0\1\0\0\0" + much)),
            TEXTS,
        ),
        "profile.png": (png(extra=chunk(b"iCCP", b"a\0\0" + much)), TEXTS),
        "chunk-of-2-gb.png": (small("PNG")[:33] + b"\x7f\xff\xff\xfftEXt" + bytes(100), DAMAGED),
        "chunks-empty.png": (png(extra=chunk(b"IDAT", b"") * 30_000), ""),
        "chunks-unknown.png": (png(extra=chunk(b"teST", b"") * 30_000), ""),
        "frames.png": (png(extra=chunk(b"acTL", struct.pack(">II", 1_000_000, 0))), MOVES),
    }


# GIF -------------------------------------------------------------------------------------------


def gif(width: int, height: int, frames: int = 1, extra: bytes = b"") -> bytes:
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00"
    return screen + extra + frame * frames + b";"


def gifs() -> Cases:
    return {
        "size-of-16-bits.gif": (gif(65_535, 65_535), TOO_LARGE),
        "pixels-lack.gif": (gif(8192, 8192), DAMAGED),
        "frames.gif": (gif(1, 1, frames=1_000_000), MOVES),
        "comment.gif": (gif(1, 1, extra=b"\x21\xfe" + b"\xff" * 256 * 40_000 + b"\0"), ""),
    }


# TIFF ------------------------------------------------------------------------------------------

Entry = tuple[int, int, int, int]  # tag, type (3: 16 bits, 4: 32 bits), values, value or place
PLAIN: dict[int, Entry] = {
    256: (256, 4, 1, WIDTH),
    257: (257, 4, 1, HEIGHT),
    258: (258, 3, 1, 8),
    259: (259, 3, 1, 1),  # not compressed
    262: (262, 3, 1, 2),  # RGB
    273: (273, 4, 1, 8),  # offset of the only strip
    277: (277, 3, 1, 3),
    278: (278, 4, 1, HEIGHT),
    279: (279, 4, 1, WIDTH * HEIGHT * 3),
}


def tiff(
    *changed: Entry, pixels: bytes = bytes(WIDTH * HEIGHT * 3), pages: int = 1, loops: bool = False
) -> bytes:
    """Return a TIFF of equal pages; with ``loops``, the last page leads back to the first."""
    pixels += bytes(len(pixels) % 2)
    entries = sorted((PLAIN | {one[0]: one for one in changed}).values())
    packed = b"".join(struct.pack("<HHII", *one) for one in entries)
    first, size = 8 + len(pixels), 2 + len(packed) + 4
    following = [first + size * number for number in range(1, pages)] + [first if loops else 0]
    count = struct.pack("<H", len(entries))
    head = b"II*\0" + struct.pack("<I", first) + pixels
    return head + b"".join(count + packed + struct.pack("<I", place) for place in following)


def deflated(size: int, *changed: Entry) -> bytes:
    pixels = zeros(size)
    return tiff((259, 3, 1, 8), (279, 4, 1, len(pixels)), *changed, pixels=pixels)


def tiffs() -> Cases:
    many = 2_000_000
    tiles = [(322, 4, 1, 16_384), (323, 4, 1, 16_384), (324, 4, 1, 8), (325, 4, 1, 99)]
    tags = [(tag, 1, 1440, 8) for tag in range(1000, 60_000)]
    thin = [(257, 4, 1, many), (273, 4, many, 8), (278, 4, 1, 1), (279, 4, many, 8)]
    inner = [(tag, 4, 1, 8 + WIDTH * HEIGHT * 3) for tag in (34_665, 34_853, 40_965)]
    return {
        "megapixels.tif": (tiff((256, 4, 1, HUGE), (257, 4, 1, HUGE)), TOO_LARGE),
        "pixels-lack.tif": (tiff((256, 4, 1, 8192), (257, 4, 1, 8192)), DAMAGED),
        "pixels-too-many.tif": (deflated(1 << 26), ""),
        "directories.tif": (tiff(pages=20_000), MOVES),
        "directories-in-a-loop.tif": (tiff(pages=20_000, loops=True), MOVES),
        "directory-of-itself.tif": (tiff(loops=True), ""),
        "directories-inside.tif": (tiff(*inner), ""),
        "tag-of-4-gb.tif": (tiff((700, 1, 2**32 - 1, 8)), ""),
        "tags.tif": (
            tiff(*tags),
            "more than 1,000 tags",
        ),
        "strips-claimed.tif": (tiff((273, 4, 2**28, 8), (279, 4, 2**28, 8)), "strips or tiles"),
        "strips.tif": (tiff(*thin, pixels=bytes(4 * many)), "more than 131,072 strips or tiles"),
        "tiles.tif": (tiff((259, 3, 1, 8), *tiles), "tiles of 16384 x 16384 pixels"),
        "rows-of-strips.tif": (deflated(10, (278, 4, 1, 2**32 - 1)), DAMAGED),
        "channels.tif": (tiff((277, 3, 1, 60_000)), "is damaged or not an image"),
    }


# JPEG ------------------------------------------------------------------------------------------


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg(extra: bytes) -> bytes:
    data = small("JPEG")
    return data[:2] + extra + data[2:]


def scans(count: int, side: int) -> bytes:
    """Return a progressive JPEG with ``count`` copies of its last scan."""
    data = encoded(Image.new("L", (side, side), 128), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + data[-2:]


def jpegs() -> Cases:
    exif = struct.pack("<HHHII", 1, 34_665, 4, 1, 8) + struct.pack("<I", 8)
    pictures = [(0xB000, 7, 4, 0x30303130), (0xB001, 4, 1, 2**32 - 1), (0xB002, 7, 2**32 - 1, 8)]
    index = struct.pack("<H", 3) + b"".join(struct.pack("<HHII", *one) for one in pictures)
    start = b"II*\0\x08\0\0\0"
    return {
        "size-of-16-bits.jpg": (claiming(small("JPEG"), 65_500, 65_500, ">HH"), TOO_LARGE),
        "scans.jpg": (scans(20_000, 2048), "more than 100 scans"),
        "scans-as-many-as-may-be.jpg": (scans(90, 256), ""),
        "comments.jpg": (jpeg(segment(0xFE, b"") * 1_000_000), "more than 10,000 segments"),
        "fill.jpg": (jpeg(b"\xff" * 20_000_000), "more than 65,536 bytes between two segments"),
        "profile.jpg": (jpeg(segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(65_000)) * 200), ""),
        "exif-in-a-loop.jpg": (jpeg(segment(0xE1, b"Exif\0\0" + start + exif)), ""),
        "views.jpg": (jpeg(segment(0xE2, b"MPF\0" + start + index + struct.pack("<I", 8))), ""),
    }


# Others ----------------------------------------------------------------------------------------


def webps() -> Cases:
    canvas = b"\0\0\0\0" + struct.pack("<I", 16_382)[:3] * 2
    frames = [Image.new("RGB", (8, 8), number) for number in range(1, 50)]
    moving = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    wide = b"WEBPVP8X" + struct.pack("<I", len(canvas)) + canvas + small("WEBP")[12:]
    lossless = small("WEBP", lossless=True)
    sides = (16_382 | 16_382 << 14).to_bytes(4, "little")  # minus one, 14 bits each
    return {
        "megapixels.webp": (lossless[:21] + sides + lossless[25:], TOO_LARGE),
        "canvas.webp": (b"RIFF" + struct.pack("<I", len(wide)) + wide, DAMAGED),
        "frames.webp": (moving, MOVES),
    }


def avifs() -> Cases:
    frames = [Image.new("RGB", (8, 8), number) for number in range(1, 5)]
    return {
        "claim.avif": (claiming(small("AVIF"), 16_000, 16_000), TOO_LARGE),
        "frames.avif": (encoded(frames[0], "AVIF", save_all=True, append_images=frames), MOVES),
    }


def jpeg_2000s() -> Cases:
    good = small("JPEG2000", no_jp2=True)
    sized = struct.pack(">II", 2048, 2048) + struct.pack(">II", 0, 0)
    return {
        "claim.j2k": (claiming(good, 65_000, 65_000), TOO_LARGE),
        "pixels-lack.j2k": (claiming(good, 4096, 4096), DAMAGED),
        "tiles.j2k": (good[:8] + sized + struct.pack(">II", 33, 33) + good[32:], ""),
        "tiles-of-a-pixel.j2k": (good[:8] + sized + struct.pack(">II", 1, 1) + good[32:], DAMAGED),
    }


def ppms() -> Cases:
    return {
        "claim.ppm": (b"P6\n999999999 999999999\n255\n", TOO_LARGE),
        "pixels-lack.ppm": (b"P6\n8192 8192\n255\n" + bytes(100), DAMAGED),
        "numbers-lack.ppm": (b"P3\n8192 8192\n255\n" + b"0 " * 100, DAMAGED),
        "digits.ppm": (b"P6\n" + b"9" * 10_000_000, "a header of more than 65,536 bytes"),
        "comment.ppm": (b"P6\n" + b"#" * 20_000_000, "a header of more than 65,536 bytes"),
        "comments.ppm": (b"P6\n" + b"#\n" * 10_000_000, "a header of more than 65,536 bytes"),
        "comments-inside.ppm": (
            b"P3\n4 4\n255\n" + b"#\n" * 10_000_000 + b"0 " * 48,
            "more than 1,000 comments",
        ),
        "blanks.ppm": (b"P3\n4 4\n255\n" + b" " * 20_000_000, DAMAGED),
        "digits-inside.ppm": (b"P3\n4 4\n255\n" + b"0" * 20_000_000, DAMAGED),
    }


def plain_headers() -> Cases:
    """TGA, BMP and QOI: a header of a few numbers, and pixels."""
    bmp = small("BMP")
    sides = struct.pack("<ii", WIDTH, HEIGHT)
    tga = struct.Struct("<BBBHHBHHHHBB")
    return {
        "size-of-16-bits.tga": (tga.pack(0, 0, 2, 0, 0, 0, 0, 0, 65_535, 65_535, 24, 0), TOO_LARGE),
        "pixels-lack.tga": (tga.pack(0, 0, 2, 0, 0, 0, 0, 0, 8192, 8192, 24, 0), DAMAGED),
        "palette.tga": (tga.pack(255, 1, 1, 65_535, 65_535, 24, 0, 0, 24, 20, 8, 0), DAMAGED),
        "claim.bmp": (bmp.replace(sides, struct.pack("<ii", 2**31 - 1, 2**31 - 1)), TOO_LARGE),
        "below-zero.bmp": (bmp.replace(sides, struct.pack("<ii", -(2**31), -(2**31))), TOO_LARGE),
        "pixels-lack.bmp": (bmp.replace(sides, struct.pack("<ii", 8192, 8192)), DAMAGED),
        "palette.bmp": (bmp[:28] + b"\x08\0" + bmp[30:46] + b"\0\0\0\x80" + bmp[50:], DAMAGED),
        "header.bmp": (bmp[:14] + b"\0\0\0\x80" + bmp[18:], DAMAGED),
        "claim.qoi": (b"qoif" + b"\xff" * 8 + b"\3\0" + bytes(100), TOO_LARGE),
        "pixels-lack.qoi": (
            b"qoif" + struct.pack(">IIBB", 8192, 8192, 3, 0) + bytes(9),
            DAMAGED,
        ),
    }


GROUPS: dict[str, Callable[[], Cases]] = {
    "png": pngs,
    "gif": gifs,
    "tiff": tiffs,
    "jpeg": jpegs,
    "webp": webps,
    "avif": avifs,
    "jpeg 2000": jpeg_2000s,
    "ppm": ppms,
    "tga, bmp, qoi": plain_headers,
}
