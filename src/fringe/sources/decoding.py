"""From the bytes of an image file to 8-bit RGB pixels, refusing what would change silently."""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from fringe.errors import FringeError

__all__ = ["decode", "decode_pixels", "size_of"]

_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
_BITS_PER_SAMPLE = 258  # TIFF tag


def decode(data: bytes, label: str) -> Image.Image:
    """Return the encoded image ``data`` as a loaded Pillow image of mode RGB, 8 bits a channel.

    Grayscale, palette and 1-bit images become RGB, which loses nothing. An alpha channel that is
    opaque everywhere is dropped. Colour profiles and EXIF orientation are not applied, as in the
    loaders of the StyleGAN family, whose pixels these are to equal.

    Parameters
    ----------
    data : bytes
        A whole BMP, GIF, JPEG, PNG, TIFF or WebP file.
    label : str
        What messages call it.

    Raises
    ------
    FringeError
        If it cannot be decoded, is too large to be an honest image (Pillow's guard against
        decompression bombs), moves, or has transparency, more than 8 bits a channel or a colour
        space other than RGB: converting those takes a decision that would change the score.
    """
    with _opened(data, label) as image:
        # Refused before decoding where the header tells, after it where only pixels tell.
        _refuse(image, data, label)
        image.load()
        return _to_rgb(image, label)


def decode_pixels(data: bytes, label: str) -> NDArray[np.uint8]:
    """Return what `decode` does as an array (height, width, 3), plain PNGs in less time.

    Of 8-bit RGB PNGs, which data sets of generators are made of, libpng reads the same pixels as
    Pillow in two thirds of the time, other threads go on meanwhile, and every checksum is checked.

    Raises
    ------
    FringeError
        As `decode`.
    """
    with _opened(data, label) as image:
        _refuse(image, data, label)
        if image.format == "PNG" and image.mode == "RGB" and "transparency" not in image.info:
            from imagecodecs import png_decode

            pixels: NDArray[np.uint8] = png_decode(data)
            return pixels
        image.load()
        return np.asarray(_to_rgb(image, label))


def size_of(data: bytes, label: str) -> tuple[int, int]:
    """Return width and height of the encoded image ``data``, from its header.

    Raises
    ------
    FringeError
        If the header cannot be read or tells of too large an image.
    """
    with _opened(data, label) as image:
        return image.size


@contextmanager
def _opened(data: bytes, label: str) -> Iterator[Image.Image]:
    """Yield the image with its header read; whatever fails becomes a clear message."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            yield image
    except (FringeError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise FringeError(
            f"{label}: too large to decode safely ({error}); make it smaller"
        ) from error
    except UnidentifiedImageError as error:
        raise FringeError(
            f"{label}: is damaged or not an image ({len(data)} bytes); replace or remove it"
        ) from error
    except Exception as error:  # Pillow's decoders raise almost anything on damaged bytes
        raise FringeError(f"{label}: is damaged ({error}); replace or remove it") from error


def _refuse(image: Image.Image, data: bytes, label: str) -> None:
    """Raise where the header tells that the image is of a kind that is refused."""
    if _deep(image, data):
        raise FringeError(
            f"{label}: has more than 8 bits a channel (mode {image.mode}); scale it to 8 bits the "
            "way you want (for example `magick in.png -depth 8 out.png`)"
        )
    if image.mode not in {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX"}:
        raise FringeError(
            f"{label}: its colours are {image.mode}, not RGB; convert it with the colour "
            "profile you want (for example `magick in.jpg -colorspace sRGB out.png`)"
        )
    # Some cameras' JPEGs (MPO) carry further views behind the photograph: those do not count.
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise FringeError(
            f"{label}: holds {getattr(image, 'n_frames', 1)} frames; save the one you want"
        )


def _deep(image: Image.Image, data: bytes) -> bool:
    """Tell more than 8 bits a channel; Pillow opens 16-bit RGB as mode RGB and drops the rest."""
    if image.mode == "F" or image.mode.startswith("I"):
        return True
    if image.format == "PNG":
        (bit_depth,) = struct.unpack_from("B", data, 24)  # IHDR: width, height, bit depth
        return bool(bit_depth > 8)
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (8,))
        return bool(max(bits) > 8)
    return False


def _to_rgb(image: Image.Image, label: str) -> Image.Image:
    if image.mode in {"LA", "PA", "RGBA"} or "transparency" in image.info:
        image = image.convert("RGBA")
        lowest = image.getchannel("A").getextrema()[0]
        if lowest != 255:
            raise FringeError(
                f"{label}: is transparent in places (lowest alpha {lowest} of 255); flatten it on "
                "the background you want (for example `magick in.png -background white -flatten "
                "out.png`)"
            )
    return image if image.mode == "RGB" else image.convert("RGB")  # which would copy it
