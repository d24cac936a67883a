"""Overlays of sensitivity maps on images, and checks that all figures of maps share."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import ArrayLike, NDArray

from fringe.errors import FringeError
from fringe.scores.titles import title_of
from fringe.sensitivity.maps import upsampled

__all__ = [
    "COLORS",
    "as_pixels",
    "check_maps",
    "check_mean_image",
    "check_predictions",
    "classifier_title",
    "distance_name",
    "heat_note",
    "mean_overlay",
    "overlay",
    "percent",
]

# Perceptually uniform, from blue to yellow like Parula, which the released code uses. Parula is
# part of MATLAB, and its table of colours may not be distributed.
COLORS = matplotlib.colormaps["viridis"]

Prediction = tuple[str, float]


def overlay(images: ArrayLike, maps: ArrayLike) -> NDArray[np.uint8]:
    """Return images with their maps drawn over them, mixed as in the paper.

    The map is resized to the image (`fringe.sensitivity.upsampled`) and coloured. The coloured map
    has weight 2, the image weight 1; both are first scaled from 0 to 1, and their sum is scaled
    from 0 to 255. The colours are viridis, not Parula.

    Parameters
    ----------
    images : (n, H, W, 3)
        RGB; uint8, or numbers in any unit, such as a mean of images.
    maps : (n, h, w)
        One map for each image, of any size and unit.

    Returns
    -------
    (n, H, W, 3) uint8

    Raises
    ------
    FringeError
        If the shapes do not fit, there is no image, or a value is NaN or infinite.
    """
    pictures = np.asarray(images)
    if pictures.ndim != 4 or pictures.shape[-1] != 3 or not pictures.size:
        raise FringeError(
            f"overlay: images of shape {pictures.shape}; give RGB images of shape (n, H, W, 3)"
        )
    _require_numbers(pictures, "overlay: images")
    heat = check_maps(maps, len(pictures), "overlay")
    mixed = np.empty(pictures.shape, np.uint8)
    for place, picture in enumerate(pictures):  # one at a time: float64 needs ten times the memory
        large = COLORS(upsampled(heat[place : place + 1], picture.shape[:2])[0])[..., :3]
        mixed[place] = as_pixels(255 * _spread(2 * large + _spread(picture)))
    return mixed


def check_maps(maps: ArrayLike, count: int, name: str, ndim: int = 3) -> NDArray[np.float64]:
    """Return ``maps`` as float64 (count, h, w), or with ``ndim`` 4 as (count, k, h, w).

    Raises
    ------
    FringeError
        If maps have another shape, or a value is NaN or infinite.
    """
    array = np.asarray(maps)
    if array.ndim != ndim or len(array) != count or not array.size:
        wanted = f"({count}, {'k, ' if ndim == 4 else ''}h, w)"
        raise FringeError(
            f"{name}: maps of shape {array.shape} for {count} images; give {wanted}, "
            "one map for each image"
        )
    _require_numbers(array, f"{name}: maps")
    return array.astype(np.float64)


def check_predictions(
    predictions: Sequence[Sequence[Prediction]], count: int, name: str
) -> list[list[Prediction]]:
    """Return the most probable classes of each image, the same number for each image.

    Raises
    ------
    FringeError
        If there is not one list for each image, lengths differ or are 0, or a probability is not
        between 0 and 1.
    """
    found = [[(str(c), float(p)) for c, p in classes] for classes in predictions]
    lengths = {len(classes) for classes in found}
    if len(found) != count or len(lengths) != 1 or 0 in lengths:
        raise FringeError(
            f"{name}: predictions for {len(found)} images, of {sorted(lengths)} classes, with "
            f"{count} images; give each image the same number of (class name, probability) pairs"
        )
    for place, classes in enumerate(found):
        for label, probability in classes:
            if not 0 <= probability <= 1 + 1e-6:  # refuses NaN, and accepts rounding errors
                raise FringeError(
                    f"{name}: image {place}: class {label!r} has probability {probability}; "
                    "give softmax probabilities, from 0 to 1"
                )
    return found


def classifier_title(network: str, classifier: str) -> str:
    """Return the title of the network that counts classes: ``classifier``, or FID's network."""
    return title_of({}, classifier or network or "inception")


def distance_name(network: str) -> str:
    """Return the name of the Fréchet distance in a network: "FID", "FID (SwAV)"."""
    return "FID" if network in ("", "inception") else f"FID ({title_of({}, network)})"


def mean_overlay(
    heat: ArrayLike, mean: NDArray[np.float64] | None, size: tuple[int, ...], name: str
) -> NDArray[np.uint8]:
    """Return a map (h, w) over a mean image (H, W, 3); without an image, only the map's colours.

    ``size`` is the size (H, W) of the result.

    Raises
    ------
    FringeError
        If the map has another shape, or contains a value that is not a finite number.
    """
    array = np.asarray(heat)
    if array.ndim != 2 or not array.size:
        raise FringeError(f"{name}: a mean map of shape {array.shape}; give (h, w)")
    if mean is None:
        checked = check_maps(array[None], 1, name)
        colors: NDArray[np.float64] = COLORS(upsampled(checked, (size[0], size[1]))[0])
        return as_pixels(255 * colors[..., :3])
    return np.asarray(overlay(mean[None], array[None])[0])


def check_mean_image(image: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return a mean image as float64 (H, W, 3).

    Raises
    ------
    FringeError
        If the image has another shape, or a value is not between 0 and 255.
    """
    array = np.asarray(image, dtype=np.float64)
    if array.ndim != 3 or array.shape[-1] != 3 or not array.size:
        raise FringeError(f"{name}: a mean image of shape {array.shape}; give RGB, (H, W, 3)")
    if not (array.min() >= 0 and array.max() <= 255):  # also refuses NaN
        raise FringeError(
            f"{name}: a mean image from {array.min():g} to {array.max():g}; give 0 to 255"
        )
    return array


def heat_note(distance: str) -> str:
    """Return two sentences that explain the colours of sensitivity maps."""
    return (
        f"A change of a yellow part of the image changes {distance} most, of a violet part least. "
        "The colours of each map span the range of its own values."
    )


def percent(share: float) -> str:
    """Return a share from 0 to 1 with two significant digits: "87%", "3.4%", "<0.1%"."""
    if 0 < share < 0.0005:
        return "<0.1%"
    return f"{100 * share:.0f}%" if share >= 0.0995 else f"{100 * share:.1f}%"


def as_pixels(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return numbers from 0 to 255, rounded to grey levels."""
    return np.asarray(np.rint(values), dtype=np.uint8)


def _spread(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return ``values`` scaled from 0 (smallest) to 1 (largest); 0 if all are equal."""
    array = values.astype(np.float64)
    low, high = array.min(), array.max()
    return np.asarray((array - low) / (high - low if high > low else 1))


def _require_numbers(array: NDArray[Any], name: str) -> None:
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise FringeError(f"{name} are not finite real numbers ({array.dtype}); give such numbers")
