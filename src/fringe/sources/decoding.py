"""From the bytes of an image file to 8-bit RGB pixels, refusing what would change silently."""

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from fringe.errors import FringeError
from fringe.files.stand_ins import READ, stand_in
from fringe.sources.decoder_warnings import hand_on
from fringe.sources.excess import excess
from fringe.sources.headers import bits_of, bits_of_unread, bytes_behind, is_covered
from fringe.sources.limits import LIMITS, Limits
from fringe.sources.suffixes import suffix_of

__all__ = ["decode", "decode_pixels", "size_of"]

# TGA has no signature, so almost any bytes may pass for one: it is known by its name only.
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "QOI", "TIFF", "WEBP")
_ORIENTATION = 274  # tag of TIFF and EXIF
_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")  # parts of a PNG that pixels follow from
_READ = "AVIF, BMP, GIF, JPEG, JPEG 2000, PNG, PPM, QOI, TGA, TIFF and WebP"


def decode(data: bytes, label: str, strict: bool = False) -> Image.Image:
    """Return what `decode_pixels` does as a Pillow image of mode RGB."""
    return Image.fromarray(decode_pixels(data, label, strict))


def decode_pixels(
    data: bytes, label: str, strict: bool = False, limits: Limits = LIMITS
) -> NDArray[np.uint8]:
    """Return the encoded image ``data`` as it is stored, RGB of shape (height, width, 3).

    Grayscale, palette and 1-bit images become RGB, which loses nothing. An alpha channel that is
    opaque everywhere is dropped. Colour profiles, gamma and the orientation of EXIF and TIFF are
    not applied, as in the loaders of the StyleGAN family, whose pixels these are to equal.

    The pixels are Pillow's. Of plain 8-bit RGB PNGs and of JPEGs, which data sets are made of,
    libpng and libjpeg-turbo read the same pixels in two thirds and four fifths of the time, and
    other threads go on meanwhile. Both tell what Pillow does not: libpng checks every checksum, and
    the warnings of libjpeg-turbo are handed to `fringe.sources.decoder_warnings`.

    Parameters
    ----------
    data : bytes
        A whole file, of one of the formats in ``docs/formats.md``.
    label : str
        What messages call it; a TGA is known by the suffix.
    strict : bool
        Whether what the decoder warns of is refused.
    limits : Limits
        How large it may be; looked at before it is decoded.

    Raises
    ------
    FringeError
        If it cannot be decoded, is larger than ``limits`` allow, moves, or has transparency, more
        than 8 bits a channel or a colour space other than RGB: converting those takes a decision
        that would change the score. If ``strict``, also if the decoder warns of it.
    """
    with _opened(data, label, limits) as image:
        # Refused before decoding where the header tells, after it where only pixels tell.
        _refuse(image, data, label)
        if image.format in ("JPEG", "MPO"):
            return _jpeg_pixels(image, data, label, strict)
        if image.format == "PNG":
            if image.mode == "RGB" and "transparency" not in image.info:
                from imagecodecs import png_decode

                pixels: NDArray[np.uint8] = png_decode(data)
                return pixels
            _check_sums(data, label)
        if image.format == "TIFF":
            image.getexif()[_ORIENTATION] = 1  # Pillow would turn the image while it loads it
        image.load()
        # Copied: only then an image that was not turned has the right size.
        return np.asarray(_to_rgb(image.copy() if image.format == "TIFF" else image, label))


def _jpeg_pixels(image: Image.Image, data: bytes, label: str, strict: bool) -> NDArray[np.uint8]:
    from simplejpeg import decode_jpeg

    try:
        pixels: NDArray[np.uint8] = decode_jpeg(data, "RGB", strict=True)
        return pixels
    except ValueError as error:
        warning = str(error)
    image.load()  # raises where the data cannot be decoded at all
    # A JPEG of unusual sampling is not taken by TurboJPEG, which names its own function then.
    is_checked = not warning.startswith("tj")
    if strict:
        found = "has damaged data" if is_checked else "cannot be checked for damaged data"
        raise FringeError(
            f"{label}: {found}, and would be decoded all the same ({warning}); replace or remove "
            "it, or drop `strict` to have such images counted only"
        )
    if is_checked:
        hand_on([(label, warning)])
    return np.asarray(_to_rgb(image, label))


