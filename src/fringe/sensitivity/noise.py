"""Noise in the part of an image that its sensitivity map calls important, or in the other part.

Appendix C of the paper ("Validation of FID sensitivity heatmaps", Figure 10): if maps are right,
noise where they are high raises FID more than as much noise elsewhere. As much means as many
pixels: each image is divided into halves.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from fringe.errors import FringeError
from fringe.metrics.arrays import Array, as_numpy, require_finite
from fringe.seeds import random_stream
from fringe.sensitivity.maps import upsampled
from fringe.sources.base import (
    Fingerprinted,
    Images,
    ImageSource,
    Indices,
    check_indices,
    digest,
)
from fringe.sources.distortions import with_noise

__all__ = ["REGIONS", "NoisySource", "Region", "check_maps", "important_half"]

#: Part of every fingerprint of noisy images: raise it when the same seed gives other pixels.
REVISION = 1

Region: TypeAlias = Literal["important", "unimportant", "everywhere"]
REGIONS: tuple[Region, ...] = get_args(Region)


def check_maps(maps: Any) -> Array:
    """Return sensitivity maps (n, h, w) as a NumPy array of their own type.

    Raises
    ------
    FringeError
        If their shape is another, or one holds NaN or infinity.
    """
    array = as_numpy(maps)
    if array.ndim != 3 or 0 in array.shape or array.dtype.kind not in "fiub":
        raise FringeError(
            f"sensitivity maps: expected numbers of shape (images, height, width), got shape "
            f"{array.shape} of {array.dtype}"
        )
    require_finite(array, "sensitivity maps")
    return array


def important_half(maps: Any, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return, for each image, which half of its pixels its map says FID depends on most.

    Parameters
    ----------
    maps : array (n, h, w)
        Sensitivity maps, brought to the size of their image as `upsampled` does.
    size : (int, int)
        Height H and width W of the images.

    Returns
    -------
    bool array (n, H, W)
        Exactly H W // 2 pixels of each image. Of pixels that are equally important, those that
        come first, row by row, are taken: of a map that is the same everywhere the upper half.

    Raises
    ------
    FringeError
        If maps have another shape or are not finite.
    """
    array = check_maps(maps)
    half = np.zeros((len(array), size[0] * size[1]), dtype=bool)
    wanted = half.shape[1] // 2
    # One image at a time: at full size in float64, maps fill the memory.
    for row, one in enumerate(array if wanted else ()):
        values = upsampled(one[None], size).ravel()
        # The least value that is taken; sorting all of them would take ten times as long.
        level = np.partition(values, -wanted)[-wanted]
        np.greater(values, level, out=half[row])
        level_with = np.flatnonzero(values == level)
        half[row, level_with[: wanted - np.count_nonzero(half[row])]] = True
    return half.reshape(len(array), *size)


class NoisySource(Fingerprinted):
    """The images of another source, with Gaussian noise in one part of each.

    The noise of an image depends on the seed and the image's index alone. It is the same for all
    regions, and all scales but for its size, so regions do not differ by the chance of the draw.

    Parameters
    ----------
    source : ImageSource
        The clean images.
    maps : array (n, h, w)
        Sensitivity maps of its first n images, which are the images of this source.
    region : {"important", "unimportant", "everywhere"}
        Where the noise is: see `important_half`; the unimportant half is all that it leaves.
    scale : float
        Standard deviation of the noise, of each channel of each pixel, over the 255 grey levels of
        an image. What comes out is rounded and clipped to 0 to 255 once; 0 changes nothing.
    seed : int
        Not negative.

    Raises
    ------
    FringeError
        If the maps have another shape, are not finite or are more than the images, or ``region``,
        ``scale`` or ``seed`` is not allowed.
    """

    def __init__(
        self, source: ImageSource, maps: Any, region: Region, scale: float, seed: int
    ) -> None:
        """Check and keep them; no noise is drawn yet."""
        if region not in REGIONS:
            raise FringeError(f"region noise: region {region!r} is none of {', '.join(REGIONS)}")
        if not (math.isfinite(scale) and scale >= 0):
            raise FringeError(f"region noise: scale is {scale}; give 0 or a positive number")
        if seed < 0:
            raise FringeError(f"region noise: seed is {seed}; give 0 or a positive integer")
        self.maps = check_maps(maps)
        if len(self.maps) > len(source):
            raise FringeError(
                f"{source.name}: {len(self.maps)} sensitivity maps for {len(source)} images; give "
                "the maps of these very images"
            )
        self.source = source
        self.region = region
        self.scale = float(scale)
        self.seed = int(seed)

    @property
    def name(self) -> str:
        """What a message calls it."""
        return f"{self.source.name} with noise {self.scale:g} ({self.region})"

    @property
    def resolution(self) -> tuple[int, int]:
        """Height and width."""
        return self.source.resolution

    @property
    def simulated(self) -> bool:
        """Whether the clean images are a simulation of a generator's."""
        return self.source.simulated

    def __len__(self) -> int:
        """Return the number of images that have maps."""
        return len(self.maps)

    def fingerprint_of(self, first: int, last: int) -> str:
        """Return SHA-256 of the images, their maps where these matter, and the noise."""
        noise = (REVISION, self.region, self.scale, self.seed)
        parts: list[object] = ["region noise", *noise, self.source.fingerprint_of(first, last)]
        if self.region != "everywhere":
            maps = self.maps[first:last]
            parts += [maps.shape, maps.dtype.str, hashlib.sha256(maps.tobytes()).hexdigest()]
        return digest(parts)

    def read(self, indices: Indices) -> Images:
        """Return the images at ``indices`` with their noise, uint8 RGB, shape (n, H, W, 3).

        Raises
        ------
        FringeError
            As the source does, and if an index has no map.
        """
        wanted = check_indices(indices, len(self), self.name)
        clean = self.source.read(wanted)
        if self.scale == 0:
            return clean
        noisy = np.empty_like(clean)
        for row, index in enumerate(wanted):
            noisy[row] = self._noisy(clean[row], index)
        return noisy

    def _noisy(self, image: Images, index: int) -> Images:
        stream = random_stream(self.seed, "region noise", index)
        noisy = with_noise(image, 255 * self.scale, stream)
        if self.region == "everywhere":
            return noisy
        inside = important_half(self.maps[index : index + 1], self.resolution)[0]
        if self.region == "unimportant":
            inside = ~inside
        return np.where(inside[..., None], noisy, image)
