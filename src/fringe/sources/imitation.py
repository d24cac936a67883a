"""The imitation generator: real photographs with simulated errors of generators."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.seeds import random_stream
from fringe.sources.base import Fingerprinted, Images, Indices, check_indices, digest
from fringe.sources.photos import (
    PHOTOGRAPHS,
    Crop,
    check_framing,
    check_numbers,
    cut,
    draw_crop,
    framing_parts,
    photo_hashes,
)
from fringe.sources.photos import REVISION as PHOTOS_REVISION
from fringe.sources.smooth_noise import smooth_noise

__all__ = ["REVISION", "ImitationSource"]

#: Part of every fingerprint of imitations: increase it when the same seed gives other pixels.
REVISION = 1

Array = npt.NDArray[np.floating]  # float32 throughout

# Strength of each flaw at severity 1, chosen by eye from images of severity 0 to 1.
_LARGE_WARP = 0.030  # standard deviation of displacement, relative to the image's side
_SMALL_WARP = 0.012  # the same for the finer field, in the places where it acts
_STROKE = 0.045  # half the length over which texture is smeared, relative to the side
_GRAIN = 5.0  # standard deviation of the grain in smeared places, in gray levels
_REPEATS = 1.6  # expected number of repeated patches
_CAST = 14.0  # standard deviation of a channel's drift, in gray levels
_BLOTCH = 9.0  # of the drift from place to place, in gray levels
_CONTRAST = 0.16  # standard deviation of log contrast
_RARITY = 0.5
_BLUR = 1 / 128  # standard deviation of the loss of resolution, relative to the side
_COLLAPSE = 0.1  # how far positions and sizes of crops move towards the most common one
_COMMONEST_SIDE = {"free": 0.8, "aligned": 0.925}  # by framing


@dataclass(frozen=True)
class ImitationSource(Fingerprinted):
    """A simulated generator: crops like those of `PhotoSource`, with errors of generators.

    It is not a trained network, and its numbers must be labelled as simulated. ``severity`` 0 gives
    plain photographs (from separate random streams, so never the crops of `PhotoSource`), 1 the
    errors of a poor generator. All errors grow with it, so a falling sequence of severities can
    simulate the snapshots of a training run. Image i depends only on the seed, the severity and i.
    Its random numbers depend only on the seed and i, like a fixed latent while weights change.

    The errors, in this order:

    1. *Uneven classes.* Photograph k of K is shown with a probability proportional to
       exp(-0.5 severity r_k), where r_k goes from 0 to 1 in an order that the seed shuffles.
    2. *Less variety.* Positions and sizes of crops move towards the middle.
    3. *Repeated patches.* Soft-edged patches are pasted one or more times next to their origin.
    4. *Local warps.* The whole image is displaced smoothly, and some places more finely.
    5. *Smeared texture.* In some places pixels are averaged along the direction of the local
       structure, like a brush (a line integral along the eigenvector of the structure tensor
       with the smaller eigenvalue: edges remain, texture disappears), and get a correlated grain.
    6. *Lost resolution.* Every image is blurred equally, as if by a coarse last layer.
    7. *Colour drift.* Contrast and levels of channels drift, both globally and from place to place.

    The amount of each error varies little between images (0.85 to 1.15 times the severity), and the
    photographs differ little in probability. Weights can therefore mostly choose between classes,
    not between good and bad images.

    Parameters
    ----------
    count : int
        Number of images.
    size : int
        Height and width, in pixels; lengths scale with it.
    seed : int
        Seed of crops and errors, not negative.
    severity : float
        From 0 to 1, or somewhat more (4 at most).
    framing : str
        "free" or "aligned", as in `PhotoSource`.

    Raises
    ------
    FringeError
        If a number is out of range, the framing is unknown, or the packages with the photographs
        are not installed.

    Examples
    --------
    >>> from fringe.sources import ImitationSource
    >>> images = ImitationSource(count=1000, size=64, seed=0, severity=0.5)
    >>> images.name
    'imitation generator (simulated), severity 0.5 (seed 0)'
    >>> images.read([0, 999]).shape
    (2, 64, 64, 3)
    """

    count: int
    size: int
    seed: int
    severity: float
    framing: str = "free"
    simulated = True

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_numbers(self.name, self.count, self.size, self.seed)
        check_framing(self.name, self.framing)
        if not (isfinite(self.severity) and 0 <= self.severity <= 4):
            raise FringeError(
                f"{self.name}: severity is {self.severity}; it must be from 0 (none) over 1 "
                "(a poor generator) to 4 at most"
            )

    @property
    def name(self) -> str:
        """Name in messages, which says that the generator is simulated."""
        return f"imitation generator (simulated), severity {self.severity:g} (seed {self.seed})"

    @property
    def resolution(self) -> tuple[int, int]:
        """Height and width."""
        return self.size, self.size

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return the SHA-256 of the parameters, the photographs' files and the revisions."""
        parameters = (self.size, self.seed, float(self.severity))
        revisions = (REVISION, PHOTOS_REVISION)
        framing = framing_parts(self.framing)
        return digest(["imitation", *revisions, *parameters, *photo_hashes(), *framing])

    @cached_property
    def frequencies(self) -> tuple[float, ...]:
        """Probability of each of `PHOTOGRAPHS`; they sum to 1."""
        ranks = random_stream(self.seed, "imitation", "ranks").permutation(len(PHOTOGRAPHS))
        raw = np.exp(-_RARITY * self.severity * ranks / (len(PHOTOGRAPHS) - 1))
        return tuple((raw / raw.sum()).tolist())

    def __len__(self) -> int:
        """Return the number of images."""
        return self.count

    def subject(self, index: int) -> str:
        """Return the photograph that image ``index`` shows, a key of `PHOTOGRAPHS`."""
        check_indices([index], self.count, self.name)
        return self._crop(self._stream(index)).subject

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices`` as uint8 RGB, shape (n, H, W, 3)."""
        wanted = check_indices(indices, self.count, self.name)
        images = np.empty((len(wanted), *self.resolution, 3), np.uint8)
        for row, index in enumerate(wanted):
            images[row] = self._image(index)
        return images

    def _stream(self, index: int) -> np.random.Generator:
        return random_stream(self.seed, "imitation", index)

    def _crop(self, rng: np.random.Generator) -> Crop:
        crop = draw_crop(rng, self.frequencies, self.framing)
        side = _COMMONEST_SIDE[self.framing]
        keep = float(np.exp(-_COLLAPSE * self.severity))
        return crop._replace(
            left=0.5 + keep * (crop.left - 0.5),
            top=0.5 + keep * (crop.top - 0.5),
            side=side + keep * (crop.side - side),
        )

    def _image(self, index: int) -> Images:
        rng = self._stream(index)
        photo = cut(self._crop(rng), self.size)
        if self.severity == 0:
            return photo
        blur = _BLUR * self.size * self.severity
        strengths = self.severity * rng.uniform(0.85, 1.15, 4)
        image = photo.astype(np.float32)
        # A separate stream for each flaw, so that flaws do not depend on each other.
        flaws = (repeat_patches, warp_locally, smear_texture, drift_colour)
        for flaw, strength, stream in zip(flaws, strengths.tolist(), rng.spawn(4), strict=True):
            if flaw is drift_colour:
                # No choice of images removes this flaw, so its strength is equal in all images.
                image = _ndimage().gaussian_filter(image, (blur, blur, 0))
            image = flaw(image, strength, stream)
        return np.rint(image).clip(0, 255).astype(np.uint8)


def repeat_patches(image: Array, strength: float, rng: np.random.Generator) -> Array:
    """Paste soft-edged patches of an image (S, S, 3) next to their origin.

    Their number is Poisson with mean 1.6 ``strength`` (at most 8). It counts the arrivals of a
    Poisson process before that time, so a stronger flaw keeps the patches of a weaker one.
    """
    size = len(image)
    image = image.copy()
    arrivals = np.cumsum(rng.exponential(size=8))
    for _ in range(int((arrivals < _REPEATS * strength).sum())):
        height, width = (size * rng.uniform(0.14, 0.34, 2)).astype(int)
        top, left = rng.integers(0, size - height), rng.integers(0, size - width)
        step = np.rint(rng.uniform(0.6, 1.1, 2) * (height, width) * rng.choice([-1, 0, 1], 2))
        patch = image[top : top + height, left : left + width].copy()
        mask = _soft_edge(height)[:, None, None] * _soft_edge(width)[:, None]
        for copy in range(1, 1 + int(rng.integers(1, 4))):
            y, x = int(top + copy * step[0]), int(left + copy * step[1])
            if not (0 <= y <= size - height and 0 <= x <= size - width):
                break
            place = image[y : y + height, x : x + width]
            place += mask * (patch - place)
    return image


def warp_locally(image: Array, strength: float, rng: np.random.Generator) -> Array:
    """Displace the pixels of an image (S, S, 3) smoothly, and more finely in some places."""
    size = len(image)
    somewhere = _somewhere(size, rng)
    large, small = (size * strength * share for share in (_LARGE_WARP, _SMALL_WARP))
    y, x = (
        large * _smooth_noise(size, 4, rng) + small * somewhere * _smooth_noise(size, 13, rng)
        for _ in range(2)
    )
    rows, columns = _grid(size)
    return _sample(image, rows + y, columns + x)


def smear_texture(image: Array, strength: float, rng: np.random.Generator) -> Array:
    """Average the pixels of an image (S, S, 3) along the local structure, in some places."""
    size = len(image)
    along_y, along_x = _structure_direction(image)
    rows, columns = _grid(size)
    # Interpolation mixes neighbouring pixels, which hides steps of about a pixel and a half.
    length = _STROKE * size * strength
    steps = max(1, round(length / 1.5))
    total = image.copy()
    for step in range(1, steps + 1):
        reach = np.float32(length * step / steps)
        for sign in (-1, 1):
            total += _nearest(
                image, rows + sign * reach * along_y, columns + sign * reach * along_x
            )
    smeared = total / np.float32(2 * steps + 1)
    grain = _smooth_noise(size, max(8, size // 3), rng) * np.float32(_GRAIN * strength)
    where = _somewhere(size, rng)[..., None]
    return image + where * (smeared + grain[..., None] - image)


def drift_colour(image: Array, strength: float, rng: np.random.Generator) -> Array:
    """Change contrast and channel levels of an image (S, S, 3), also from place to place."""
    size = len(image)
    contrast = np.float32(np.exp(_CONTRAST * strength * rng.standard_normal()))
    middle = image.mean(axis=(0, 1))
    cast = (_CAST * strength * rng.standard_normal(3)).astype(np.float32)
    hue = rng.standard_normal(3)
    hue *= _BLOTCH * strength * np.sqrt(3) / np.linalg.norm(hue)
    blotches = _smooth_noise(size, 4, rng)[..., None] * hue.astype(np.float32)
    drifted: Array = contrast * (image - middle) + (middle + cast)
    drifted += blotches
    return drifted


@lru_cache
def _grid(size: int) -> tuple[Array, Array]:
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    return rows, columns


def _smooth_noise(size: int, knots: int, rng: np.random.Generator) -> Array:
    """Draw a smooth random field (size, size) of mean 0 and variance 1 everywhere."""
    return smooth_noise((size, size), (knots, knots), rng)


def _somewhere(size: int, rng: np.random.Generator) -> Array:
    """Draw a soft mask (size, size), from 0 to 1, of places that together cover about half."""
    mask: Array = np.clip(0.5 + 1.2 * _smooth_noise(size, 5, rng), 0, 1)
    return mask


@lru_cache
def _soft_edge(length: int) -> Array:
    """Weights (length,) that rise from 0 to 1 in the first quarter and fall in the last quarter."""
    edge = np.arange(1, length + 1) / (length / 4)
    return np.minimum(edge, edge[::-1]).clip(0, 1).astype(np.float32)


def _structure_direction(image: Array) -> tuple[Array, Array]:
    """Return the unit vector (y, x) along the local structure at every pixel, each (S, S).

    It is the eigenvector with the smaller eigenvalue of the structure tensor, the Gaussian mean
    of the luminance gradient's outer product.
    """
    luminance = image @ np.array([0.299, 0.587, 0.114], np.float32)
    ndimage = _ndimage()
    luminance = ndimage.uniform_filter(luminance, 3, mode="nearest")
    gy, gx = np.gradient(luminance)
    sigma = len(image) / 64
    yy, xx, xy = (
        ndimage.gaussian_filter(p, sigma, truncate=2.5) for p in (gy * gy, gx * gx, gx * gy)
    )
    # Angle of the greater eigenvalue's eigenvector from x, then a quarter turn.
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    return np.cos(angle), -np.sin(angle)


def _nearest(image: Array, rows: Array, columns: Array) -> Array:
    """Sample an image (S, S, 3) at the nearest pixels; outside positions use the border."""
    last = len(image) - 1
    y = np.rint(rows).clip(0, last).astype(np.intp)
    x = np.rint(columns).clip(0, last).astype(np.intp)
    return image.reshape(-1, 3).take(y * len(image) + x, axis=0)


def _sample(image: Array, rows: Array, columns: Array) -> Array:
    """Sample an image (S, S, 3) bilinearly between pixels; outside positions use the border."""
    last = len(image) - 1
    rows, columns = rows.clip(0, last), columns.clip(0, last)
    y = np.minimum(rows.astype(np.intp), last - 1)
    x = np.minimum(columns.astype(np.intp), last - 1)
    fy, fx = (rows - y).astype(np.float32)[..., None], (columns - x).astype(np.float32)[..., None]
    pixels = image.reshape(-1, 3)
    corner = y * len(image) + x
    upper = pixels.take(corner, axis=0)
    upper += fx * (pixels.take(corner + 1, axis=0) - upper)
    corner += len(image)
    lower = pixels.take(corner, axis=0)
    lower += fx * (pixels.take(corner + 1, axis=0) - lower)
    upper += fy * (lower - upper)
    return upper


def _ndimage() -> Any:
    """Import scipy.ndimage late: it takes half a second, and building a DAG opens sources."""
    from scipy import ndimage

    return ndimage