def size_of(
    data: bytes, label: str, *, only_read: bool = False, limits: Limits = LIMITS
) -> tuple[int, int]:
    """Return width and height of the encoded image ``data``, from its header.

    Raises
    ------
    FringeError
        If the header cannot be read, or is that of a larger image than ``limits`` allow; with
        ``only_read``, also if it is of a kind that `decode` refuses.
    """
    with _opened(data, label, limits) as image:
        if only_read:
            _refuse(image, data, label)
        width, height = image.size
        # Pillow's size is that of the image turned, if the orientation asks for that.
        turned = getattr(image, "tag_v2", {}).get(_ORIENTATION) in range(5, 9)
        return (height, width) if turned else (width, height)


@contextmanager
def _opened(data: bytes, label: str, limits: Limits) -> Iterator[Image.Image]:
    """Yield the image with its header read; whatever fails becomes a clear message."""
    limits.check_bytes(label, len(data))
    if too_much := excess(data, limits):
        raise FringeError(
            f"{label}: has {too_much}, which no image needs; if it is not damaged, save it again"
        )
    # Code of a user's own network may have set it, and Pillow would fill up images that are cut.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    Image.MAX_IMAGE_PIXELS = None  # ours is checked instead
    try:
        formats = (*_FORMATS, "TGA") if suffix_of(label) == ".tga" else _FORMATS
        with Image.open(io.BytesIO(data), formats=formats) as image:
            limits.check_pixels(label, *image.size)
            yield image
    except (FringeError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        if bits_of_unread(data) > 8:
            raise _too_deep(label, bits_of_unread(data)) from error
        if found := stand_in(data[:READ]):
            raise FringeError(f"{label}: {found}") from error
        raise FringeError(
            f"{label}: is damaged or not an image of a format that is read ({len(data)} bytes; "
            f"read are {_READ}); replace, convert or remove it"
        ) from error
    except Exception as error:  # Pillow's decoders raise almost anything on damaged bytes
        if "MAX_TEXT" in str(error):
            raise FringeError(
                f"{label}: has a text or colour profile of more than 1 MiB, or 64 MiB of texts, "
                "unpacked; save it again without them"
            ) from error
        raise FringeError(f"{label}: is damaged ({error}); replace or remove it") from error


def _refuse(image: Image.Image, data: bytes, label: str) -> None:
    """Raise where the header tells that the image is of a kind that is refused."""
    bits = bits_of(image, data)
    if bits > 8:
        raise _too_deep(label, bits)
    if image.mode not in {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX"}:
        raise FringeError(
            f"{label}: its colours are {image.mode}, not RGB; convert it with the colour "
            "profile you want (for example `magick in.jpg -colorspace sRGB out.png`)"
        )
    # Some cameras' JPEGs (MPO) carry further views behind the photograph: those do not count.
    # To count frames takes long where there are many, and a GIF or TIFF may hold a million.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise FringeError(f"{label}: holds more than one frame; save the one you want")
    if image.format == "GIF" and not is_covered(image):
        raise FringeError(
            f"{label}: its frame covers only a part of its {image.width} x {image.height} pixels; "
            "save it as it is to be seen (for example `magick in.gif -coalesce out.png`)"
        )
    if image.format == "PPM" and bytes_behind(image, data):
        raise FringeError(
            f"{label}: holds {bytes_behind(image, data)} bytes behind its first image, perhaps "
            "further ones; save the one you want"
        )


def _too_deep(label: str, bits: int) -> FringeError:
    return FringeError(
        f"{label}: has more than 8 bits a channel ({bits}); scale it to 8 bits the way you want "
        "(for example `magick in.png -depth 8 out.png`)"
    )


def _check_sums(data: bytes, label: str) -> None:
    """Check what Pillow leaves unchecked of a PNG: the end of its pixels."""
    position = 8
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        end = position + 8 + length
        kind = data[position + 4 : position + 8]
        held = int.from_bytes(data[end : end + 4], "big")
        if kind in _NEEDED and zlib.crc32(data[position + 4 : end]) != held:
            raise FringeError(
                f"{label}: is damaged (the checksum of its {kind.decode()} is wrong); replace or "
                "remove it"
            )
        position = end + 4


def _to_rgb(image: Image.Image, label: str) -> Image.Image:
    if image.has_transparency_data:
        image = image.convert("RGBA")
        lowest = image.getchannel("A").getextrema()[0]
        if lowest != 255:
            raise FringeError(
                f"{label}: is transparent in places (lowest alpha {lowest} of 255); flatten it on "
                "the background you want (for example `magick in.png -background white -flatten "
                "out.png`)"
            )
    return image if image.mode == "RGB" else image.convert("RGB")  # which would copy it
