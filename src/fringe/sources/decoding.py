"""Decode image files to 8-bit RGB pixels, and refuse files whose pixels would silently change."""

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

# TGA has no signature, so almost any bytes may pass for one: TGAs are only known by their name.
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "QOI", "TIFF", "WEBP")
_ORIENTATION = 274  # tag of TIFF and EXIF
_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")  # chunks of a PNG that determine its pixels
_READ = "AVIF, BMP, GIF, JPEG, JPEG 2000, PNG, PPM, QOI, TGA, TIFF and WebP"


def decode(data: bytes, label: str, strict: bool = False) -> Image.Image:
    """Decode an image like `decode_pixels`, and return it as a Pillow image of mode RGB."""
    return Image.fromarray(decode_pixels(data, label, strict))


def decode_pixels(
    data: bytes, label: str, strict: bool = False, limits: Limits = LIMITS
) -> NDArray[np.uint8]:
    """Return the pixels of the encoded image ``data``, RGB of shape (height, width, 3).

    Grayscale, palette and 1-bit images become RGB without loss. An alpha channel that is opaque
    everywhere is dropped. Colour profiles, gamma and the orientation of EXIF and TIFF are not
    applied. The loaders of the StyleGAN family do the same, and these pixels must equal theirs.

    The pixels are those of Pillow. For plain 8-bit RGB PNGs and for JPEGs, the usual images of data
    sets, libpng and libjpeg-turbo read the same pixels in two thirds and four fifths of the time,
    and let other threads run meanwhile. Both also find damage that Pillow does not report: libpng
    checks every checksum, and the warnings of libjpeg-turbo are passed to
    `fringe.sources.decoder_warnings`.

    Parameters
    ----------
    data : bytes
        A whole file, of one of the formats in ``docs/formats.md``.
    label : str
        Name in messages. Its suffix identifies a TGA.
    strict : bool
        Whether an image with a decoder warning is refused.
    limits : Limits
        Bounds of its size, checked before decoding.

    Raises
    ------
    FringeError
        If the image cannot be decoded, exceeds ``limits``, is animated, or has transparency, more
        than 8 bits per channel or a colour space other than RGB: there are several ways to convert
        these, and the choice changes the score. With ``strict``, also if the decoder warns.
    """
    with _opened(data, label, limits) as image:
        # Refuse before decoding if the header shows the reason, after it if only pixels show it.
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
            image.getexif()[_ORIENTATION] = 1  # otherwise Pillow rotates the image while loading
        image.load()
        # Without the copy, an image that was not rotated has the wrong size.
        return np.asarray(_to_rgb(image.copy() if image.format == "TIFF" else image, label))


def _jpeg_pixels(image: Image.Image, data: bytes, label: str, strict: bool) -> NDArray[np.uint8]:
    from simplejpeg import decode_jpeg

    try:
        pixels: NDArray[np.uint8] = decode_jpeg(data, "RGB", strict=True)
        return pixels
    except ValueError as error:
        warning = str(error)
    image.load()  # raises if the data cannot be decoded at all
    # TurboJPEG does not decode JPEGs of unusual sampling. Its error then begins with the name of
    # its own function.
    is_checked = not warning.startswith("tj")
    if strict:
        found = "has damaged data" if is_checked else "cannot be checked for damaged data"
        raise FringeError(
            f"{label}: {found}, but could still be decoded ({warning}); replace or remove "
            "it, or remove `strict`, so that such images are only counted"
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
        If the header cannot be read, or the image exceeds ``limits``; with
        ``only_read``, also if `decode` refuses images of this kind.
    """
    with _opened(data, label, limits) as image:
        if only_read:
            _refuse(image, data, label)
        width, height = image.size
        # Pillow's size is that of the rotated image, if its orientation requires a rotation.
        turned = getattr(image, "tag_v2", {}).get(_ORIENTATION) in range(5, 9)
        return (height, width) if turned else (width, height)


@contextmanager
def _opened(data: bytes, label: str, limits: Limits) -> Iterator[Image.Image]:
    """Yield the image with its header read; turn every error into a clear message."""
    limits.check_bytes(label, len(data))
    if too_much := excess(data, limits):
        raise FringeError(
            f"{label}: has {too_much}, which no image needs; if it is not damaged, save it again"
        )
    # Code of a user's network may have set it. Pillow would then fill up truncated images.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    Image.MAX_IMAGE_PIXELS = None  # `limits` are checked instead
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
            f"{label}: is damaged or not an image of a supported format ({len(data)} bytes; "
            f"supported are {_READ}); replace, convert or remove it"
        ) from error
    except Exception as error:  # Pillow's decoders raise almost anything on damaged bytes
        if "MAX_TEXT" in str(error):
            raise FringeError(
                f"{label}: has a text or colour profile of more than 1 MiB, or more than 64 MiB of "
                "texts, unpacked; save it again without them"
            ) from error
        raise FringeError(f"{label}: is damaged ({error}); replace or remove it") from error


def _refuse(image: Image.Image, data: bytes, label: str) -> None:
    """Raise if the header shows that the image is of a refused kind."""
    bits = bits_of(image, data)
    if bits > 8:
        raise _too_deep(label, bits)
    if image.mode not in {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX"}:
        raise FringeError(
            f"{label}: its colour mode is {image.mode}, not RGB; convert it with the colour "
            "profile you want (for example `magick in.jpg -colorspace sRGB out.png`)"
        )
    # JPEGs of some cameras (MPO) contain further views after the photograph: ignore these.
    # Counting frames takes long if there are many; a GIF or TIFF may hold a million.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise FringeError(f"{label}: holds more than one frame; save the one you want")
    if image.format == "GIF" and not is_covered(image):
        raise FringeError(
            f"{label}: its frame covers only part of its {image.width} x {image.height} pixels; "
            "save it as it is displayed (for example `magick in.gif -coalesce out.png`)"
        )
    if image.format == "PPM" and bytes_behind(image, data):
        raise FringeError(
            f"{label}: holds {bytes_behind(image, data)} bytes after its first image, perhaps "
            "further images; save the one you want"
        )


def _too_deep(label: str, bits: int) -> FringeError:
    return FringeError(
        f"{label}: has more than 8 bits per channel ({bits}); scale it to 8 bits the way you want "
        "(for example `magick in.png -depth 8 out.png`)"
    )


def _check_sums(data: bytes, label: str) -> None:
    """Check the checksums of a PNG. Pillow does not check the end of the pixels."""
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
                f"{label}: is partly transparent (lowest alpha {lowest} of 255); flatten it on "
                "the background you want (for example `magick in.png -background white -flatten "
                "out.png`)"
            )
    return image if image.mode == "RGB" else image.convert("RGB")  # `convert` would copy the image
