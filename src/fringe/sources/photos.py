"""Real photographs without a download: crops of photographs in two Python packages."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from fringe.errors import FringeError
from fringe.seeds import random_stream
from fringe.sources.base import Fingerprinted, Images, Indices, check_indices, digest, readable
from fringe.sources.decoding import decode

__all__ = [
    "COMPOSITIONS",
    "PHOTOGRAPHS",
    "REVISION",
    "SMALLEST_SIDE",
    "Crop",
    "PhotoSource",
    "box_of",
    "check_framing",
    "check_numbers",
    "cut",
    "draw_crop",
    "framing_parts",
    "loaded_photographs",
    "photo_hashes",
    "photographs",
]

#: Part of every fingerprint of photographs: increase it when the same seed gives other pixels.
REVISION = 1

#: The colour photographs: for each subject, the package that contains it and its path in there.
#: Micrographs, drawings, test patterns and gray images of these packages are left out.
PHOTOGRAPHS = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "cat": ("skimage", "data/chelsea.png"),
    "coffee": ("skimage", "data/coffee.png"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
    "galaxies": ("skimage", "data/hubble_deep_field.jpg"),
    "motorcycle-left": ("skimage", "data/motorcycle_left.png"),
    "motorcycle-right": ("skimage", "data/motorcycle_right.png"),
    "palace": ("sklearn", "datasets/images/china.jpg"),
    "rocket": ("skimage", "data/rocket.jpg"),
}

#: The composition of each photograph: the largest square in it with the subject as close to the
#: middle as possible. The number is the position of the square: 0 is the left (or upper) end of
#: the photograph, 1 is the other end. The numbers were chosen by eye. They put the headlamp of both
#: motorcycles at the same position.
COMPOSITIONS = {
    "astronaut": 0.5,
    "cat": 0.62,
    "coffee": 0.41,
    "flower": 0.44,
    "galaxies": 0.5,
    "motorcycle-left": 0.6,
    "motorcycle-right": 0.34,
    "palace": 0.0,
    "rocket": 0.5,
}

#: The framings, and the side of the smallest crop relative to the photograph's shorter side.
SMALLEST_SIDE = {"free": 0.35, "aligned": 0.85}

_NAMES = tuple(PHOTOGRAPHS)


class Crop(NamedTuple):
    """A square cut out of a photograph."""

    subject: str  # key of PHOTOGRAPHS
    left: float  # position, 0 to 1, in the width of the photograph or composition left by the crop
    top: float  # position in the height, too
    side: float  # relative to the photograph's shorter side, SMALLEST_SIDE to 1
    flip: bool  # mirrored left to right
    framing: str  # key of SMALLEST_SIDE


@dataclass(frozen=True)
class PhotoSource(Fingerprinted):
    """Square crops of real photographs. Image i depends only on the seed and on i.

    A crop shows any of `PHOTOGRAPHS` with equal probability, and is mirrored with probability 1/2.
    The side of a free crop is uniform between 35 and 100 % of the photograph's shorter side, and
    its position is uniform. An aligned crop is in the photograph's composition (`COMPOSITIONS`).
    Its side is uniform between 85 and 100 % of the composition's side, and its position is uniform,
    so that the mean of many aligned crops still shows the subject. With one seed, image i shows the
    same photograph in both framings. A crop is resized with Pillow's antialiased LANCZOS filter
    (small crops of small photographs are enlarged if ``resolution`` exceeds about 100 pixels).

    Parameters
    ----------
    count : int
        Number of images.
    size : int
        Height and width, in pixels.
    seed : int
        Seed of the crops, not negative.
    framing : str
        "free" or "aligned".

    Raises
    ------
    FringeError
        If a number is out of range, the framing is unknown, or the packages with the photographs
        are not installed.

    Examples
    --------
    >>> from fringe.sources import PhotoSource
    >>> photos = PhotoSource(count=1000, size=64, seed=0)
    >>> photos.read([0, 999]).shape
    (2, 64, 64, 3)
    >>> bool((photos.read([7]) == PhotoSource(count=8, size=64, seed=0).read([7])).all())
    True
    """

    count: int
    size: int
    seed: int
    framing: str = "free"
    simulated = False

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_numbers(self.name, self.count, self.size, self.seed)
        check_framing(self.name, self.framing)

    @property
    def name(self) -> str:
        """Name in messages."""
        return f"photos (seed {self.seed})"

    @property
    def resolution(self) -> tuple[int, int]:
        """Height and width."""
        return self.size, self.size

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return the SHA-256 of the parameters, the photographs' files and the revision."""
        framing = framing_parts(self.framing)
        return digest(["photos", REVISION, self.size, self.seed, *photo_hashes(), *framing])

    def __len__(self) -> int:
        """Return the number of images."""
        return self.count

    def subject(self, index: int) -> str:
        """Return the photograph that image ``index`` shows, a key of `PHOTOGRAPHS`."""
        check_indices([index], self.count, self.name)
        return self._crop(index).subject

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices`` as uint8 RGB, shape (n, H, W, 3)."""
        wanted = check_indices(indices, self.count, self.name)
        images = np.empty((len(wanted), *self.resolution, 3), np.uint8)
        for row, index in enumerate(wanted):
            images[row] = cut(self._crop(index), self.size)
        return images

    def _crop(self, index: int) -> Crop:
        return draw_crop(random_stream(self.seed, "photos", index), framing=self.framing)


def draw_crop(
    rng: np.random.Generator,
    frequencies: tuple[float, ...] | None = None,
    framing: str = "free",
) -> Crop:
    """Draw a crop; ``frequencies`` (sum 1) are the probabilities of the photographs."""
    # Always five numbers, so that equal streams give crops that differ only in the subject.
    which, side, left, top, flip = rng.random(5).tolist()
    if frequencies is None:
        subject = int(which * len(_NAMES))
    else:
        subject = int(np.searchsorted(np.cumsum(frequencies)[:-1], which, side="right"))
    smallest = SMALLEST_SIDE[framing]
    return Crop(_NAMES[subject], left, top, smallest + (1 - smallest) * side, flip < 0.5, framing)


def cut(crop: Crop, size: int) -> Images:
    """Return the crop resized to uint8 (size, size, 3)."""
    photo = loaded_photographs()[crop.subject]
    box = box_of(crop, photo.width, photo.height)
    # The gap lets Pillow average whole blocks of large photographs first: faster and as smooth.
    resized = photo.resize((size, size), Image.Resampling.LANCZOS, box=box, reducing_gap=2.0)
    image = np.asarray(resized)
    return image[:, ::-1] if crop.flip else image


def box_of(crop: Crop, width: int, height: int) -> tuple[float, float, float, float]:
    """Return the left, upper, right and lower border of a crop in its photograph, in pixels."""
    x, y = 0.0, 0.0
    shorter = min(width, height)
    if crop.framing == "aligned":
        place = COMPOSITIONS[crop.subject]
        x, y = place * (width - shorter), place * (height - shorter)
        width = height = shorter
    side = crop.side * shorter
    left = x + crop.left * (width - side)
    top = y + crop.top * (height - side)
    return left, top, left + side, top + side


def photographs() -> dict[str, Images]:
    """Return the whole photographs by name, each uint8 (H, W, 3), RGB.

    Returns
    -------
    dict
        From each key of `PHOTOGRAPHS` to the pixels.

    Raises
    ------
    FringeError
        If the packages with the photographs are not installed.

    Examples
    --------
    >>> from fringe.sources import photographs
    >>> photographs()["astronaut"].shape
    (512, 512, 3)
    """
    return {name: np.asarray(photo) for name, photo in loaded_photographs().items()}


@cache
def loaded_photographs() -> dict[str, Image.Image]:
    """Return the decoded photographs, decoded once per process."""
    return {name: decode(_photo_bytes(name), str(_photo_path(name))) for name in PHOTOGRAPHS}


@cache
def photo_hashes() -> tuple[tuple[str, str], ...]:
    """Return (name, hex SHA-256 of the file) of every photograph, read once per process."""
    return tuple((name, sha256(_photo_bytes(name)).hexdigest()) for name in PHOTOGRAPHS)


def framing_parts(framing: str) -> tuple[object, ...]:
    """Return the parts of a fingerprint for a framing; none for the free framing."""
    return () if framing == "free" else (framing, *COMPOSITIONS.items())


def check_framing(name: str, framing: str) -> None:
    """Check the framing of a source of photographs.

    Raises
    ------
    FringeError
        If the framing is unknown.
    """
    if framing not in SMALLEST_SIDE:
        known = " or ".join(SMALLEST_SIDE)
        raise FringeError(f"{name}: framing is {framing!r}; it must be {known}")


def check_numbers(name: str, count: int, size: int, seed: int) -> None:
    """Check the numbers that describe a source of photographs.

    Raises
    ------
    FringeError
        If a number is out of range.
    """
    for key, value, least in (("count", count, 1), ("resolution", size, 16), ("seed", seed, 0)):
        if value < least:
            raise FringeError(f"{name}: {key} is {value}; it must be at least {least}")


def _photo_bytes(name: str) -> bytes:
    path = _photo_path(name)
    with readable(path):
        return path.read_bytes()


def _photo_path(name: str) -> Path:
    package, inside = PHOTOGRAPHS[name]
    # Found without importing the packages, which would take more than a second.
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise FringeError(
            f"the photograph {name!r} is part of the package {package}, which is not installed; "
            "install Fringe with its demo extra: pip install 'fringe-fid[demo]'"
        )
    return Path(spec.origin).parent / inside
