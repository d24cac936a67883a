"""Check that the outputs of a generator are images in the stated range of values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fringe.errors import FringeError
from fringe.generators.base import Generator
from fringe.generators.latents import Latents

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["USUAL", "as_range", "check_size", "range_fault", "rescaled", "try_out"]

USUAL = -1.0, 1.0  # black and white of most generators, and of all network pickles

# Rules for the values of a few images; benchmarks/output_range.py measures these rules.
SAMPLES = 8
MIDDLE = 0.15  # values closer to 0 than this belong to neither half of the range
RARE = 0.001  # share of values in a half that may be due to rounding or overshoot
FAR = 1.5
FEW = 0.05  # share of values that may be far outside
NARROW = 0.05  # spread of values; the distance from black to white is 2


def check_size(channels: int, height: int, width: int, path: Any) -> None:
    """Check that images of this shape are grey or RGB.

    Raises
    ------
    FringeError
        If the images have another number of channels.
    """
    if channels in (1, 3):
        return
    if width in (1, 3):
        fix = "channels are last: export `images.permute(0, 3, 1, 2)`"
    elif channels in (2, 4):
        fix = f"export its colours without the last channel: `images[:, :{channels - 1}]`"
    else:
        fix = "export only the channels of an image"
    raise FringeError(
        f"{path}: its images have {channels} channels (shape (N, {channels}, {height}, {width})), "
        f"and an image has 3 (RGB) or 1 (grey); {fix}"
    )


def as_range(given: Sequence[float] | None, path: Any) -> tuple[float, float] | None:
    """Return black and white as two floats, or None if no range is given.

    Raises
    ------
    FringeError
        If the range is not two finite numbers in ascending order.
    """
    if given is None:
        return None
    numbers = [float(each) for each in given if isinstance(each, int | float)]
    if len(given) == len(numbers) == 2 and all(map(math.isfinite, numbers)):
        black, white = numbers
        if black < white:
            return black, white
    raise FringeError(
        f"{path}: `range` is {list(given)}; give the values of black and white in its images, such "
        "as [0, 1] or [0, 255]"
    )


def rescaled(generator: Generator, range: tuple[float, float]) -> Generator:
    """Return a generator whose black is -1 and white is 1, given their values in ``generator``."""
    if range == USUAL:
        return generator
    black, white = range

    def forward(inputs: Any) -> Tensor:
        return (generator.forward(inputs) - black) / (white - black) * 2 - 1

    return replace(generator, forward=forward)


def try_out(generator: Generator, path: Any, range: tuple[float, float] | None) -> None:
    """Check the range of values of a few images of a generator whose file does not state it.

    The images are made from the first latents of seed 0. The generator is refused if many values
    are far outside the range. Without a ``range``, it is also refused if all values are in one half
    of [-1, 1]. With a ``range``, it is also refused if the values cover almost nothing of the
    range.

    Parameters
    ----------
    generator : Generator
        A generator whose black is -1 and white is 1 (see `rescaled`).
    path : path
        Path of its file, for messages.
    range : (float, float), optional
        The stated values of black and white in the file.

    Raises
    ------
    FringeError
        If the generator is refused, makes equal images from different latents, or makes an image
        that is not finite.
    """
    latents = Latents(0, generator.z_dim).rows(np.arange(SAMPLES))
    classes = generator.n_classes
    # Two images for each label, which then differ only in their latents.
    labels = np.arange(SAMPLES) // 2 % classes if classes else None
    images = np.asarray(
        generator.synthesize(latents, labels=labels, called=f"{path}: image {{}} of seed 0".format)
    )
    if (images[::2] == images[1::2]).all():
        raise FringeError(
            f"{path}: makes the same image from {SAMPLES} different latents; export it again so "
            "that `forward` uses its latents (torch.jit.trace stores values that do not depend on "
            "the inputs as constants)"
        )
    fault = range_fault(images, range)
    if fault is not None:
        raise FringeError(f"{path}: {fault}")


def range_fault(images: np.ndarray, range: tuple[float, float] | None) -> str | None:
    """Return the fault in the values of a few images, and a fix; None if there is no fault.

    Parameters
    ----------
    images : array (N, C, H, W)
        Images whose black is -1 and white is 1.
    range : (float, float), optional
        The stated values of black and white before rescaling; None if none are stated.
    """
    black, white = range or USUAL
    least, most = (
        float(value + 1) / 2 * (white - black) + black for value in (images.min(), images.max())
    )
    found = f"the values of {len(images)} images are between {least:.4g} and {most:.4g}"
    above, below = ((sign * images > MIDDLE).mean() for sign in (1, -1))
    if range is None and below < RARE < above:
        times, stated = ("2 * x", "[0, 1]") if most <= 2 else ("x / 127.5", "[0, 255]")
        return (
            f"{found}, as if black were 0, but black must be -1 and white 1; set "
            f"`range: {stated}`, or export `{times} - 1`; if the images really are this bright, "
            "set `range: [-1, 1]`"
        )
    if range is None and above < RARE < below and (images < -FAR).mean() <= FEW:
        return (
            f"{found}, the lower half of -1 (black) to 1 (white); state the values of black and "
            "white, such as `range: [-1, 0]`; if the images really are this dark, set "
            "`range: [-1, 1]`"
        )
    if range is not None and black >= 0 and -1.1 <= least < -0.5 < 0.5 < most <= 1.1:
        return (
            f"{found}, as if black were -1 and white 1, but `range` states {black:g} (black) to "
            f"{white:g} (white); leave `range` out"
        )
    if (np.abs(images) > FAR).mean() > FEW:
        return (
            f"{found}, many of them far outside {black:g} (black) to {white:g} (white); state the "
            "values of black and white, such as `range: [0, 255]`; if the images were normalized "
            "with a mean and a deviation, undo this in the exported program; if training has only "
            f"begun or diverged, export `x.clamp({black:g}, {white:g})`"
        )
    if range is not None and np.ptp(images) < NARROW:
        return (
            f"{found}, almost nothing of {black:g} (black) to {white:g} (white), which `range` "
            "states; correct `range`, or leave it out"
        )
    return None
