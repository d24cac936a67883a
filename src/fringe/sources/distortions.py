"""Images distorted on purpose: blurred, noised, compressed and warped, each in three doses.

The doses define what a network should see (`fringe.comparison.power`). They were chosen by
looking at photographs of 128 and 256 pixels:

* ``small``: only visible when switching between the distorted image and the original.
* ``visible``: visible to a person who looks for the distortion, without the original.
* ``gross``: visible at a glance.

=====  ==============  ==========  ========  ===================================================
kind   small           visible     gross     amount
=====  ==============  ==========  ========  ===================================================
blur   0.35            0.7         2         standard deviation of a Gaussian, pixels
noise  2               6           20        standard deviation of Gaussian noise, grey levels
jpeg   90              60          15        quality of libjpeg, with halved colour resolution
warp   0.5             1.5         4         standard deviation of displacement, pixels
=====  ==============  ==========  ========  ===================================================

These amounts are for images whose shorter side has up to 256 pixels. People and most networks see a
larger image as a whole, with about 256 pixels per side. A larger image therefore gets the
distortions of its version with a shorter side of 256 pixels: lengths grow with the image, and noise
and compression errors are made at 256 pixels and enlarged.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from PIL import Image

from fringe.errors import FringeError
from fringe.seeds import random_stream
from fringe.sources.base import Images
from fringe.sources.smooth_noise import smooth_noise

__all__ = [
    "DISTORTIONS",
    "DOSES",
    "LOOKED_AT",
    "REVISION",
    "Distortion",
    "Dose",
    "Kind",
    "blurred",
    "compressed",
    "distorted",
    "noisy",
    "warped",
    "with_noise",
]

#: Increase it when the same image gets other pixels.
REVISION = 1

LOOKED_AT = 256  # pixels of the shorter side at which larger images are seen
SMOOTH = 16  # pixels between the knots of a warp: it is smooth over this length

Kind: TypeAlias = Literal["blur", "noise", "jpeg", "warp"]
Dose: TypeAlias = Literal["small", "visible", "gross"]
DOSES: tuple[Dose, ...] = get_args(Dose)


class Distortion(NamedTuple):
    """One kind of distortion.

    Attributes
    ----------
    unit : str
        Unit of its amounts.
    amounts : tuple of float
        One amount for each of `DOSES`.
    """

    unit: str
    amounts: tuple[float, float, float]


DISTORTIONS: dict[Kind, Distortion] = {
    "blur": Distortion("pixels", (0.35, 0.7, 2.0)),
    "noise": Distortion("grey levels", (2.0, 6.0, 20.0)),
    "jpeg": Distortion("quality", (90.0, 60.0, 15.0)),
    "warp": Distortion("pixels", (0.5, 1.5, 4.0)),
}


def distorted(image: Images, kind: Kind, dose: Dose, *, index: int, seed: int) -> Images:
    """Return an image (H, W, 3) uint8 with one dose of one kind of distortion.

    Noise and warps depend only on the seed and the image's index. For all doses they are the same,
    except for their size.

    Parameters
    ----------
    image : uint8 array (H, W, 3)
    kind : {"blur", "noise", "jpeg", "warp"}
    dose : {"small", "visible", "gross"}
    index : int
        Index of the image in its source.
    seed : int
        Seed of noise and warps, not negative.

    Raises
    ------
    FringeError
        If the image has another shape or type.
    """
    amount = DISTORTIONS[kind].amounts[DOSES.index(dose)]
    stream = random_stream(seed, "distortion", kind, index)
    apply: dict[Kind, Callable[[], Images]] = {
        "blur": lambda: blurred(image, amount),
        "noise": lambda: noisy(image, amount, stream),
        "jpeg": lambda: compressed(image, round(amount)),
        "warp": lambda: warped(image, amount, stream),
    }
    return apply[kind]()


def blurred(image: Images, deviation: float) -> Images:
    """Return an image (H, W, 3) uint8, blurred by a Gaussian of a standard deviation in pixels."""
    length = deviation * _enlargement(image)
    smooth = _ndimage().gaussian_filter(
        image.astype(np.float32), (length, length, 0), mode="nearest"
    )
    return _rounded(smooth)


def noisy(image: Images, deviation: float, stream: np.random.Generator) -> Images:
    """Return an image (H, W, 3) uint8 with Gaussian noise of a standard deviation in grey levels.

    The noise of all pixels and channels is independent. An image with a shorter side of more than
    256 pixels gets the noise of its reduced version.
    """
    if _enlargement(image) == 1:
        return with_noise(image, deviation, stream)
    small = (*_looked_at(image), 3)
    noise = np.float32(deviation) * stream.standard_normal(small, dtype=np.float32)
    return _rounded(image + _enlarged(noise, image))


def with_noise(image: Images, deviation: float, stream: np.random.Generator) -> Images:
    """Return an image uint8 of any shape with independent Gaussian noise, rounded and clipped."""
    noise = stream.standard_normal(image.shape, dtype=np.float32)
    noise *= np.float32(deviation)
    noise += image
    return _rounded(noise)


def compressed(image: Images, quality: int) -> Images:
    """Return an image (H, W, 3) uint8, compressed as JPEG and decoded.

    An image with a shorter side of more than 256 pixels gets the errors of its reduced version.
    """
    if _enlargement(image) == 1:
        return _through_jpeg(image, quality)
    height, width = _looked_at(image)
    small = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BOX))
    errors = _through_jpeg(small, quality).astype(np.float32) - small
    return _rounded(image + _enlarged(errors, image))


def warped(image: Images, deviation: float, stream: np.random.Generator) -> Images:
    """Return an image (H, W, 3) uint8, its pixels displaced by a smooth random field.

    Each of the two components of the displacement has mean 0 and a standard deviation in pixels,
    and is smooth over `SMOOTH` pixels (`smooth_noise`). Pixels are interpolated by cubic splines,
    which blur less than a bilinear interpolation. Otherwise a small warp would look like a blur.
    """
    scale = _enlargement(image)
    size = image.shape[:2]
    knots = tuple(max(2, round(side / (SMOOTH * scale)) + 1) for side in size)
    places = np.mgrid[: size[0], : size[1]].astype(np.float32)
    for component in places:
        field = smooth_noise((size[0], size[1]), (knots[0], knots[1]), stream)
        component += np.float32(deviation * scale) * field
    moved = [
        _ndimage().map_coordinates(channel.astype(np.float32), places, order=3, mode="nearest")
        for channel in np.moveaxis(image, 2, 0)
    ]
    return _rounded(np.stack(moved, 2))


def _enlargement(image: Images) -> float:
    """Return the shorter side of an image in units of 256 pixels, at least 1.

    Raises
    ------
    FringeError
        If it is not an image.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise FringeError(
            f"distortion: expected an image of shape (height, width, 3) of uint8, got shape "
            f"{image.shape} of {image.dtype}"
        )
    return max(1.0, float(min(image.shape[:2])) / LOOKED_AT)


def _looked_at(image: Images) -> tuple[int, int]:
    """Return height and width of an image reduced to a shorter side of 256 pixels."""
    height, width = (max(1, round(side / _enlargement(image))) for side in image.shape[:2])
    return height, width


def _enlarged(values: Any, image: Images) -> Any:
    """Return values (h, w, 3) at the size of an image; each becomes a rectangle of pixels."""
    rows, columns = (
        np.arange(side) * few // side
        for side, few in zip(image.shape[:2], values.shape[:2], strict=True)
    )
    return values[rows[:, None], columns]


def _through_jpeg(image: Images, quality: int) -> Images:
    encoded = BytesIO()
    Image.fromarray(image).save(encoded, "JPEG", quality=quality, subsampling="4:2:0")
    with Image.open(encoded) as decoded:
        return np.array(decoded)


def _rounded(values: Any) -> Images:
    rounded: Images = np.rint(values).clip(0, 255).astype(np.uint8)
    return rounded


def _ndimage() -> Any:
    """Import scipy.ndimage late: it takes half a second, and building a DAG opens sources."""
    from scipy import ndimage

    return ndimage
