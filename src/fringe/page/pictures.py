"""The run's figures in the page: limited in width and compressed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import BytesIO
from typing import NamedTuple

from PIL import Image

from fringe.errors import FringeError
from fringe.files.regular import read_regular
from fringe.page.content import Picture
from fringe.scores.rows import damaged

__all__ = ["BUDGET", "LADDER", "Encoded", "Step", "encode_pictures", "picture"]

BUDGET = 8 << 20
"""Limit in bytes for all pictures of a page; a picture counts as often as it is shown."""

_LARGEST_FILE = 64 << 20  # bytes
_HIGHEST = 6000  # pixels; WebP allows 16,383
_MIME = "image/webp"


class Step(NamedTuple):
    """Settings for pictures: the largest width in pixels, and WebP's quality."""

    width: int
    quality: int


LADDER = (
    Step(1400, 82),
    Step(1400, 70),
    Step(1200, 65),
    Step(1000, 60),
    Step(800, 55),
    Step(640, 50),
    Step(480, 45),
)
"""The steps that are tried, from the best to the smallest."""


class Encoded(NamedTuple):
    """A WebP file, with its width and height in pixels."""

    data: bytes
    width: int
    height: int


def encode_pictures(
    paths: Mapping[str, str | os.PathLike[str]],
    budget: int = BUDGET,
    times: Mapping[str, int] | None = None,
) -> dict[str, Encoded]:
    """Encode PNG files as WebP with the first step of `LADDER` with which they fit.

    The same files give the same bytes. A picture is never enlarged.

    Parameters
    ----------
    paths : mapping
        PNG files by name.
    budget : int
        Limit in bytes for all pictures together.
    times : mapping, optional
        How often a page shows (and contains) the picture of a name; once by default.

    Raises
    ------
    DamagedFileError
        If a file is missing or not a picture.
    FringeError
        If the pictures do not fit with any step.
    """
    images = {name: _read(path) for name, path in paths.items()}
    total = 0
    for step in LADDER:
        found = {name: _encode(image, step) for name, image in images.items()}
        total = sum(len(one.data) * (times or {}).get(name, 1) for name, one in found.items())
        if total <= budget:
            return found
    raise FringeError(
        f"page: its {len(paths)} pictures need {total / 1e6:.1f} MB at the lowest quality, more "
        f"than the limit of {budget / 1e6:.1f} MB; show fewer pictures in one run: set "
        "`resample: true` for fewer data sets, or divide the data sets among several runs"
    )


def picture(encoded: Encoded, *, alt: str, caption: str = "") -> Picture:
    """Return a picture of the page; ``alt`` describes it."""
    return Picture(encoded.data, _MIME, encoded.width, encoded.height, alt, caption)


def _read(path: str | os.PathLike[str]) -> Image.Image:
    """Return a picture without transparency, at most as large as the first step allows."""
    try:
        with Image.open(BytesIO(read_regular(path, _LARGEST_FILE))) as file:
            shown = file.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise damaged(path, error) from error
    white = Image.new("RGBA", shown.size, "white")
    return _scaled(Image.alpha_composite(white, shown).convert("RGB"), LADDER[0].width)


def _scaled(image: Image.Image, width: int) -> Image.Image:
    factor = min(1.0, width / image.width, _HIGHEST / image.height)
    if factor == 1:
        return image
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _encode(image: Image.Image, step: Step) -> Encoded:
    shown = _scaled(image, step.width)
    out = BytesIO()
    shown.save(out, "WEBP", quality=step.quality, method=4)
    return Encoded(out.getvalue(), shown.width, shown.height)
