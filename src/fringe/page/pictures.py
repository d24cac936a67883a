"""The run's figures as the page holds them: at most as wide as a page, and small as files."""

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
"""Bytes that all pictures of a page may take together, each as often as it is shown."""

_LARGEST_FILE = 64 << 20  # bytes
_HIGHEST = 6000  # pixels; WebP allows 16,383
_MIME = "image/webp"


class Step(NamedTuple):
    """How pictures are encoded: their largest width in pixels, and WebP's quality."""

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
    """A file of the type WebP; width and height in pixels."""

    data: bytes
    width: int
    height: int


def encode_pictures(
    paths: Mapping[str, str | os.PathLike[str]],
    budget: int = BUDGET,
    times: Mapping[str, int] | None = None,
) -> dict[str, Encoded]:
    """Return PNG files as WebP, all by the first step of `LADDER` with which they fit.

    The same files give the same bytes. A picture is never enlarged.

    Parameters
    ----------
    paths : mapping
        Of names to PNG files.
    budget : int
        Bytes that all may take together.
    times : mapping, optional
        How often a page shows the picture of a name, and thus holds its bytes; once by default.

    Raises
    ------
    DamagedFileError
        If a file is missing or no picture.
    FringeError
        If they do not fit by any step.
    """
    images = {name: _read(path) for name, path in paths.items()}
    total = 0
    for step in LADDER:
        found = {name: _encode(image, step) for name, image in images.items()}
        total = sum(len(one.data) * (times or {}).get(name, 1) for name, one in found.items())
        if total <= budget:
            return found
    raise FringeError(
        f"page: its {len(paths)} pictures take {total / 1e6:.1f} MB at the lowest quality, and "
        f"{budget / 1e6:.1f} MB is the limit; show fewer in one run: give fewer data sets "
        "`resample: true`, or divide them among several runs"
    )


def picture(encoded: Encoded, *, alt: str, caption: str = "") -> Picture:
    """Return a picture of the page; ``alt`` says what is seen."""
    return Picture(encoded.data, _MIME, encoded.width, encoded.height, alt, caption)


def _read(path: str | os.PathLike[str]) -> Image.Image:
    """Return a picture without transparency, no larger than the first step asks for."""
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
