"""What comes out of a generator must be images, whose black and white are known."""

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

# What a few images must look like; benchmarks/output_range.py measures these rules.
SAMPLES = 8
MIDDLE = 0.15  # values as near to the middle as that belong to neither half
RARE = 0.001  # share of values in a half that may be rounding or overshoot
FAR = 1.5
FEW = 0.05  # share of values that may be far outside
NARROW = 0.05  # of 2, the distance from black to white


def check_size(channels: int, height: int, width: int, path: Any) -> None:
    """Check that images of this size are grey or RGB.

    Raises
    ------
    FringeError
        If they have another number of channels.
    """
    if channels in (1, 3):
        return
    if width in (1, 3):
        fix = "channels are last: export `images.permute(0, 3, 1, 2)`"
    elif channels in (2, 4):
        fix = f"export its colours without the last channel: `images[:, :{channels - 1}]`"
    else:
        fix = "export those channels that are an image"
    raise FringeError(
        f"{path}: its images have {channels} channels (shape (N, {channels}, {height}, {width})), "
        f"and those of an image are 3 (RGB) or 1 (grey); {fix}"
    )


def as_range(given: Sequence[float] | None, path: Any) -> tuple[float, float] | None:
    """Return black and white as two floats, or None where nothing is stated.

    Raises
    ------
    FringeError
        If they are not two finite numbers, the lower one first.
    """
    if given is None:
        return None
    numbers = [float(each) for each in given if isinstance(each, int | float)]
    if len(given) == len(numbers) == 2 and all(map(math.isfinite, numbers)):
        black, white = numbers
        if black < white:
            return black, white
    raise FringeError(
        f"{path}: `range` is {list(given)}; give what black and white are in its images, such as "
        "[0, 1] or [0, 255]"
    )


def rescaled(generator: Generator, range: tuple[float, float]) -> Generator:
    """Return a generator whose black is -1 and whose white is 1, given what they are in it."""
    if range == USUAL:
        return generator
    black, white = range

    def forward(inputs: Any) -> Tensor:
        return (generator.forward(inputs) - black) / (white - black) * 2 - 1

    return replace(generator, forward=forward)


def try_out(generator: Generator, path: Any, range: tuple[float, float] | None) -> None:
    """Look at a few images of a generator of which nothing else says what its numbers mean.

    They are made of the first latents of seed 0. Where no ``range`` is stated, the generator is
    refused if its values lie in one half of [-1, 1]. With or without it, it is refused if many of
    them lie far outside. Where one is stated, it is refused if they fill next to nothing of it.

    Parameters
    ----------
    generator : Generator
        Of which black is -1 and white is 1 (see `rescaled`).
    path : path
        Of its file, for messages.
    range : (float, float), optional
        What is stated of black and white in that file.

    Raises
    ------
    FringeError
        If it is refused, makes the same image of different latents, or one that is not finite.
    """
    latents = Latents(0, generator.z_dim).rows(np.arange(SAMPLES))
    classes = generator.n_classes
    # Two of each label, which then differ in their latents only.
    labels = np.arange(SAMPLES) // 2 % classes if classes else None
    images = np.asarray(
        generator.synthesize(latents, labels=labels, called=f"{path}: image {{}} of seed 0".format)
    )
    if (images[::2] == images[1::2]).all():
        raise FringeError(
            f"{path}: makes the same image of {SAMPLES} different latents; export it again so "
            "that `forward` uses its latents (torch.jit.trace keeps what does not depend on them)"
        )
    fault = range_fault(images, range)
    if fault is not None:
        raise FringeError(f"{path}: {fault}")


def range_fault(images: np.ndarray, range: tuple[float, float] | None) -> str | None:
    """Return what is wrong with the values of a few images, and what to do about it, if anything.

    Parameters
    ----------
    images : array (N, C, H, W)
        Black is -1 and white is 1.
    range : (float, float), optional
        What is stated of both before they were brought there; None if nothing is.
    """
    black, white = range or USUAL
    least, most = (
        float(value + 1) / 2 * (white - black) + black for value in (images.min(), images.max())
    )
    found = f"the values of {len(images)} images lie between {least:.4g} and {most:.4g}"
    above, below = ((sign * images > MIDDLE).mean() for sign in (1, -1))
    if range is None and below < RARE < above:
        times, stated = ("2 * x", "[0, 1]") if most <= 2 else ("x / 127.5", "[0, 255]")
        return (
            f"{found}, as if black were 0, where -1 is meant to be black and 1 white; say "
            f"`range: {stated}`, or export `{times} - 1`; if they are that bright, say "
            "`range: [-1, 1]`"
        )
    if range is None and above < RARE < below and (images < -FAR).mean() <= FEW:
        return (
            f"{found}, the lower half of -1 (black) to 1 (white); say what black and white are in "
            "them, such as `range: [-1, 0]`; if they are that dark, say `range: [-1, 1]`"
        )
    if range is not None and black >= 0 and -1.1 <= least < -0.5 < 0.5 < most <= 1.1:
        return (
            f"{found}, as if black were -1 and white 1, but `range` states {black:g} (black) to "
            f"{white:g} (white); leave it out"
        )
    if (np.abs(images) > FAR).mean() > FEW:
        return (
            f"{found}, many of them far outside of {black:g} (black) to {white:g} (white); say "
            "what black and white are in them, such as `range: [0, 255]`; if they were normalized "
            "by a mean and a deviation, undo that in what you export; if training has only begun "
            f"or diverged, export `x.clamp({black:g}, {white:g})`"
        )
    if range is not None and np.ptp(images) < NARROW:
        return (
            f"{found}, next to nothing of {black:g} (black) to {white:g} (white), which `range` "
            "states; correct it, or leave it out"
        )
    return None
